import { expect, test } from 'vitest'
import { CeleriacError, Labels, MINUTE, type Sample } from '../base/index.ts'
import { evaluateInstant, type VectorSample } from '../promql/index.ts'
import { createHead, type Store } from '../store/index.ts'
import {
  type AlertingRule,
  createRules,
  type RecordingRule,
  type Rule,
  type RuleGroup,
  type Rules,
} from './index.ts'

const record = (name: string, expr: string, labels: Record<string, string> = {}): RecordingRule => ({
  kind: 'record',
  record: name,
  expr,
  labels,
})
const alert = (name: string, expr: string, fields: Partial<AlertingRule> = {}): AlertingRule => ({
  kind: 'alert',
  alert: name,
  expr,
  forMs: 0,
  keepFiringForMs: 0,
  labels: {},
  annotations: {},
  ...fields,
})
const group = (rules: readonly Rule[], fields: Partial<RuleGroup> = {}): RuleGroup => ({
  name: 'g',
  file: 'f',
  intervalMs: MINUTE,
  rules,
  ...fields,
})

interface World {
  readonly rules: Rules
  readonly store: Store
  readonly give: (atMs: number, values: Record<string, number>) => void
  readonly ask: (expr: string, atMs: number) => Record<string, number>
  readonly stale: (metric: string) => readonly number[]
}

/** The engine over the store and the evaluator that it runs on in production. */
function world(groups: readonly RuleGroup[]): World {
  const store = createHead()
  const query = (expr: string, atMs: number): readonly VectorSample[] => {
    const { result } = evaluateInstant(expr, atMs, store)
    if (result.type === 'vector') return result.samples
    if (result.type === 'scalar') return [{ labels: Labels.EMPTY, value: result.value }]
    throw new CeleriacError('QUERY_FAILED', 'neither vector nor scalar')
  }
  const rules = createRules({
    groups,
    query,
    write: (producer, atMs, samples) => store.appendCycle(producer, atMs, samples),
  })
  return {
    rules,
    store,
    give: (atMs, values) => {
      store.appendCycle(
        'input',
        atMs,
        Object.entries(values).map(([name, value]): Sample => ({
          labels: Labels.from({ __name__: name }),
          value,
        })),
      )
    },
    ask: (expr, atMs) =>
      Object.fromEntries(query(expr, atMs).map(({ labels, value }) => [labels.toString() || '{}', value])),
    stale: metric =>
      store
        .select([{ name: '__name__', op: '=', value: metric }], -Infinity, Infinity)
        .flatMap(({ timestamps, stale, from, to }) =>
          [...timestamps.subarray(from, to)].filter((_, i) => stale?.[from + i] === 1),
        ),
  }
}

test('later rules of a group see what earlier ones recorded at the same time', async () => {
  const rules = group([
    record('double', '2 * x'),
    record('again', 'double + 1', { kind: 'sum' }),
    alert('Big', 'again > 6'),
  ])
  const { give, ask, rules: engine } = world([rules])
  give(1000, { x: 3 })
  const { samples, alerts } = await engine.evaluate(rules, 1000)
  expect(ask('{__name__=~"double|again"}', 1000)).toEqual({ 'again{kind="sum"}': 7, double: 6 })
  expect(alerts).toMatchObject([{ state: 'firing', value: 7 }])
  expect(samples.map(({ labels }) => labels.metric)).toEqual([
    'double',
    'again',
    'ALERTS',
    'ALERTS_FOR_STATE',
  ])
})

test('a scalar is one sample without labels', async () => {
  const rules = group([record('answer', '42')])
  const { ask, rules: engine } = world([rules])
  await engine.evaluate(rules, 1000)
  expect(ask('answer', 1000)).toEqual({ answer: 42 })
})

test('an alert that changes its state ends its old series, one that goes ends both', async () => {
  const rules = group([alert('Big', 'x > 1', { forMs: MINUTE })])
  const { give, ask, stale, rules: engine } = world([rules])
  const evaluate = async (atMs: number, x: number): Promise<void> => {
    give(atMs, { x })
    await engine.evaluate(rules, atMs)
  }
  await evaluate(60_500, 2)
  expect(ask('ALERTS', 60_500)).toEqual({ 'ALERTS{alertname="Big", alertstate="pending"}': 1 })
  expect(ask('ALERTS_FOR_STATE', 60_500)).toEqual({ 'ALERTS_FOR_STATE{alertname="Big"}': 60 })
  await evaluate(120_500, 2)
  expect(ask('ALERTS', 120_500)).toEqual({ 'ALERTS{alertname="Big", alertstate="firing"}': 1 })
  await evaluate(180_500, 0)
  expect(ask('{__name__=~"ALERTS.*"}', 180_500)).toEqual({})
  expect(stale('ALERTS')).toEqual([180_500, 120_500])
  expect(stale('ALERTS_FOR_STATE')).toEqual([180_500])
})

