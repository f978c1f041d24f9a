import { Labels, METRIC_NAME, type Sample } from '../base/index.ts'
import type { Metric } from '../catalog/index.ts'
import { Distribution } from './distribution.ts'
import { formatNumber, labelPairs } from './text.ts'

/** What every label set of a metric has: its values in the declared order, and its text. */
abstract class Series {
  readonly values: readonly string[]
  /** `a="x",b="y"` without braces, escaped; '' without labels. */
  readonly text: string
  /** True until the store was given the 0 a counter begins with. */
  fresh: boolean

  constructor(metric: Metric, values: readonly string[], fresh: boolean) {
    this.values = values
    this.text = labelPairs(metric.labels, values)
    this.fresh = fresh
  }

  /** Appends its samples; all 0 when `asZero`. */
  abstract sample(into: Sample[], asZero: boolean): void
}

function labelsFor(metric: Metric, values: readonly string[], suffix: string, le?: string): Labels {
  const entries: [string, string][] = metric.labels.map((name, i) => [name, values[i] ?? ''])
  entries.push([METRIC_NAME, metric.name + suffix])
  if (le !== undefined) entries.push(['le', le])
  return Labels.fromEntries(entries)
}

/** A counter or a gauge. */
export class Scalar extends Series {
  value = 0
  readonly #labels: Labels

  constructor(metric: Metric, values: readonly string[], fresh: boolean) {
    super(metric, values, fresh)
    this.#labels = labelsFor(metric, values, '')
  }

  override sample(into: Sample[], asZero: boolean): void {
    into.push({ labels: this.#labels, value: asZero ? 0 : this.value })
  }
}

/** A histogram: what was observed of one label set. */
export class Histogram extends Series {
  readonly distribution: Distribution
  readonly #metric: Metric
  /** Buckets, then sum, then count; made when first asked for. */
  #labels: readonly Labels[] | undefined

  constructor(metric: Metric, values: readonly string[], bounds: readonly number[], fresh: boolean) {
    super(metric, values, fresh)
    this.distribution = new Distribution(bounds)
    this.#metric = metric
  }

  observe(value: number): void {
    this.distribution.observe(value)
  }

  override sample(into: Sample[], asZero: boolean): void {
    const labels = (this.#labels ??= this.#makeLabels())
    const { counts, sum } = this.distribution
    let count = 0
    for (let i = 0; i < counts.length; i++) {
      if (!asZero) count += counts[i]!
      into.push({ labels: labels[i]!, value: count })
    }
    into.push({ labels: labels[counts.length]!, value: asZero ? 0 : sum })
    into.push({ labels: labels[counts.length + 1]!, value: count })
  }

  #makeLabels(): readonly Labels[] {
    const bucket = (bound: number): Labels =>
      labelsFor(this.#metric, this.values, '_bucket', formatNumber(bound))
    return [
      ...this.distribution.bounds.map(bucket),
      bucket(Infinity),
      labelsFor(this.#metric, this.values, '_sum'),
      labelsFor(this.#metric, this.values, '_count'),
    ]
  }
}
