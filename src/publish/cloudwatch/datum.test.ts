import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Labels, type Sample } from '../../base/index.ts'
import { configureAlerts, metrics, type PublishedGauge, publishedMetrics } from '../../catalog/index.ts'
import { batchSize, MAX_BYTES, MAX_DATA, sizeOf } from './batch.ts'
import { type Datum, gaugeData, Increments, spread } from './datum.ts'

const OPTIONS = { atMs: 60_000, highResolution: false, taskDetail: false }
const table = publishedMetrics(configureAlerts())
const gauge = (name: string, of = table): PublishedGauge => {
  const entry = of.find(each => each.name === name)
  if (entry?.kind !== 'gauge') throw new Error(name)
  return entry
}
const sample = (labels: Record<string, string>, value: number): Sample => ({
  labels: Labels.from(labels),
  value,
})
const brief = ({ name, dimensions, values, counts }: Datum): string =>
  `${name}{${dimensions.map(each => `${each.name}=${each.value}`).join(',')}} ${values.map((value, i) => `${value}x${counts[i]}`).join(' ')}`

describe('a gauge', () => {
  const depths = [
    sample({ broker: 'a', queue: 'x' }, 3),
    sample({ broker: 'a', queue: 'y' }, 700),
    sample({ broker: 'a', queue: 'z' }, 3),
  ]

  test('is told for each queue, and under the broker alone with a value for each', () => {
    expect(gaugeData(gauge('QueueDepth'), depths, OPTIONS).map(brief)).toEqual([
      'QueueDepth{Broker=a,Queue=x} 3x1',
      'QueueDepth{Broker=a} 3x2 700x1',
      'QueueDepth{Broker=a,Queue=y} 700x1',
      'QueueDepth{Broker=a,Queue=z} 3x1',
    ])
  })

  test('of a queue with a limit of its own is not among the others of the broker', () => {
    const own = publishedMetrics(configureAlerts({ CeleryQueueDepthHigh: { queues: { y: 1000 } } }))
    expect(gaugeData(gauge('QueueDepth', own), depths, OPTIONS).map(brief)).toContain(
      'QueueDepth{Broker=a} 3x2',
    )
  })

  test('of a task is told by itself only when it has a limit of its own or all are asked for', () => {
    const slow = [
      sample({ broker: 'a', queue: 'x', task: 't' }, 70),
      sample({ broker: 'a', queue: 'x', task: 'u' }, 9),
    ]
    const own = publishedMetrics(configureAlerts({ CelerySlowProcessing: { tasks: { t: 90 } } }))
    expect(gaugeData(gauge('TaskRuntimeP95', own), slow, OPTIONS).map(brief)).toEqual([
      'TaskRuntimeP95{Broker=a,Task=t} 70x1',
      'TaskRuntimeP95{Broker=a,Queue=x} 9x1',
      'TaskRuntimeP95{Broker=a} 9x1',
    ])
    expect(gaugeData(gauge('TaskRuntimeP95'), slow, OPTIONS).map(brief)).toEqual([
      'TaskRuntimeP95{Broker=a,Queue=x} 70x1 9x1',
      'TaskRuntimeP95{Broker=a} 70x1 9x1',
    ])
    expect(gaugeData(gauge('TaskRuntimeP95'), slow, { ...OPTIONS, taskDetail: true })).toHaveLength(4)
  })

  test('that is not a number is not told, and more than 150 values are several data', () => {
    expect(gaugeData(gauge('WorkerCount'), [sample({ broker: 'a' }, NaN)], OPTIONS)).toEqual([])
    const many = Array.from({ length: 400 }, (_, i) => sample({ broker: 'a', queue: `q${i}` }, i))
    const data = gaugeData(gauge('QueueDepth'), many, OPTIONS).filter(
      ({ dimensions }) => dimensions.length === 1,
    )
    expect(data.map(({ values }) => values.length)).toEqual([150, 150, 100])
  })
})

