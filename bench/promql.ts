/**
 * Question: how long do the queries of a page and of a rule take once their samples are in memory as columns?
 *
 * 500 and 5,000 counters and 50 histograms of 12 buckets, 24 h at 15 s. The source hands out its columns by metric name, so
 * only the engine is measured. Best of several rounds, milliseconds. `--json` prints the numbers as JSON.
 */
import { Labels } from '../src/base/index.ts'
import {
  evaluateInstant,
  evaluateRange,
  type LabelMatcher,
  parse,
  type SeriesColumns,
  type SeriesSource,
} from '../src/promql/index.ts'

const STEP_MS = 15_000
const SAMPLES = (24 * 3600 * 1000) / STEP_MS
const START_MS = 1_700_000_000_000
const END_MS = START_MS + (SAMPLES - 1) * STEP_MS + 3
const HOUR = 3_600_000
const ROUNDS = 7

/** A fixed sequence of numbers in [0, 1). */
function randoms(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

const timestamps = Float64Array.from({ length: SAMPLES }, (_, i) => START_MS + i * STEP_MS)

function counters(name: string, labelSets: readonly Record<string, string>[]): readonly SeriesColumns[] {
  const random = randoms(labelSets.length)
  return labelSets
    .map(labels => {
      const values = new Float64Array(SAMPLES)
      let value = 0
      for (let i = 0; i < SAMPLES; i++) {
        value = random() < 0.0005 ? 0 : value + Math.floor(random() * 5)
        values[i] = value
      }
      const named = Labels.from({ __name__: name, ...labels })
      return { labels: named, timestamps, values, stale: undefined, from: 0, to: SAMPLES }
    })
    .sort((a, b) => Labels.compare(a.labels, b.labels))
}

const tasks = (count: number): readonly Record<string, string>[] =>
  Array.from({ length: count }, (_, i) => ({ queue: `queue-${i % 10}`, task: `app.tasks.task_${i}` }))
const BOUNDS = ['0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10', '30', '60', '300', '+Inf']

const data: Readonly<Record<string, readonly SeriesColumns[]>> = {
  few_total: counters('few_total', tasks(500)),
  failed_total: counters('failed_total', tasks(500)),
  many_total: counters('many_total', tasks(5000)),
  runtime_bucket: counters(
    'runtime_bucket',
    tasks(50).flatMap(labels => BOUNDS.map(le => ({ ...labels, le }))),
  ),
}

const source: SeriesSource = {
  select(matchers: readonly LabelMatcher[], fromMs: number, toMs: number) {
    const name = matchers.find(matcher => matcher.name === '__name__')?.value ?? ''
    const from = Math.max(0, Math.floor((fromMs - START_MS) / STEP_MS) + 1)
    const to = Math.min(SAMPLES, Math.floor((toMs - START_MS) / STEP_MS) + 1)
    return (data[name] ?? []).map(series => ({ ...series, from, to }))
  },
}

/** Expressions with the range they are asked over (0: one instant) and its step. */
const QUESTIONS: readonly (readonly [expr: string, rangeMs: number, stepMs: number])[] = [
  ['few_total', 0, 0],
  ['sum by (queue) (rate(few_total[5m]))', 0, 0],
  ['sum by (queue) (rate(failed_total[5m])) / sum by (queue) (rate(few_total[5m]))', 0, 0],
  ['histogram_quantile(0.95, sum by (le, queue) (rate(runtime_bucket[5m])))', 0, 0],
  ['sum by (queue) (rate(many_total[5m]))', 0, 0],
  ['topk(10, rate(many_total[5m]))', 0, 0],
  ['sum by (queue) (rate(few_total[5m]))', HOUR, 15_000],
  ['rate(few_total[5m])', HOUR, 15_000],
  ['quantile_over_time(0.9, few_total[10m])', HOUR, 15_000],
  ['failed_total / on (task) group_left () few_total', HOUR, 15_000],
  ['sum by (queue) (rate(few_total[5m]))', 24 * HOUR - 600_000, 60_000],
  ['histogram_quantile(0.95, sum by (le, queue) (rate(runtime_bucket[5m])))', 24 * HOUR - 600_000, 60_000],
  ['sum by (queue) (rate(many_total[5m]))', 24 * HOUR - 600_000, 60_000],
]

const results = QUESTIONS.map(([expr, rangeMs, stepMs]) => {
  const tree = parse(expr)
  let best = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now()
    if (rangeMs === 0) evaluateInstant(tree, END_MS, source)
    else evaluateRange(tree, END_MS - rangeMs, END_MS, stepMs, source)
    best = Math.min(best, performance.now() - started)
  }
  return {
    expr,
    range: rangeMs === 0 ? 'instant' : `${Math.round(rangeMs / HOUR)} h / ${stepMs / 1000} s`,
    ms: best,
  }
})

if (process.argv.includes('--json')) {
  process.stdout.write(`${JSON.stringify(results)}\n`)
} else {
  for (const { expr, range, ms } of results)
    process.stdout.write(`${ms.toFixed(2).padStart(9)} ms  ${range.padEnd(11)} ${expr}\n`)
}
