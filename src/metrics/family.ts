import type { Sample } from '../base/index.ts'
import type { Metric } from '../catalog/index.ts'
import { Histogram, Scalar } from './series.ts'

/** How many label sets a metric may have, and how many series all metrics that share this cap may still begin. */
export interface SeriesCap {
  readonly perMetric: number
  left: number
}

const CYCLE_PIECE = 2000

/** One metric and its label sets, as many as its cap allows. */
export class Family<S extends Scalar | Histogram = Scalar | Histogram> {
  readonly metric: Metric
  readonly #make: (values: readonly string[], fresh: boolean) => S
  readonly #cap: SeriesCap
  readonly #dropped: (metric: string) => void
  readonly #series = new Map<string, S>()

  constructor(
    metric: Metric,
    cap: SeriesCap,
    make: (values: readonly string[], fresh: boolean) => S,
    dropped: (metric: string) => void,
  ) {
    this.metric = metric
    this.#cap = cap
    this.#make = make
    this.#dropped = dropped
  }

  get size(): number {
    return this.#series.size
  }

  all(): Iterable<S> {
    return this.#series.values()
  }

  /**
   * The series of these values, in the declared order; made when there is none. Undefined, and one sample counted as dropped,
   * when the cap is reached. `fresh`: it counts from 0 with this process.
   */
  series(values: readonly string[], fresh: boolean): S | undefined {
    const key = keyOf(values)
    const known = this.#series.get(key)
    if (known !== undefined) return known
    const cost = seriesOf(this.metric)
    if (this.#series.size >= this.#cap.perMetric || this.#cap.left < cost) {
      this.#dropped(this.metric.name)
      return undefined
    }
    this.#cap.left -= cost
    const made = this.#make(values, fresh)
    this.#series.set(key, made)
    return made
  }

  find(values: readonly string[]): S | undefined {
    return this.#series.get(keyOf(values))
  }

  remove(values: readonly string[]): void {
    if (this.#series.delete(keyOf(values))) this.#cap.left += seriesOf(this.metric)
  }

  sample(into: Sample[]): void {
    for (const series of this.#series.values()) series.sample(into, false)
  }

  /** See `MetricsRegistry.cycle`. */
  *cycle(): Generator<readonly Sample[], void, undefined> {
    let piece: Sample[] = []
    for (const series of this.#series.values()) {
      series.sample(piece, series.fresh)
      series.fresh = false
      if (piece.length < CYCLE_PIECE) continue
      yield piece
      piece = []
    }
    if (piece.length > 0) yield piece
  }
}

/** Series of one label set: a histogram's buckets with the last, its sum and its count. */
const seriesOf = ({ buckets }: Metric): number => (buckets === undefined ? 1 : buckets.length + 3)

/** Unambiguous whatever the values hold. */
const keyOf = (values: readonly string[]): string => {
  let key = ''
  for (const value of values) key += `${value.length}:${value}`
  return key
}

export const scalarFamily = (
  metric: Metric,
  cap: SeriesCap,
  dropped: (metric: string) => void,
): Family<Scalar> => new Family(metric, cap, (values, fresh) => new Scalar(metric, values, fresh), dropped)

export const histogramFamily = (
  metric: Metric,
  bounds: readonly number[],
  cap: SeriesCap,
  dropped: (metric: string) => void,
): Family<Histogram> =>
  new Family(metric, cap, (values, fresh) => new Histogram(metric, values, bounds, fresh), dropped)
