import { expect, test } from 'vitest'
import { Labels, MINUTE, SECOND } from '../base/index.ts'
import { ruleGroups } from '../catalog/index.ts'
import { createFleet, type Fleet } from '../fleet/index.ts'
import { depths, heartbeat, T0 } from '../fleet/events.case.ts'
import type { VectorSample } from '../promql/index.ts'
import { type AlertingRule, createRules, type RuleGroup, type SightPort } from '../rules/index.ts'
import { createSight, type Sight } from './sight.ts'

const CYCLE_MS = 5 * SECOND
const catalog: readonly RuleGroup[] = ruleGroups()

const ruleOf = (name: string): AlertingRule => {
  const rule = catalog
    .flatMap(({ rules }) => rules)
    .find((each): each is AlertingRule => each.kind === 'alert' && each.alert === name)
  if (rule === undefined) throw new Error(`no rule ${name}`)
  return rule
}
const custom = (expr: string): AlertingRule => ({
  kind: 'alert',
  alert: 'Custom',
  expr,
  forMs: 0,
  keepFiringForMs: 0,
  labels: {},
  annotations: {},
})

const DEFAULT = Labels.from({ broker: 'default' })
const FAILURES = ruleOf('CeleryHighFailureRate')
const DEPTH = ruleOf('CeleryQueueDepthHigh')

interface Stage {
  readonly sight: Sight
  readonly seen: (rule: AlertingRule, labels?: Labels) => ReturnType<SightPort>
  /** Lets time pass to so many seconds after the beginning, collecting every five; the fleet speaks while its broker is connected. */
  readonly until: (seconds: number) => void
  readonly lose: () => void
  readonly connect: () => void
}

function stage(options: { groups?: readonly RuleGroup[]; isHostLost?: () => boolean } = {}): Stage {
  const fleet: Fleet = createFleet({ queues: ['bills'] })
  let nowMs = T0
  let connected = false
  const sight = createSight({
    fleets: [fleet],
    groups: options.groups ?? catalog,
    isHostLost: options.isHostLost ?? (() => false),
    nowMs: () => nowMs,
  })
  return {
    sight,
    seen: (rule, labels = DEFAULT) => {
      const sinceMs = sight.seenSince(rule, labels)
      return sinceMs === null || !Number.isFinite(sinceMs) ? sinceMs : (sinceMs - T0) / SECOND
    },
    until(seconds) {
      while (nowMs < T0 + seconds * SECOND) {
        nowMs += CYCLE_MS
        if (connected) {
          fleet.apply(heartbeat({ atMs: nowMs - 1000 }), nowMs - 1000)
          fleet.observe(depths({ bills: 3 }), nowMs - 500)
        }
        fleet.tick(nowMs)
        sight.look()(nowMs)
      }
    },
    lose() {
      connected = false
      fleet.observe({ kind: 'broker-lost' }, nowMs)
      sight.lost('default')
    },
    connect() {
      connected = true
      fleet.observe({ kind: 'broker-connected' }, nowMs)
    },
  }
}

test('what was never heard is nothing to be blind for; from its first collection on it is seen', () => {
  const { seen, until, connect } = stage()
  expect(seen(FAILURES)).toBe(-Infinity)
  until(10)
  connect()
  expect(seen(FAILURES)).toBe(-Infinity)
  until(20)
  expect([seen(FAILURES), seen(DEPTH)]).toEqual([15, 15])
})

test('a lost broker is blind at once, until the first collection after its return that holds something', () => {
  const { seen, until, lose, connect, sight } = stage()
  connect()
  until(60)
  lose()
  expect([seen(FAILURES), seen(DEPTH)]).toEqual([null, null])
  until(120)
  expect(seen(FAILURES)).toBe(null)
  connect()
  expect(seen(DEPTH)).toBe(null)
  const stored = sight.look()
  stored(T0)
  expect(seen(DEPTH)).toBe(null)
  until(135)
  expect([seen(FAILURES), seen(DEPTH)]).toEqual([125, 125])
})

test('a loss between the look at a collection and its end outdates the look', () => {
  const { seen, until, connect, sight } = stage()
  connect()
  until(60)
  sight.lost('default', 'events')
  expect([seen(FAILURES), seen(DEPTH)]).toEqual([null, 5])
  const stored = sight.look()
  sight.lost('default', 'events')
  stored(T0 + 65_000)
  expect(seen(FAILURES)).toBe(null)
  until(70)
  expect(seen(FAILURES)).toBe(65)
})

test('an alert of another broker, of a metric that is not ours, or that does not parse, is never blind', () => {
  const { seen, until, connect, lose } = stage()
  connect()
  until(60)
  lose()
  expect(seen(FAILURES, Labels.from({ broker: 'other' }))).toBe(-Infinity)
  expect(seen(FAILURES, Labels.EMPTY)).toBe(null)
  expect(seen(custom('node_load1 > 4'))).toBe(-Infinity)
  expect(seen(custom('rate('))).toBe(-Infinity)
})

test('sources are found through series that rule files record', () => {
  const groups: readonly RuleGroup[] = [
    {
      name: 'mine',
      file: 'mine.yml',
      intervalMs: MINUTE,
      rules: [
        { kind: 'record', record: 'mine:failed', expr: 'rate(celery_task_failed_total[10m])', labels: {} },
        { kind: 'record', record: 'mine:loop', expr: 'mine:loop + mine:failed', labels: {} },
      ],
    },
  ]
  const { seen, until, connect, lose } = stage({ groups })
  connect()
  until(60)
  lose()
  expect(seen(custom('mine:loop > 1'))).toBe(null)
  expect(seen(custom('yours:failed > 1'))).toBe(-Infinity)
})

test('what a lost scrape target told is not seen', () => {
  let lost = true
  const { seen } = stage({ isHostLost: () => lost })
  const cpu = ruleOf('WorkerCpuHigh')
  expect([seen(cpu), seen(DEPTH)]).toEqual([null, -Infinity])
  lost = false
  expect(seen(cpu)).toBe(-Infinity)
})

test('the failure rate that fired before Redis went away is not told as resolved by the reconnect, but once its whole window lies after it', async () => {
  const { sight, until, connect, lose } = stage()
  let result: readonly VectorSample[] = []
  const rules = createRules({
    groups: catalog,
    query: expr => (expr === FAILURES.expr ? result : []),
    write: () => {},
    seenSince: sight.seenSince,
  })
  const group = catalog.find(({ rules: each }) => each.includes(FAILURES))
  if (group === undefined) throw new Error('no group')
  const states = async (seconds: number): Promise<readonly string[]> => {
    until(seconds)
    const { alerts } = await rules.evaluate(group, T0 + seconds * SECOND)
    return alerts.map(({ state }) => state)
  }
  connect()
  result = [{ labels: Labels.from({ broker: 'default', task: 'bill', queue: 'bills' }), value: 0.5 }]
  await states(60)
  expect(await states(60 + FAILURES.forMs / SECOND)).toEqual(['firing'])
  lose()
  result = []
  const back = 1000
  expect(await states(back)).toEqual(['firing'])
  connect()
  expect(await states(back + 5)).toEqual(['firing'])
  // Its expression counts failures over ten minutes.
  expect(await states(back + 600)).toEqual(['firing'])
  expect(await states(back + 605)).toEqual(['inactive'])
})
