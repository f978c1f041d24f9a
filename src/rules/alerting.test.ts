import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Labels, MINUTE, SECOND } from '../base/index.ts'
import type { VectorSample } from '../promql/index.ts'
import {
  type ActiveAlert,
  type AlertingRule,
  createRules,
  type RuleGroup,
  type Rules,
  type RuleStatus,
} from './index.ts'

const rule = (fields: Partial<AlertingRule> = {}): AlertingRule => ({
  kind: 'alert',
  alert: 'Down',
  expr: 'down',
  forMs: 0,
  keepFiringForMs: 0,
  labels: {},
  annotations: {},
  ...fields,
})

interface Scene {
  readonly rules: Rules
  readonly see: (...samples: readonly (readonly [labels: Record<string, string>, value?: number])[]) => void
  readonly fail: (message: string) => void
  /** From when on everything is seen; null while it is not. */
  readonly seen: (sinceSeconds: number | null) => void
  readonly at: (seconds: number) => Promise<readonly ActiveAlert[]>
  readonly states: () => readonly string[]
  readonly health: () => RuleStatus
}

/** One alerting rule whose result and sight the test decides. */
function scene(fields: Partial<AlertingRule> = {}, group: Partial<RuleGroup> = {}): Scene {
  let result: readonly VectorSample[] | Error = []
  let seenSince: number | null = Number.NEGATIVE_INFINITY
  const groups: readonly RuleGroup[] = [
    { name: 'g', file: 'f', intervalMs: MINUTE, rules: [rule(fields)], ...group },
  ]
  const rules = createRules({
    groups,
    query: () => {
      if (result instanceof Error) throw result
      return result
    },
    write: () => {},
    seenSince: () => seenSince,
  })
  return {
    rules,
    see: (...samples) => {
      result = samples.map(([labels, value = 1]) => ({ labels: Labels.from(labels), value }))
    },
    fail: message => {
      result = new Error(message)
    },
    seen: sinceSeconds => {
      seenSince = sinceSeconds === null ? null : sinceSeconds * SECOND
    },
    at: async seconds => (await rules.evaluate(groups[0]!, seconds * SECOND)).alerts,
    states: (): readonly string[] => rules.activeAlerts().map(({ state }) => state),
    health: () => rules.status()[0]!.rules[0]!,
  }
}

test('without `for` an alert fires in the evaluation that finds it', async () => {
  const { at, see } = scene()
  see([{ __name__: 'down', queue: 'q' }, 5])
  const [alert] = await at(60)
  expect(alert).toMatchObject({
    state: 'firing',
    value: 5,
    activeAtMs: 60_000,
    firedAtMs: 60_000,
    group: 'g',
  })
  expect(alert?.labels.toJSON()).toEqual({ alertname: 'Down', queue: 'q' })
})

test('with `for` it is pending until that time has passed, and forgotten when it goes before', async () => {
  const { at, see, states } = scene({ forMs: 2 * MINUTE })
  see([{}])
  expect(await at(0)).toEqual([])
  expect(states()).toEqual(['pending'])
  expect(await at(119)).toEqual([])
  see()
  expect(await at(120)).toEqual([])
  expect(states()).toEqual([])
  see([{}])
  await at(180)
  expect(await at(300)).toMatchObject([{ state: 'firing', activeAtMs: 180_000, firedAtMs: 300_000 }])
})

test('a firing alert that goes is told as resolved for 15 minutes', async () => {
  const { at, see, states } = scene()
  see([{}])
  await at(0)
  see()
  expect(await at(60)).toMatchObject([{ state: 'inactive', resolvedAtMs: 60_000 }])
  expect(states()).toEqual([])
  expect(await at(60 + 900)).toHaveLength(1)
  expect(await at(60 + 901)).toEqual([])
})

test('an alert that returns after it was resolved begins anew', async () => {
  const { at, see } = scene()
  see([{}])
  await at(0)
  see()
  await at(60)
  see([{}])
  expect(await at(120)).toMatchObject([{ state: 'firing', activeAtMs: 120_000, resolvedAtMs: undefined }])
})

test('`keep_firing_for` counts from when it first went missing, and starts over when it returns', async () => {
  const { at, see } = scene({ keepFiringForMs: 2 * MINUTE })
  see([{}])
  await at(0)
  see()
  expect(await at(60)).toMatchObject([{ state: 'firing' }])
  expect(await at(179)).toMatchObject([{ state: 'firing' }])
  see([{}])
  await at(180)
  see()
  expect(await at(240)).toMatchObject([{ state: 'firing' }])
  expect(await at(359)).toMatchObject([{ state: 'firing' }])
  expect(await at(360)).toMatchObject([{ state: 'inactive', resolvedAtMs: 360_000 }])
})

