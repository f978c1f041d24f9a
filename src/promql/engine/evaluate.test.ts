import { expect, test } from 'vitest'
import { TestSource } from '../../../test/conformance/promql-source.ts'
import { CeleriacError, Labels, METRIC_NAME } from '../../base/index.ts'
import {
  deadline,
  evaluateInstant,
  evaluateRange,
  instantWork,
  parse,
  rangeWork,
  type Work,
} from '../index.ts'

const MINUTE = 60_000

function sourceOf(series: number, samples: number): TestSource {
  const source = new TestSource()
  for (let s = 0; s < series; s++)
    for (let i = 0; i < samples; i++)
      source.add(Labels.from({ [METRIC_NAME]: 'm', s: String(s) }), i * MINUTE, i)
  return source
}

const refusal = (run: () => unknown): CeleriacError => {
  try {
    run()
  } catch (error) {
    if (error instanceof CeleriacError) return error
    throw error
  }
  throw new Error('not refused')
}

test('a range of more points than allowed is refused with the step that would do', () => {
  const error = refusal(() => evaluateRange('m', 0, 7 * 86_400_000, 15_000, sourceOf(1, 1)))
  expect(error.code).toBe('QUERY_LIMIT')
  expect(error.message).toBe('exceeded maximum resolution of 11000 points per timeseries: 40321 asked for')
  expect(error.hint).toBe('Use a step of at least 55 s.')
  expect(evaluateRange('m', 0, 7 * 86_400_000, 55_000, sourceOf(1, 1)).result).toHaveLength(1)
})

test('a query that would touch too many samples is refused before it allocates them', () => {
  const limits = { maxSamples: 1000 }
  const source = sourceOf(20, 5)
  expect(evaluateRange('m', 0, 9 * MINUTE, MINUTE, source, { limits }).result).toHaveLength(20)
  const error = refusal(() => evaluateRange('m', 0, 99 * MINUTE, MINUTE, source, { limits }))
  expect(error.code).toBe('QUERY_LIMIT')
  expect(error.message).toMatch(/^query would process more than 1000 samples \(at least 2200\)$/)
  expect(error.hint).toContain('larger step')
  const wide = refusal(() => evaluateInstant('count_over_time(vector(1)[10y:1ms])', 0, source))
  expect(wide.code).toBe('QUERY_LIMIT')
})

test('a checkpoint is asked at every pause and may end the query', () => {
  let asked = 0
  const pauses = pausesOf(instantWork('m', 0, sourceOf(5000, 1), { checkpoint: () => asked++ }))
  expect(asked).toBeGreaterThan(pauses)
  expect(pauses).toBeGreaterThanOrEqual(5)
  let now = 0
  const error = refusal(() =>
    evaluateInstant('m', 0, sourceOf(5000, 1), { checkpoint: deadline(() => now++, 5) }),
  )
  expect(error.code).toBe('QUERY_TIMEOUT')
  expect(error.message).toBe('query timed out after 5 ms')
})

function pausesOf(work: Work<unknown>): number {
  let pauses = 0
  while (work.next().done !== true) pauses++
  return pauses
}

/** A histogram of 20 buckets for each of so many tasks. */
function histograms(tasks: number): TestSource {
  const source = new TestSource()
  for (let task = 0; task < tasks; task++)
    for (let bucket = 1; bucket <= 20; bucket++)
      for (let i = 0; i < 3; i++) {
        const le = bucket === 20 ? '+Inf' : String(bucket)
        const labels = Labels.from({ [METRIC_NAME]: 'h_bucket', task: String(task), le })
        source.add(labels, i * MINUTE, i * bucket)
      }
  return source
}

