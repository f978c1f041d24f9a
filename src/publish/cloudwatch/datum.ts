/** Numbers to what CloudWatch takes (API reference, MetricDatum), by the table of the catalog. */
import { type Labels, METRIC_NAME, type Sample } from '../../base/index.ts'
import {
  type CloudWatchUnit,
  dimensionName,
  type LabelName,
  type PublishedDistribution,
  type PublishedGauge,
  type PublishedIncrease,
  type PublishedMetric,
} from '../../catalog/index.ts'

/** One MetricDatum: values and how often each was seen. */
export interface Datum {
  readonly name: string
  readonly unit: CloudWatchUnit
  readonly dimensions: readonly { readonly name: string; readonly value: string }[]
  readonly atMs: number
  readonly values: readonly number[]
  readonly counts: readonly number[]
  /** Seconds of storage resolution: 60, or 1 for high resolution. */
  readonly resolution: 1 | 60
}

/** MetricDatum holds this many different values. */
const MAX_VALUES = 150
/** Values of CloudWatch lie between these (API reference, MetricDatum, `Value`). */
const MAX_VALUE = 2 ** 360
/** Limits of a dimension's value, which must be ASCII with at least one character that is no space. */
const MAX_DIMENSION_LENGTH = 1024

export interface DatumOptions {
  readonly atMs: number
  readonly highResolution: boolean
  /** Publish every task, and not only those with limits of their own. */
  readonly taskDetail: boolean
}

/** ASCII without control characters, as dimensions must be. */
const dimensionValue = (text: string): string => text.replace(/[^ -~]/g, '?').slice(0, MAX_DIMENSION_LENGTH)

const setKey = (values: readonly string[]): string => values.join('\u0000')

/** The values of a set's labels, or undefined where the series does not belong under it. */
function placeOf(
  { apart }: PublishedMetric,
  set: readonly LabelName[],
  labels: Labels,
  taskDetail: boolean,
): readonly string[] | undefined {
  const values = set.map(label => labels.get(label))
  if (values.some(value => value.trim() === '')) return undefined
  const ownTask = apart.tasks.includes(labels.get('task'))
  if (set.includes('task')) return ownTask || taskDetail ? values : undefined
  if (ownTask) return undefined
  return !set.includes('queue') && apart.queues.includes(labels.get('queue')) ? undefined : values
}

/** Groups what belongs under the same dimensions. */
function grouped<T>(
  entry: PublishedMetric,
  series: Iterable<readonly [Labels, T]>,
  taskDetail: boolean,
): ReadonlyMap<
  string,
  { readonly set: readonly LabelName[]; readonly values: readonly string[]; readonly of: T[] }
> {
  const groups = new Map<string, { set: readonly LabelName[]; values: readonly string[]; of: T[] }>()
  for (const [labels, value] of series)
    for (const [i, set] of entry.dimensionSets.entries()) {
      const values = placeOf(entry, set, labels, taskDetail)
      if (values === undefined) continue
      const key = `${i}\u0000${setKey(values)}`
      const group = groups.get(key)
      if (group === undefined) groups.set(key, { set, values, of: [value] })
      else group.of.push(value)
    }
  return groups
}

const dimensionsOf = (set: readonly LabelName[], values: readonly string[]): Datum['dimensions'] =>
  set.map((label, i) => ({ name: dimensionName(label), value: dimensionValue(values[i] ?? '') }))

/** One datum, or several where there are more different values than one holds. Equal values are counted. */
function dataOf(
  entry: PublishedMetric,
  dimensions: Datum['dimensions'],
  observed: ReadonlyMap<number, number>,
  { atMs, highResolution }: DatumOptions,
): Datum[] {
  const pairs = [...observed].filter(
    ([value, count]) => Number.isFinite(value) && Math.abs(value) <= MAX_VALUE && count > 0,
  )
  const data: Datum[] = []
  for (let i = 0; i < pairs.length; i += MAX_VALUES) {
    const part = pairs.slice(i, i + MAX_VALUES)
    data.push({
      name: entry.name,
      unit: entry.unit,
      dimensions,
      atMs,
      values: part.map(([value]) => value),
      counts: part.map(([, count]) => count),
      resolution: highResolution ? 1 : 60,
    })
  }
  return data
}