test('value and annotations follow the result, labels are those of the beginning', async () => {
  const { at, see } = scene({ annotations: { text: 'is {{ $value }}' }, labels: { severity: 'page' } })
  see([{ q: 'a' }, 1])
  await at(0)
  see([{ q: 'a' }, 2])
  const [alert] = await at(60)
  expect(alert).toMatchObject({ value: 2, annotations: { text: 'is 2' }, activeAtMs: 0 })
  expect(alert?.labels.toJSON()).toEqual({ alertname: 'Down', q: 'a', severity: 'page' })
})

test('labels of the group lie below those of the rule, templates are expanded, an empty one takes a label away', async () => {
  const { at, see } = scene(
    { labels: { severity: '{{ if gt $value 5.0 }}page{{ else }}ticket{{ end }}', instance: '' } },
    { labels: { severity: 'none', team: 'a' } },
  )
  see([{ instance: 'i', q: 'x' }, 7], [{ instance: 'i', q: 'y' }, 3])
  expect((await at(0)).map(({ labels }) => labels.toJSON())).toEqual([
    { alertname: 'Down', q: 'x', severity: 'page', team: 'a' },
    { alertname: 'Down', q: 'y', severity: 'ticket', team: 'a' },
  ])
})

test('two results with one identity fail the rule, and its alerts stay as they were', async () => {
  const { at, see, states, health } = scene({ labels: { q: '' } })
  see([{ q: 'a' }])
  await at(0)
  see([{ q: 'a' }], [{ q: 'b' }])
  expect(await at(60)).toMatchObject([{ state: 'firing', activeAtMs: 0 }])
  expect(health()).toMatchObject({
    health: 'err',
    lastError: 'vector contains metrics with the same labelset after applying alert labels',
  })
  see([{ q: 'a' }])
  await at(120)
  expect(health()).toMatchObject({ health: 'ok', lastError: undefined })
  expect(states()).toEqual(['firing'])
})

test('a failed evaluation keeps every alert in its state', async () => {
  const { at, see, fail, states, health } = scene({ forMs: 2 * MINUTE })
  see([{ q: 'a' }])
  await at(0)
  fail('store gone')
  await at(60)
  expect(states()).toEqual(['pending'])
  expect(health().lastError).toBe('store gone')
  see([{ q: 'a' }])
  expect(await at(120)).toMatchObject([{ state: 'firing', activeAtMs: 0 }])
})

test('while nothing can be seen, alerts are held as they are; once it can, they are judged again', async () => {
  const { at, see, seen, rules } = scene({ forMs: MINUTE })
  see([{ q: 'a' }])
  await at(0)
  await at(60)
  see([{ q: 'a' }], [{ q: 'b' }])
  await at(90)
  see()
  seen(null)
  for (const seconds of [120, 600, 6000]) await at(seconds)
  expect(rules.activeAlerts()).toMatchObject([
    { state: 'firing', heldSinceMs: 120_000 },
    { state: 'pending', heldSinceMs: 120_000 },
  ])
  see([{ q: 'a' }])
  await at(6060)
  expect(rules.activeAlerts()).toMatchObject([
    { state: 'firing', heldSinceMs: undefined },
    { state: 'pending', heldSinceMs: 120_000 },
  ])
  seen(6100)
  see()
  expect(await at(6120)).toMatchObject([{ state: 'inactive', resolvedAtMs: 6_120_000 }])
  expect(rules.activeAlerts()).toEqual([])
})

test('time in which nothing can be seen does not use up `keep_firing_for`', async () => {
  const { at, see, seen } = scene({ keepFiringForMs: 5 * MINUTE })
  see([{}])
  await at(0)
  see()
  await at(60)
  seen(null)
  await at(120)
  await at(600)
  seen(650)
  expect(await at(660)).toMatchObject([{ state: 'firing' }])
  expect(await at(959)).toMatchObject([{ state: 'firing' }])
  expect(await at(960)).toMatchObject([{ state: 'inactive' }])
})

test('a firing alert does not end on a window in which hardly anything was seen, but once all of the window was', async () => {
  const { at, see, seen, rules } = scene({ expr: 'rate(down[5m]) > 0' })
  see([{ q: 'a' }])
  await at(0)
  see()
  seen(null)
  await at(60)
  await at(480)
  seen(500)
  for (const seconds of [501, 660, 799]) {
    expect(await at(seconds)).toMatchObject([{ state: 'firing', heldSinceMs: 60_000 }])
  }
  expect(await at(800)).toMatchObject([{ state: 'inactive', resolvedAtMs: 800_000 }])
  see([{ q: 'a' }])
  seen(810)
  expect(await at(815)).toMatchObject([{ state: 'firing', firedAtMs: 815_000 }])
  expect(rules.activeAlerts()).toMatchObject([{ heldSinceMs: undefined }])
})

test('a pending alert is judged by what is seen: it does not begin to fire for what was so before the window was lost', async () => {
  const { at, see, seen, states } = scene({ expr: 'rate(down[5m]) > 0', forMs: 2 * MINUTE })
  see([{}])
  await at(0)
  see()
  seen(30)
  await at(60)
  expect(states()).toEqual([])
})

