import type { Sample } from '../base/index.ts'
import type { Metric } from '../catalog/index.ts'
import { Histogram, Scalar } from './series.ts'

/** One metric and its label sets, at most `cap` of them. */
export class Family<S extends Scalar | Histogram = Scalar | Histogram> {
  readonly metric: Metric
  readonly #make: (values: readonly string[], fresh: boolean) => S
  readonly #cap: number
  readonly #dropped: (metric: string) => void
  readonly #series = new Map<string, S>()

  constructor(
    metric: Metric,
    cap: number,
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
    if (this.#series.size >= this.#cap) {
      this.#dropped(this.metric.name)
      return undefined
    }
    const made = this.#make(values, fresh)
    this.#series.set(key, made)
    return made
  }

  find(values: readonly string[]): S | undefined {
    return this.#series.get(keyOf(values))
  }

  remove(values: readonly string[]): void {
    this.#series.delete(keyOf(values))
  }

  sample(into: Sample[], asCycle: boolean): void {
    for (const series of this.#series.values()) {
      series.sample(into, asCycle && series.fresh)
      if (asCycle) series.fresh = false
    }
  }
}

/** Unambiguous whatever the values hold. */
const keyOf = (values: readonly string[]): string => {
  let key = ''
  for (const value of values) key += `${value.length}:${value}`
  return key
}

export const scalarFamily = (
  metric: Metric,
  cap: number,
  dropped: (metric: string) => void,
): Family<Scalar> => new Family(metric, cap, (values, fresh) => new Scalar(metric, values, fresh), dropped)

export const histogramFamily = (
  metric: Metric,
  bounds: readonly number[],
  cap: number,
  dropped: (metric: string) => void,
): Family<Histogram> =>
  new Family(metric, cap, (values, fresh) => new Histogram(metric, values, bounds, fresh), dropped)
