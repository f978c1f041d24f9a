import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { metrics } from '../catalog/index.ts'
import type { FleetChange } from '../fleet/index.ts'
import { createMetrics, type ExpositionFormat, type MetricsRegistry, parseExposition } from './index.ts'

const HOSTILE = [
  '',
  '\n',
  '"',
  '\\',
  '\\n',
  '\u0000',
  '}',
  ',',
  '=',
  '{a="b"} 1\n',
  '# EOF\n',
  'é',
  '🙂',
  '\r',
  '\uffff',
]
const labelValue = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.array(fc.constantFrom(...HOSTILE), { maxLength: 4 }).map(parts => parts.join('')),
)
const seconds = fc.oneof(
  fc.constantFrom(0, 0.05, 1, 60, 1e-7, 1e21),
  fc.double({ min: 0, max: 1e6, noNaN: true }),
)

const taskChange: fc.Arbitrary<FleetChange> = fc
  .record({
    event: fc.constantFrom(
      'sent' as const,
      'received' as const,
      'started' as const,
      'succeeded' as const,
      'failed' as const,
      'retried' as const,
    ),
    task: labelValue,
    queue: labelValue,
    exception: labelValue,
    value: seconds,
  })
  .map(({ event, task, queue, exception, value }) => ({
    kind: 'task' as const,
    event,
    task,
    queue,
    worker: 'w@h',
    ...(event === 'failed' ? { exception } : {}),
    ...(event === 'succeeded' ? { runtimeSeconds: value } : {}),
    ...(event === 'started' ? { waitSeconds: value } : {}),
  }))

const gauge = fc.record({ worker: labelValue, value: fc.double() })

const filled = fc.record({
  changes: fc.array(taskChange, { maxLength: 40 }),
  gauges: fc.array(gauge, { maxLength: 8 }),
})

function fill({
  changes,
  gauges,
}: {
  changes: readonly FleetChange[]
  gauges: readonly { worker: string; value: number }[]
}): MetricsRegistry {
  const registry = createMetrics()
  registry.record('b', changes)
  for (const { worker, value } of gauges) registry.set(metrics.workerActive, { broker: 'b', worker }, value)
  return registry
}

const textOf = (registry: MetricsRegistry, format: ExpositionFormat): string =>
  [...registry.expose(format)].join('')

/** A text for a sample that is the same whichever way it was written. */
const identity = (name: string, labels: Readonly<Record<string, string>>, value: number): string =>
  JSON.stringify([
    name,
    Object.entries(labels)
      .filter(([, text]) => text !== '')
      .map(([key, text]) => [key, key === 'le' ? String(Number(text.replace('+Inf', 'Infinity'))) : text])
      .sort(),
    Object.is(value, -0) ? '0' : String(value),
  ])

test('what is exposed reads back as the samples, whatever stands in the labels', () => {
  fc.assert(
    fc.property(filled, fc.constantFrom<ExpositionFormat>('text', 'openmetrics'), (given, format) => {
      const registry = fill(given)
      const text = textOf(registry, format)
      const parsed = parseExposition(text, format === 'openmetrics')
      expect(text === '' || text.endsWith('\n')).toBe(true)
      const expected = Array.from(registry.samples(), ({ labels, value }) => {
        const { __name__: name = '', ...rest } = labels.toJSON()
        return identity(name, rest, value)
      })
      expect(parsed.samples.map(({ name, labels, value }) => identity(name, labels, value)).sort()).toEqual(
        expected.sort(),
      )
      expect(new Set(expected).size).toBe(expected.length)
    }),
    { numRuns: 300 },
  )
})

test('in OpenMetrics every counter ends in _total and its family does not, and a unit ends the name', () => {
  fc.assert(
    fc.property(filled, given => {
      const { types, units, samples, help } = parseExposition(textOf(fill(given), 'openmetrics'), true)
      for (const [family, type] of types) {
        const own = samples.filter(
          ({ name }) => name.replace(/_(total|bucket|sum|count)$/, '') === family || name === family,
        )
        expect(own.length).toBeGreaterThan(0)
        expect(own.every(({ name }) => (type === 'counter') === (name === `${family}_total`))).toBe(true)
        expect(help.has(family)).toBe(true)
      }
      for (const [family, unit] of units) expect(family.endsWith(`_${unit}`)).toBe(true)
    }),
  )
})