test('work over many series pauses in every node, in proportion to what it handles', () => {
  const few = histograms(5)
  const many = histograms(150)
  for (const expr of [
    'h_bucket',
    'h_bucket * 2',
    '-h_bucket',
    'h_bucket > 1 or h_bucket',
    'h_bucket + h_bucket',
    'h_bucket and h_bucket',
    'rate(h_bucket[5m])',
    'sum(h_bucket)',
    'sum by (le) (h_bucket)',
    'avg(h_bucket)',
    'topk(3, h_bucket)',
    'quantile(0.5, h_bucket)',
    'count_values("n", h_bucket)',
    'label_replace(h_bucket, "a", "$1", "le", "(.*)")',
    'histogram_quantile(0.95, h_bucket)',
    'max_over_time(h_bucket[3m:1m])',
  ]) {
    const nodes = 1 + (expr.match(/[(*+-]|and|or/g)?.length ?? 0)
    // A pause after a thousand series at most, in each of the nodes; constant parts aside.
    expect(pausesOf(instantWork(expr, 2 * MINUTE, many)), expr).toBeGreaterThanOrEqual(2)
    expect(pausesOf(instantWork(expr, 2 * MINUTE, few)), expr).toBeLessThanOrEqual(nodes)
    const range = pausesOf(rangeWork(expr, 0, 60 * MINUTE, MINUTE, many))
    expect(range, expr).toBeGreaterThan(pausesOf(instantWork(expr, 2 * MINUTE, many)))
  }
})

test('what was selected before a pause is not touched by samples that come meanwhile', () => {
  const source = histograms(150)
  const work = instantWork('sum(h_bucket)', 2 * MINUTE, source)
  work.next()
  for (let task = 0; task < 150; task++)
    source.add(Labels.from({ [METRIC_NAME]: 'h_bucket', task: String(task), le: '1' }), 90_000, 1e9)
  for (;;) {
    const step = work.next()
    if (step.done !== true) continue
    expect(step.value.result).toEqual(evaluateInstant('sum(h_bucket)', 2 * MINUTE, histograms(150)).result)
    break
  }
})

test('bounds and types that make no range query are refused', () => {
  const source = sourceOf(1, 1)
  expect(refusal(() => evaluateRange('m', 0, 1, 0, source)).message).toContain('zero or negative')
  expect(refusal(() => evaluateRange('m', 0, 1, NaN, source)).code).toBe('QUERY_INVALID')
  expect(refusal(() => evaluateRange('m', 1, 0, 1, source)).message).toContain('must not be before')
  expect(refusal(() => evaluateRange('m[5m]', 0, 1, 1, source)).message).toContain('"range vector"')
  expect(refusal(() => evaluateRange('"a"', 0, 1, 1, source)).message).toContain('"string"')
})

test('a scalar over a range is a series without labels', () => {
  const { result } = evaluateRange('time() * 2', 1000, 3000, 1000, sourceOf(1, 1))
  expect(result).toEqual([
    {
      labels: Labels.EMPTY,
      timestamps: Float64Array.of(1000, 2000, 3000),
      values: Float64Array.of(2, 4, 6),
    },
  ])
})

test('series of a range come sorted by their labels', () => {
  const { result } = evaluateRange('topk(3, -m) or m', 0, MINUTE, MINUTE, sourceOf(12, 2))
  const labels = result.map(series => series.labels)
  expect(labels).toEqual(labels.toSorted((a, b) => Labels.compare(a, b)))
})

test('options change the lookback and the step of subqueries', () => {
  const source = sourceOf(1, 1)
  const value = (expr: string, at: number, options = {}): unknown =>
    evaluateInstant(expr, at, source, options).result
  expect(value('m', 2 * MINUTE)).toMatchObject({ samples: [{ value: 0 }] })
  expect(value('m', 2 * MINUTE, { lookbackMs: MINUTE })).toMatchObject({ samples: [] })
  expect(value('count_over_time(m[3m:])', MINUTE, { defaultSubqueryStepMs: 30_000 })).toMatchObject({
    samples: [{ value: 3 }],
  })
})

test('a parsed expression serves many evaluations', () => {
  const tree = parse('sum(m)')
  const source = sourceOf(3, 3)
  const values = [0, MINUTE, 2 * MINUTE].map(at => evaluateInstant(tree, at, source).result)
  expect(values).toMatchObject([0, 3, 6].map(value => ({ type: 'vector', samples: [{ value }] })))
})

test('a source is asked for exactly the samples that can matter', () => {
  const asked: (readonly [number, number])[] = []
  const source = {
    select: (_matchers: unknown, fromMs: number, toMs: number) => {
      asked.push([fromMs, toMs])
      return []
    },
  }
  evaluateRange('m', 60_000, 120_000, 30_000, source)
  evaluateInstant('rate(m[2m] offset 1m)', 600_000, source)
  evaluateRange('max_over_time(m[5m:1m] @ end())', 60_000, 600_000, 30_000, source)
  expect(asked).toEqual([
    [60_000 - 5 * MINUTE, 120_000],
    [600_000 - 3 * MINUTE, 600_000 - MINUTE],
    // Steps from 6 to 10 min, each looking back 5 min.
    [6 * MINUTE - 5 * MINUTE, 600_000],
  ])
})

test('a long scan of overlapping windows stays interruptible', () => {
  const source = sourceOf(1, 3000)
  let asked = 0
  const options = { checkpoint: () => asked++ }
  evaluateRange('sum_over_time(m[1d])', 1500 * MINUTE, 3000 * MINUTE, MINUTE, source, options)
  expect(asked).toBeGreaterThan(4)
})
