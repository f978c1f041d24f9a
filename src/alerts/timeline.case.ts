import { Labels, SECOND } from '../base/index.ts'
import type { AlertNotice, Decision, Notification, Told } from './contract.ts'
import { createDispatcher, type Dispatcher, type DispatcherOptions } from './dispatcher.ts'

/** Scripted time for the tests of this room: seconds since the start, told as lines that read like a log. */

/** Waits 30 s, looks every 5 m, repeats after 4 h; tells `ops`. */
export const OPS: DispatcherOptions = {
  receivers: [{ name: 'ops' }],
  externalURL: () => 'http://celeriac.example',
}

export interface Scene {
  readonly dispatcher: Dispatcher
  /** Begins or continues an alert `Rule/instance`. */
  fire(name: string): void
  resolve(name: string): void
  /** Runs to a time in seconds, deciding and delivering on the way. */
  until(seconds: number): void
  /** What was sent and arrived, or was refused: `30 ops firing Rule/a | first firing`. */
  readonly told: string[]
  readonly skipped: string[]
  readonly notifications: Notification[]
  /** Channels that fail now. */
  readonly dead: Set<string>
  /** When set, nothing is reported as delivered until `arrive`. */
  hold: boolean
  arrive(ok: boolean): void
  restart(data?: unknown): void
}

export function scene(options: DispatcherOptions = OPS): Scene {
  let now = 0
  let dispatcher = createDispatcher(options)
  const active = new Map<string, AlertNotice>()
  const held: Told[] = []

  const labelsOf = (name: string): Labels => {
    const [alertname = '', instance = ''] = name.split('/')
    return Labels.from({ alertname, instance, broker: 'default' })
  }

  const seconds = (): number => now / SECOND
  const who = (told: Told): string =>
    told.integration === '' ? told.receiver : `${told.receiver}.${told.integration}`

  function act(decision: Decision): void {
    if (decision.kind === 'skip') {
      self.skipped.push(`${seconds()} ${who(decision)} ${decision.reason}`)
      return
    }
    const { notification } = decision
    const list = notification.alerts
      .map(alert => {
        const name = `${alert.labels.get('alertname')}/${alert.labels.get('instance')}`
        return alert.status === notification.status ? name : `${name}(${alert.status})`
      })
      .join(' ')
    const failed = self.dead.has(who(notification))
    self.told.push(
      `${seconds()} ${who(notification)} ${failed ? 'FAILED ' : ''}${notification.status} ${list} | ${notification.reason}`,
    )
    self.notifications.push(notification)
    if (self.hold) held.push(notification)
    else dispatcher.delivered(notification, !failed, now)
  }

  const self = {
    get dispatcher() {
      return dispatcher
    },
    told: [] as string[],
    skipped: [] as string[],
    notifications: [] as Notification[],
    dead: new Set<string>(),
    hold: false,

    fire(name: string) {
      active.set(name, {
        labels: labelsOf(name),
        annotations: { summary: `about ${name}`, severity: 'the same' },
        startsAtMs: now,
        resolvedAtMs: undefined,
        generatorURL: '',
        value: 1,
      })
      dispatcher.receive([...active.values()], now)
    },

    resolve(name: string) {
      const notice = active.get(name)
      if (notice === undefined) throw new Error(`${name} does not fire`)
      active.set(name, { ...notice, resolvedAtMs: now })
      dispatcher.receive([...active.values()], now)
    },

    until(target: number) {
      for (; now <= target * SECOND; now += SECOND) {
        // Rules send the whole list again and again; every 15 s here.
        if (seconds() % 15 === 0) dispatcher.receive([...active.values()], now)
        for (const decision of dispatcher.due(now)) act(decision)
      }
      now = target * SECOND
    },

    arrive(ok: boolean) {
      for (const told of held.splice(0)) dispatcher.delivered(told, ok, now)
    },

    restart(data?: unknown) {
      dispatcher = createDispatcher(options)
      if (data !== undefined) dispatcher.restore(data)
    },
  }
  return self
}