test('a histogram is cumulative, its last bucket is its count, and its sum is what was observed', () => {
  fc.assert(
    fc.property(fc.array(seconds, { minLength: 1, maxLength: 50 }), observed => {
      const registry = createMetrics()
      for (const value of observed)
        registry.observe(metrics.taskWait, { broker: 'b', task: 't', queue: 'q' }, value)
      const { samples } = parseExposition(textOf(registry, 'text'))
      const buckets = samples.filter(({ name }) => name.endsWith('_bucket'))
      for (const { labels, value } of buckets) {
        const bound = labels['le'] === '+Inf' ? Infinity : Number(labels['le'])
        expect(value).toBe(observed.filter(one => one <= bound).length)
      }
      expect(samples.find(({ name }) => name.endsWith('_count'))?.value).toBe(observed.length)
      expect(samples.find(({ name }) => name.endsWith('_sum'))?.value).toBeCloseTo(
        observed.reduce((sum, one) => sum + one, 0),
        4,
      )
    }),
  )
})

test('the store is given every series from its first cycle on, begins each counter at 0, and misses nothing', () => {
  fc.assert(
    fc.property(fc.array(fc.array(taskChange, { maxLength: 10 }), { maxLength: 6 }), rounds => {
      const registry = createMetrics()
      const seen = new Map<unknown, number>()
      for (const changes of rounds) {
        registry.record('b', changes)
        for (const { labels, value } of [...registry.cycle()].flat()) {
          const before = seen.get(labels)
          expect(before === undefined ? value === 0 : value >= before).toBe(true)
          seen.set(labels, value)
        }
      }
      const last = new Map([...registry.cycle()].flat().map(({ labels, value }) => [labels, value]))
      expect(last).toEqual(new Map(Array.from(registry.samples(), ({ labels, value }) => [labels, value])))
    }),
  )
})

test('promtool reads hostile labels as we wrote them', () => {
  const registry = createMetrics()
  for (const task of HOSTILE) registry.add(metrics.taskSent, { broker: 'b', task, queue: 'q' })
  const check = () =>
    execFileSync('promtool', ['check', 'metrics'], { input: textOf(registry, 'text'), stdio: 'pipe' })
  expect(check).not.toThrow()
})

test('a large exposition comes in small pieces, none of which takes long', () => {
  const registry = createMetrics({ maxSeriesPerMetric: 60_000, maxTaskSeries: 2_000_000 })
  for (let i = 0; i < 50_000; i++)
    registry.observe(
      metrics.taskWait,
      { broker: 'b', task: `shop.tasks.job_${i % 500}`, queue: `queue-${i % 100}-${i % 7}-${i}` },
      i % 90,
    )
  let longestMs = 0
  let bytes = 0
  let longestPiece = 0
  const pieces = registry.expose('text')
  for (;;) {
    const startedMs = performance.now()
    const piece = pieces.next()
    longestMs = Math.max(longestMs, performance.now() - startedMs)
    if (piece.done === true) break
    bytes += piece.value.length
    longestPiece = Math.max(longestPiece, piece.value.length)
  }
  expect(bytes).toBeGreaterThan(50_000_000)
  expect(longestPiece).toBeLessThan(70_000)
  // Generous, since the machine may be busy: in one piece it would be seconds.
  expect(longestMs).toBeLessThan(500)
})

test('an exposition is of one moment: what happens while it is read is not in it', () => {
  const registry = createMetrics()
  const count = (task: string): void => registry.add(metrics.taskSent, { broker: 'b', task, queue: 'q' })
  const observe = (i: number): void =>
    registry.observe(metrics.taskWait, { broker: 'b', task: `job_${i}`, queue: 'q' }, i % 90)
  for (let i = 0; i < 500; i++) observe(i)
  count('known')
  const expected = textOf(registry, 'text')
  const pieces = registry.expose('text')
  count('known')
  count('new')
  registry.set(metrics.queueDepth, { broker: 'b', queue: 'q' }, 7)
  let text = ''
  let read = 0
  for (const piece of pieces) {
    text += piece
    read++
    count('known')
    for (let i = 0; i < 600; i++) observe(i)
  }
  expect(read).toBeGreaterThan(5)
  expect(text).toBe(expected)
  expect(textOf(registry, 'text')).toContain('task="new"')
})
