import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Labels, SECOND } from '../base/index.ts'
import type { AlertNotice, Notification } from './contract.ts'
import { createDispatcher } from './dispatcher.ts'

const WAIT = 3 * SECOND
const INTERVAL = 7 * SECOND
const REPEAT = 60 * SECOND

type Step =
  | { readonly do: 'fire' | 'resolve'; readonly alert: number }
  | { readonly do: 'wait'; readonly seconds: number }
  | { readonly do: 'answer'; readonly which: number; readonly ok: boolean }
  | { readonly do: 'restart' }

const alert = fc.integer({ min: 0, max: 3 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('fire' as const), alert }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('resolve' as const), alert }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 12 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
      which: fc.integer({ min: 0, max: 5 }),
      ok: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
)

const channel = (n: Notification): string => `${n.groupKey} ${n.receiver} ${n.integration}`
const content = (n: Notification): string =>
  n.alerts.map(each => `${each.fingerprint} ${each.status} ${each.startsAtMs}`).join('\n')

/** Four alerts in two groups, two channels, answers in any order and late, restarts that keep the log. */
function play(steps: readonly Step[]) {
  const options = {
    receivers: [{ name: 'ops', integrations: ['slack', 'webhook'] }],
    groupWaitMs: WAIT,
    groupIntervalMs: INTERVAL,
    repeatIntervalMs: REPEAT,
  }
  let dispatcher = createDispatcher(options)
  let now = 0
  const notices = new Map<number, AlertNotice>()
  let pending: Notification[] = []
  const arrived: { readonly atMs: number; readonly notification: Notification }[] = []

  const answer = (notification: Notification, ok: boolean): void => {
    pending = pending.filter(other => other !== notification)
    if (ok) arrived.push({ atMs: now, notification })
    dispatcher.delivered(notification, ok, now)
  }
  const wait = (seconds: number): void => {
    for (let i = 0; i < seconds; i++) {
      now += SECOND
      dispatcher.receive([...notices.values()], now)
      for (const decision of dispatcher.due(now))
        if (decision.kind === 'notify') pending.push(decision.notification)
      // What stays unanswered for an interval has failed: the notifier promises as much.
      for (const old of pending.filter(each => sentAt(each) + INTERVAL <= now)) answer(old, false)
    }
  }
  const sent = new Map<Notification, number>()
  const sentAt = (notification: Notification): number => {
    const at = sent.get(notification) ?? now
    sent.set(notification, at)
    return at
  }

  for (const each of steps) {
    if (each.do === 'wait') wait(each.seconds)
    else if (each.do === 'answer') {
      const notification = pending[each.which]
      if (notification !== undefined) answer(notification, each.ok)
    } else if (each.do === 'restart') {
      for (const notification of pending.slice()) answer(notification, false)
      const log = JSON.parse(JSON.stringify(dispatcher.snapshot())) as unknown
      dispatcher = createDispatcher(options)
      dispatcher.restore(log)
    } else {
      const old = notices.get(each.alert)
      const firing = old !== undefined && old.resolvedAtMs === undefined
      if (each.do === 'fire' && !firing)
        notices.set(each.alert, {
          labels: Labels.from({ alertname: each.alert < 2 ? 'A' : 'B', n: `${each.alert}` }),
          annotations: {},
          startsAtMs: now,
          resolvedAtMs: undefined,
          generatorURL: '',
          value: each.alert,
        })
      if (each.do === 'resolve' && old !== undefined && firing)
        notices.set(each.alert, { ...old, resolvedAtMs: now })
    }
  }
  const settle = (seconds: number): void => {
    for (let i = 0; i < seconds; i++) {
      wait(1)
      for (const notification of pending.slice()) answer(notification, true)
    }
  }
  return {
    arrived,
    notices,
    settle,
    get dispatcher() {
      return dispatcher
    },
    resolveAll() {
      for (const [n, notice] of notices)
        if (notice.resolvedAtMs === undefined) notices.set(n, { ...notice, resolvedAtMs: now })
    },
  }
}

const steps = fc.array(step, { maxLength: 80 })

test('two identical notifications never arrive in a row within the repeat interval', () => {
  fc.assert(
    fc.property(steps, script => {
      const last = new Map<string, { atMs: number; content: string }>()
      const game = play(script)
      game.settle(200)
      for (const { atMs, notification } of game.arrived) {
        const before = last.get(channel(notification))
        const same = before !== undefined && before.content === content(notification)
        expect(same ? atMs - before.atMs : REPEAT).toBeGreaterThanOrEqual(REPEAT)
        last.set(channel(notification), { atMs, content: content(notification) })
      }
    }),
    { numRuns: 300 },
  )
})

test('no end is told to who did not hear the beginning, and none is told twice', () => {
  fc.assert(
    fc.property(steps, script => {
      const firing = new Set<string>()
      const unheard: string[] = []
      const game = play(script)
      game.resolveAll()
      game.settle(200)
      for (const { notification } of game.arrived)
        for (const each of notification.alerts) {
          const key = `${channel(notification)} ${each.fingerprint}`
          if (each.status === 'firing') firing.add(key)
          else if (!firing.delete(key)) unheard.push(key)
        }
      expect(unheard).toEqual([])
      expect([...firing]).toEqual([])
      expect(game.dispatcher.stats).toMatchObject({ groups: 0, alerts: 0 })
      expect(game.dispatcher.nextDueMs()).toBeUndefined()
    }),
    { numRuns: 300 },
  )
})

test('once sends arrive again, every channel knows of every alert that still fires', () => {
  fc.assert(
    fc.property(steps, script => {
      const game = play(script)
      game.settle(3 * (INTERVAL / SECOND))
      const told = new Map<string, string>()
      for (const { notification } of game.arrived)
        for (const each of notification.alerts)
          told.set(`${notification.integration} ${each.labels.get('n')}`, each.status)
      for (const [n, notice] of game.notices)
        for (const integration of ['slack', 'webhook']) {
          const status = told.get(`${integration} ${n}`)
          expect(status === 'firing', `${integration} ${n}`).toBe(notice.resolvedAtMs === undefined)
        }
    }),
    { numRuns: 300 },
  )
})