test('with a query offset the time that is asked for is judged, not the present', async () => {
  const { at, see, seen } = scene({}, { queryOffsetMs: MINUTE })
  see([{}])
  await at(0)
  see()
  seen(100)
  expect(await at(150)).toMatchObject([{ state: 'firing' }])
  expect(await at(160)).toMatchObject([{ state: 'inactive' }])
})

test('more alerts than the limit fail the rule and clear it: who was told of an alert is told that it is over', async () => {
  const { at, see, states, health } = scene({}, { limit: 1 })
  see([{ q: 'a' }])
  await at(0)
  see([{ q: 'a' }], [{ q: 'b' }])
  const told = await at(60)
  expect(health()).toMatchObject({ health: 'err', lastError: 'exceeded limit of 1 with 2 alerts' })
  expect(states()).toEqual([])
  expect(told.map(({ labels, state, resolvedAtMs }) => [labels.get('q'), state, resolvedAtMs])).toEqual([
    ['a', 'inactive', 60_000],
  ])
})

test('a clock that is set back does not take a firing alert back', async () => {
  const { at, see, states } = scene({ forMs: MINUTE })
  see([{}])
  await at(600)
  await at(660)
  await at(610)
  expect(states()).toEqual(['firing'])
})

/** What may happen at one evaluation. */
const step = fc.record({
  advance: fc.integer({ min: 1, max: 180 }),
  a: fc.boolean(),
  b: fc.boolean(),
  blind: fc.boolean(),
  fails: fc.integer({ min: 0, max: 5 }).map(dice => dice === 0),
})

test('for any course of events: never resolved while blind or failing or on a window not seen as a whole, `for` respected, one end for each beginning', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 0, max: 300 }),
      fc.integer({ min: 0, max: 300 }),
      fc.constantFrom(0, 120, 600),
      async (steps, forSeconds, keepSeconds, windowSeconds) => {
        const { at, see, fail, seen, rules } = scene({
          ...(windowSeconds === 0 ? {} : { expr: `rate(down[${windowSeconds}s])` }),
          forMs: forSeconds * SECOND,
          keepFiringForMs: keepSeconds * SECOND,
        })
        let now = 0
        let seenSince: number | null = Number.NEGATIVE_INFINITY
        /** Transitions of each alert, as somebody who is told of every evaluation sees them. */
        const told = new Map<string, string[]>()
        const firing = new Set<string>()
        const lastSeen = new Map<string, number>()
        const since = new Map<string, number>()
        for (const each of steps) {
          now += each.advance
          const before = new Map(rules.activeAlerts().map(alert => [alert.labels.get('q'), alert]))
          const shown = [...(each.a ? ['a'] : []), ...(each.b ? ['b'] : [])]
          see(...shown.map(q => [{ q }] as const))
          seenSince = each.blind ? null : (seenSince ?? now)
          seen(seenSince)
          if (each.fails) fail('no')
          const alerts = await at(now)
          const after = new Map(rules.activeAlerts().map(alert => [alert.labels.get('q'), alert]))
          const isStill = each.fails || each.blind
          for (const [q, alert] of before)
            if (isStill && after.get(q)?.state !== alert.state)
              // Only forward, and only because it was seen: pending became firing.
              expect([each.fails, shown.includes(q), alert.state, after.get(q)?.state]).toEqual([
                false,
                true,
                'pending',
                'firing',
              ])
          if (!each.fails)
            for (const q of ['a', 'b']) {
              if (shown.includes(q)) {
                lastSeen.set(q, now)
                if (!before.has(q)) since.set(q, now)
              }
            }
          for (const alert of alerts) {
            const q = alert.labels.get('q')
            const isFiring = alert.state === 'firing'
            if (isFiring === firing.has(q)) continue
            told.set(q, [...(told.get(q) ?? []), alert.state])
            if (isFiring) {
              firing.add(q)
              // It held from its beginning until now, at least `for`, and was seen now.
              expect(now - (since.get(q) ?? NaN)).toBeGreaterThanOrEqual(forSeconds)
              expect(alert.activeAtMs).toBe((since.get(q) ?? NaN) * SECOND)
              expect(lastSeen.get(q)).toBe(now)
            } else {
              firing.delete(q)
              expect([each.blind, each.fails, shown.includes(q)]).toEqual([false, false, false])
              expect(now - (seenSince ?? Number.NaN)).toBeGreaterThanOrEqual(windowSeconds)
              expect(now - (lastSeen.get(q) ?? NaN)).toBeGreaterThanOrEqual(keepSeconds)
              expect(alert.resolvedAtMs).toBe(now * SECOND)
            }
          }
        }
        for (const transitions of told.values())
          expect(transitions).toEqual(transitions.map((_, i) => (i % 2 === 0 ? 'firing' : 'inactive')))
        for (const alert of rules.activeAlerts())
          expect(alert.state === 'firing').toBe(firing.has(alert.labels.get('q')))
      },
    ),
    { numRuns: 500 },
  )
})