function counted(values: readonly number[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

/** Under the wider sets a gauge has a value for each of its series, so that Maximum is the worst of them. NaN is not published. */
export function gaugeData(
  entry: PublishedGauge,
  vector: readonly Sample[],
  options: DatumOptions,
): readonly Datum[] {
  const groups = grouped(
    entry,
    vector.map(({ labels, value }) => [labels, value] as const),
    options.taskDetail,
  )
  return [...groups.values()].flatMap(({ set, values, of }) =>
    dataOf(entry, dimensionsOf(set, values), counted(of), options),
  )
}

/** What a histogram counted, bucket by bucket (not cumulative, +Inf last), and the sum of it. */
export interface Observations {
  readonly counts: readonly number[]
  readonly sum: number
}

/**
 * Observations as values: a histogram says only between which bounds each lies. All of one bucket get one value within it, chosen so
 * that the sum, and so the average, is exact where the bounds allow it.
 */
export function spread(
  bounds: readonly number[],
  { counts, sum }: Observations,
): ReadonlyMap<number, number> {
  const last = bounds.at(-1) ?? 0
  const over = counts[bounds.length] ?? 0
  const lower = (i: number): number => (i === 0 ? Math.min(0, bounds[0] ?? 0) : (bounds[i - 1] ?? 0))
  let least = over * last
  let span = 0
  for (const [i, bound] of bounds.entries()) {
    const count = counts[i] ?? 0
    least += count * lower(i)
    span += count * (bound - lower(i))
  }
  // What the finite buckets cannot hold is the share of those past the last bound; alone or not, they are never below it.
  const share = span > 0 ? Math.min(1, Math.max(0, (sum - least) / span)) : 0
  const inside = over > 0 && sum > least + span ? 1 : share
  const values = new Map<number, number>()
  const add = (value: number, count: number): void => {
    if (count > 0) values.set(value, (values.get(value) ?? 0) + count)
  }
  for (const [i, bound] of bounds.entries()) add(lower(i) + inside * (bound - lower(i)), counts[i] ?? 0)
  add(last + Math.max(0, sum - (least + inside * span)) / (over || 1), over)
  return values
}

interface Totals {
  /** Cumulative by bound, +Inf last; for a counter its total alone. */
  readonly counts: number[]
  sum: number
}

/** Counters and histograms since they were last asked for; what began with this process counts from 0. */
export class Increments {
  readonly #last = new Map<string, Totals>()
  readonly #entries: readonly (PublishedIncrease | PublishedDistribution)[]

  constructor(table: readonly PublishedMetric[]) {
    this.#entries = table.filter(entry => entry.kind !== 'gauge')
  }

  /**
   * What was added since the last call. A counter that stood still is told as 0 only for brokers that are heard: elsewhere nobody
   * knows. A total that fell began anew.
   */
  take(
    samples: Iterable<Sample>,
    heard: (broker: string) => boolean,
    options: DatumOptions,
  ): readonly Datum[] {
    const names = new Map<
      string,
      { entry: PublishedIncrease | PublishedDistribution; part: 'total' | 'bucket' | 'sum' }
    >()
    for (const entry of this.#entries)
      if (entry.kind === 'increase') names.set(entry.counter.name, { entry, part: 'total' })
      else {
        names.set(`${entry.histogram.name}_bucket`, { entry, part: 'bucket' })
        names.set(`${entry.histogram.name}_sum`, { entry, part: 'sum' })
      }
    const groups = new Map<
      string,
      {
        entry: PublishedIncrease | PublishedDistribution
        set: readonly LabelName[]
        values: readonly string[]
        totals: Totals
      }
    >()
    for (const { labels, value } of samples) {
      const named = names.get(labels.get(METRIC_NAME))
      if (named === undefined) continue
      const { entry, part } = named
      for (const [i, set] of entry.dimensionSets.entries()) {
        const values = placeOf(entry, set, labels, options.taskDetail)
        if (values === undefined) continue
        const key = `${entry.name}\u0000${i}\u0000${setKey(values)}`
        let group = groups.get(key)
        if (group === undefined) {
          group = { entry, set, values, totals: { counts: [], sum: 0 } }
          groups.set(key, group)
        }
        addTo(group.totals, part, entry, labels.get('le'), value)
      }
    }
    return [...groups].flatMap(([key, { entry, set, values, totals }]) => {
      const last = this.#last.get(key)
      this.#last.set(key, totals)
      const counts = totals.counts.map((count, i) => count - (last?.counts[i] ?? 0))
      const fell = counts.some(count => count < 0)
      const since = fell ? totals.counts : counts
      const dimensions = dimensionsOf(set, values)
      if (entry.kind === 'increase') {
        const added = since[0] ?? 0
        if (added === 0 && !heard(values[set.indexOf('broker')] ?? '')) return []
        return dataOf(entry, dimensions, new Map([[added, 1]]), options)
      }
      const each = since.map((count, i) => count - (since[i - 1] ?? 0))
      return dataOf(
        entry,
        dimensions,
        spread(entry.histogram.buckets ?? [], {
          counts: each,
          sum: totals.sum - (fell ? 0 : (last?.sum ?? 0)),
        }),
        options,
      )
    })
  }
}

function addTo(
  totals: Totals,
  part: 'total' | 'bucket' | 'sum',
  entry: PublishedIncrease | PublishedDistribution,
  le: string,
  value: number,
): void {
  if (part === 'sum') {
    totals.sum += value
    return
  }
  const bounds = entry.kind === 'distribution' ? (entry.histogram.buckets ?? []) : []
  const index = part === 'total' ? 0 : le === '+Inf' ? bounds.length : bounds.indexOf(Number(le))
  if (index >= 0) totals.counts[index] = (totals.counts[index] ?? 0) + value
}
