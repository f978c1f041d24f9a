/** A metric and what is known of it. */
export interface KnownMetric {
  readonly name: string
  readonly kind: 'counter' | 'gauge' | 'histogram' | 'summary' | 'unknown'
  /** Besides those a scrape adds (`instance`, `job`, …). Undefined when not known. */
  readonly labels: readonly string[] | undefined
  /** Upper bounds of a histogram without +Inf; undefined when not known. */
  readonly buckets: readonly number[] | undefined
  /** Who exposes it, in words. */
  readonly origin: string
  /**
   * How it can be 0 as a divisor: a count of things that can all be gone, or a limit where 0 means that there is none.
   */
  readonly zero: 'count' | 'limit' | undefined
  /** A counter whose series appear only when the thing first happens. */
  readonly appearsLate: boolean
}

export const known = (
  name: string,
  kind: KnownMetric['kind'],
  origin: string,
  more: Partial<Omit<KnownMetric, 'name' | 'kind' | 'origin'>> = {},
): KnownMetric => ({
  name,
  kind,
  origin,
  labels: undefined,
  buckets: undefined,
  zero: undefined,
  appearsLate: false,
  ...more,
})