test('a recorded series that is not returned becomes stale; after a failure it does not', async () => {
  const rules = group([record('r', 'x > 1')])
  const { give, stale, rules: engine } = world([rules])
  give(1000, { x: 2 })
  await engine.evaluate(rules, 1000)
  give(2000, { x: 0 })
  await engine.evaluate(rules, 2000)
  expect(stale('r')).toEqual([2000])
  let isBroken = false
  const written: (readonly Sample[])[] = []
  const engineThatFails = createRules({
    groups: [rules],
    query: () => {
      if (isBroken) throw new Error('timed out')
      return [{ labels: Labels.EMPTY, value: 1 }]
    },
    write: (_producer, _atMs, samples) => written.push(samples),
  })
  await engineThatFails.evaluate(rules, 1000)
  isBroken = true
  expect((await engineThatFails.evaluate(rules, 2000)).samples).toEqual([])
  expect(written).toHaveLength(1)
  expect(engineThatFails.status()[0]?.rules[0]).toMatchObject({ health: 'err', lastError: 'timed out' })
})

test('one rule that fails does not stop the others of its group', async () => {
  const rules = group([record('bad', 'x + on(q) group_left {__name__=~"y.*"}'), record('good', '1')])
  const { rules: engine, store, ask } = world([rules])
  store.appendCycle('input', 1000, [
    { labels: Labels.from({ __name__: 'x' }), value: 1 },
    { labels: Labels.from({ __name__: 'y1' }), value: 1 },
    { labels: Labels.from({ __name__: 'y2' }), value: 1 },
  ])
  await engine.evaluate(rules, 1000)
  expect(engine.status()[0]?.rules.map(({ health }) => health)).toEqual(['err', 'ok'])
  expect(ask('good', 1000)).toEqual({ good: 1 })
})

test('series that become one under the rule’s labels, and more of them than the limit, fail a recording rule', async () => {
  const same = group([record('r', '{__name__=~"a|b"}')])
  const many = group([record('r', '{__name__=~"a|b"}')], { name: 'limited', limit: 1 })
  const { give, rules: engine } = world([same, many])
  give(1000, { a: 1, b: 2 })
  await engine.evaluate(same, 1000)
  await engine.evaluate(many, 1000)
  expect(engine.status().map(({ rules }) => rules[0]?.lastError)).toEqual([
    'vector contains metrics with the same labelset after applying rule labels',
    'exceeded limit of 1 with 2 series',
  ])
})

test('labels of the group lie below those of the rule, and an empty one takes a label away', async () => {
  const rules = group([record('r', 'label_replace(x, "gone", "y", "", "")', { team: 'b', gone: '' })], {
    labels: { team: 'a', site: 's' },
  })
  const { give, ask, rules: engine } = world([rules])
  give(1000, { x: 1 })
  await engine.evaluate(rules, 1000)
  expect(ask('r', 1000)).toEqual({ 'r{site="s", team="b"}': 1 })
})

test('with a query offset the past is asked and written, and `for` counts on the present', async () => {
  const rules = group(
    [
      record('r', 'x'),
      alert('X', 'x > 0', {
        forMs: MINUTE,
        annotations: { at: '{{ with query "x" }}{{ . | first | value }}{{ end }}' },
      }),
    ],
    {
      queryOffsetMs: 30_000,
    },
  )
  const { give, ask, rules: engine } = world([rules])
  give(70_000, { x: 7 })
  give(95_000, { x: 9 })
  await engine.evaluate(rules, 100_000)
  expect(ask('r', 70_000)).toEqual({ r: 7 })
  expect(engine.activeAlerts()).toMatchObject([
    { activeAtMs: 100_000, state: 'pending', annotations: { at: '7' } },
  ])
  await engine.evaluate(rules, 160_000)
  expect(engine.activeAlerts()).toMatchObject([{ firedAtMs: 160_000 }])
})

test('groups are told apart by file and name', async () => {
  expect(() => createRules({ groups: [group([]), group([])], query: () => [], write: () => {} })).toThrow(
    CeleriacError,
  )
  const engine = createRules({
    groups: [group([]), group([], { file: 'other' })],
    query: () => [],
    write: () => {},
  })
  await expect(engine.evaluate(group([]), 1)).rejects.toThrow('There is no rule group "g"')
})

test('the status tells how long evaluations took and when they were', async () => {
  const rules = group([record('a', '1'), record('b', '2')])
  let clock = 0
  const engine = createRules({
    groups: [rules],
    query: () => {
      clock += 250
      return []
    },
    write: () => {},
    stopwatchMs: () => clock,
  })
  expect(engine.status()[0]).toMatchObject({
    lastEvaluationMs: undefined,
    rules: [{ health: 'unknown' }, {}],
  })
  await engine.evaluate(rules, 5000)
  expect(engine.status()[0]).toMatchObject({
    lastEvaluationMs: 5000,
    evaluationSeconds: 0.5,
    rules: [{ evaluationSeconds: 0.25, lastEvaluationMs: 5000, health: 'ok' }, { evaluationSeconds: 0.25 }],
  })
})