describe('counters and histograms', () => {
  const failed = (value: number, queue = 'x') =>
    sample({ __name__: metrics.taskFailed.name, broker: 'a', task: 't', queue, exception: 'E' }, value)
  const take = (increments: Increments, samples: Sample[], heard = true) =>
    increments.take(samples, () => heard, OPTIONS).map(brief)

  test('are told as what was added, from 0 at the start of the process', () => {
    const increments = new Increments(table)
    expect(take(increments, [failed(5)])).toEqual([
      'TasksFailed{Broker=a,Queue=x} 5x1',
      'TasksFailed{Broker=a} 5x1',
    ])
    expect(take(increments, [failed(7), failed(1, 'y')])).toEqual([
      'TasksFailed{Broker=a,Queue=x} 2x1',
      'TasksFailed{Broker=a} 3x1',
      'TasksFailed{Broker=a,Queue=y} 1x1',
    ])
  })

  test('that stand still are 0 only while the broker is heard', () => {
    const increments = new Increments(table)
    take(increments, [failed(5)])
    expect(take(increments, [failed(5)], false)).toEqual([])
    expect(take(increments, [failed(5)])).toEqual([
      'TasksFailed{Broker=a,Queue=x} 0x1',
      'TasksFailed{Broker=a} 0x1',
    ])
  })

  test('a histogram is told as its new observations, and the average is exact', () => {
    const increments = new Increments(table)
    const runtime = (sum: number, below30: number, all: number): Sample[] => {
      const labels = { broker: 'a', task: 't', queue: 'x' }
      const name = metrics.taskRuntime.name
      return [
        ...metrics.taskRuntime.buckets!.map(le =>
          sample(
            { ...labels, __name__: `${name}_bucket`, le: String(le) },
            le >= 60 ? all : le >= 30 ? below30 : 0,
          ),
        ),
        sample({ ...labels, __name__: `${name}_bucket`, le: '+Inf' }, all),
        sample({ ...labels, __name__: `${name}_sum` }, sum),
        sample({ ...labels, __name__: `${name}_count` }, all),
      ]
    }
    take(increments, runtime(25, 1, 1))
    const [datum] = increments.take(runtime(25 + 24 + 2 * 50, 2, 4), () => true, OPTIONS)
    expect(datum?.counts).toEqual([1, 2])
    const [first = 0, second = 0] = datum?.values ?? []
    expect(first).toBeGreaterThanOrEqual(20)
    expect(second).toBeLessThanOrEqual(60)
    expect(first + 2 * second).toBeCloseTo(124)
  })

  test('values lie within their buckets, and their sum is that of the histogram', () => {
    const bounds = [0.1, 1, 10, 60]
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1000, noNaN: true }), { minLength: 1, maxLength: 50 }),
        observed => {
          const counts = [0, 0, 0, 0, 0]
          for (const value of observed) {
            const at = bounds.findIndex(bound => value <= bound)
            counts[at < 0 ? bounds.length : at]! += 1
          }
          const sum = observed.reduce((total, value) => total + value, 0)
          const values = [...spread(bounds, { counts, sum })]
          expect(values.reduce((n, [, count]) => n + count, 0)).toBe(observed.length)
          expect(values.reduce((total, [value, count]) => total + value * count, 0)).toBeCloseTo(sum, 6)
          const past = values.filter(([value]) => value > 60).reduce((n, [, count]) => n + count, 0)
          expect(past).toBeLessThanOrEqual(counts[4]!)
        },
      ),
    )
  })
})

test('a request holds at most 1,000 data and less than 1 MB', () => {
  const datum = (length: number): Datum => ({
    name: 'x'.repeat(length),
    unit: 'Count',
    dimensions: [],
    atMs: 0,
    values: [1],
    counts: [1],
    resolution: 60,
  })
  expect(batchSize([])).toBe(0)
  expect(batchSize(Array.from({ length: 5000 }, () => datum(10)))).toBe(MAX_DATA)
  const large = Array.from({ length: 1000 }, () => datum(2000))
  const count = batchSize(large)
  expect(large.slice(0, count).reduce((sum, each) => sum + sizeOf(each), 0)).toBeLessThanOrEqual(MAX_BYTES)
  expect(batchSize([datum(MAX_BYTES)])).toBe(1)
})
