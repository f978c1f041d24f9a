/**
 * Question: what does the head cost a sample, in time and memory, against the least that could be done: pushing each value into an
 * array found by the series' text?
 *
 * 2,000 series, one cycle every 5 s for 6 hours, read back once as a 6 h select of 500 of them.
 */
import { Labels, type Sample } from '../src/base/index.ts'
import { createHead } from '../src/store/index.ts'

const SERIES = 2000
const STEP_MS = 5000
const CYCLES = (6 * 3600 * 1000) / STEP_MS
const START_MS = 1_700_000_000_000

const labels = Array.from({ length: SERIES }, (_, i) =>
  Labels.from({
    __name__: `celery_metric_${i % 20}`,
    broker: 'default',
    queue: `queue-${i % 7}`,
    task: `app.tasks.task_${i}`,
  }),
)

function usedBytes(): number {
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

interface Outcome {
  readonly appendMs: number
  readonly usedBytes: number
  readonly kept: unknown
}

function measure(append: (cycle: number, samples: readonly Sample[]) => void, kept: unknown): Outcome {
  const before = usedBytes()
  let appendMs = 0
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    const samples = labels.map((given, i) => ({ labels: given, value: cycle * (i % 13) }))
    const started = performance.now()
    append(cycle, samples)
    appendMs += performance.now() - started
  }
  return { appendMs, usedBytes: usedBytes() - before, kept }
}

const naive = new Map<string, number[]>()
const floor = measure((cycle, samples) => {
  for (const { labels: given, value } of samples) {
    const list = naive.get(given.key)
    if (list === undefined) naive.set(given.key, [START_MS + cycle * STEP_MS, value])
    else list.push(START_MS + cycle * STEP_MS, value)
  }
}, naive)
naive.clear()

const head = createHead()
const ours = measure((cycle, samples) => head.appendCycle('bench', START_MS + cycle * STEP_MS, samples), head)

const endMs = START_MS + CYCLES * STEP_MS
const matchers = [{ name: '__name__', op: '=~', value: 'celery_metric_[0-4]' }] as const
const selectStarted = performance.now()
const found = head.select(matchers, endMs - 6 * 3600 * 1000, endMs)
const foundMs = performance.now() - selectStarted
let sum = 0
for (const { values, from, to } of found) for (let i = from; i < to; i++) sum += values[i] ?? 0
const readMs = performance.now() - selectStarted

const samples = SERIES * CYCLES
const line = (name: string, outcome: Outcome): string =>
  `${name.padEnd(26)} ${((outcome.appendMs * 1e6) / samples).toFixed(1).padStart(7)} ns/sample ` +
  `${(outcome.appendMs / CYCLES).toFixed(3).padStart(7)} ms/cycle ${(outcome.usedBytes / samples).toFixed(2).padStart(6)} bytes/sample`
process.stdout.write(
  [
    `store-append: ${SERIES} series x ${CYCLES} cycles = ${samples.toLocaleString('en')} samples`,
    line('floor: Map<string, number[]>', floor),
    line('head', ours),
    `head says of itself: ${(head.stats.bytes / head.stats.samples).toFixed(2)} bytes/sample (${head.stats.samples.toLocaleString('en')} samples)`,
    `select ${found.length} series x 6 h: found in ${foundMs.toFixed(1)} ms, read in ${readMs.toFixed(1)} ms (sum ${sum})`,
    '',
  ].join('\n'),
)
