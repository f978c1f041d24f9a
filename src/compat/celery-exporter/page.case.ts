import { createFleet, type Fleet, type FleetChange } from '../../fleet/index.ts'
import { parseExposition } from '../../metrics/index.ts'
import { heartbeat, T0 } from '../../fleet/events.case.ts'
import {
  CELERY_EXPORTER_DEFAULTS,
  type CeleryExporterOptions,
  type CeleryExporterPage,
  createCeleryExporterPage,
} from '../index.ts'

type TaskChange = Extract<FleetChange, { kind: 'task' }>

export const change = (event: TaskChange['event'], more: Partial<TaskChange> = {}): TaskChange => ({
  kind: 'task',
  event,
  task: 'shop.bill',
  queue: 'bills',
  worker: event === 'sent' ? 'gen7@web' : 'w1@a',
  ...more,
})

export interface TestPage extends CeleryExporterPage {
  readonly dropped: () => number
}

export function newPage(options: Partial<CeleryExporterOptions> = {}, brokers = ['b']): TestPage {
  let dropped = 0
  const page = createCeleryExporterPage({
    options: { ...CELERY_EXPORTER_DEFAULTS, ...options },
    brokers,
    dropped: () => dropped++,
  })
  return {
    record: (broker, changes) => page.record(broker, changes),
    collect: (fleet, connected, nowMs) => page.collect(fleet, connected, nowMs),
    expose: format => page.expose(format),
    dropped: () => dropped,
  }
}

/** A connected fleet of workers that beat at T0, each `name@host`, on queues and with pools as told. */
export function fleetOf(
  workers: Readonly<Record<string, { active?: number; slots?: number; queues?: readonly string[] }>>,
  broker = 'b',
): Fleet {
  const fleet = createFleet({ broker })
  fleet.observe({ kind: 'broker-connected' }, T0)
  for (const [worker, { active = 0 }] of Object.entries(workers))
    fleet.apply(heartbeat({ worker, active }), T0)
  const say = (method: 'stats' | 'active_queues', replies: [string, unknown][]): void =>
    fleet.observe({ kind: 'inspect', method, replies: new Map(replies), askedAtMs: T0 + 3000 }, T0 + 3000)
  const some = Object.entries(workers)
  say(
    'stats',
    some.flatMap(([worker, { slots }]) =>
      slots === undefined ? [] : [[worker, { pool: { 'max-concurrency': slots } }]],
    ),
  )
  say(
    'active_queues',
    some.map(([worker, { queues = [] }]) => [worker, queues.map(name => ({ name }))]),
  )
  return fleet
}

/** The page as text; '' while it cannot be had. */
export const text = (page: CeleryExporterPage, format: 'text' | 'openmetrics' = 'text'): string =>
  [...(page.expose(format) ?? [])].join('')

/** `name{label="value",…}` to value, in the order of the page; a series told twice is an error. */
export function read(page: CeleryExporterPage): Readonly<Record<string, number>> {
  const found: Record<string, number> = {}
  for (const { name, labels, value } of parseExposition(text(page)).samples) {
    const key = `${name}{${Object.entries(labels)
      .map(([label, each]) => `${label}="${each}"`)
      .join(',')}}`
    if (key in found) throw new Error(`${key} is told twice`)
    found[key] = value
  }
  return found
}

/** A page on which the fleet was collected at `atMs`, with those changes recorded. */
export function collected(
  fleet: Fleet,
  changes: readonly FleetChange[] = [],
  options: Partial<CeleryExporterOptions> = {},
  atMs = T0 + 3000,
): TestPage {
  const page = newPage(options)
  page.record('b', changes)
  page.collect(fleet, true, atMs)
  return page
}
