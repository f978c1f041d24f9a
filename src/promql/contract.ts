import type { Labels } from '../base/index.ts'

export interface LabelMatcher {
  readonly name: string
  readonly op: '=' | '!=' | '=~' | '!~'
  readonly value: string
}

/** See `store`'s StoredSeries: columns that belong to the source, read only, indexes from (inclusive) to (exclusive). */
export interface SeriesColumns {
  readonly labels: Labels
  /** Epoch ms, ascending. */
  readonly timestamps: Float64Array
  readonly values: Float64Array
  /** 1 where a stale marker stands. */
  readonly stale: Uint8Array | undefined
  readonly from: number
  readonly to: number
}

/** The evaluator's port to any store. Must return series sorted by labels, samples in (fromMs, toMs]. */
export interface SeriesSource {
  select(matchers: readonly LabelMatcher[], fromMs: number, toMs: number): readonly SeriesColumns[]
  /** The same as work that may be paused; asked instead of `select` where there is one. */
  selecting?(matchers: readonly LabelMatcher[], fromMs: number, toMs: number): Work<readonly SeriesColumns[]>
}

export interface QueryLimits {
  /** Steps of a range query; default 11,000 as Prometheus. */
  readonly maxPointsPerSeries: number
  /** Samples read plus values computed (steps times series, summed over all nodes); default 50,000,000. */
  readonly maxSamples: number
  /** Enforced by the caller, who has a clock: pass `deadline(now, timeoutMs)` as the checkpoint. Default 2 min. */
  readonly timeoutMs: number
}

export interface QueryOptions {
  /** Default 5 min. */
  readonly lookbackMs?: number
  readonly limits?: Partial<QueryLimits>
  /** Default step of a subquery without one; default 1 min. */
  readonly defaultSubqueryStepMs?: number
  /** Called now and then; throwing from it cancels the query. */
  readonly checkpoint?: () => void
}

export interface VectorSample {
  readonly labels: Labels
  readonly value: number
}

export interface MatrixSeries {
  readonly labels: Labels
  /** Epoch ms. */
  readonly timestamps: Float64Array
  readonly values: Float64Array
}

/**
 * Work that may be paused: it yields wherever whoever drives it may let others have their turn, about once a millisecond, and
 * returns its result. Not to be driven on once it threw.
 */
export type Work<T> = Generator<void, T, void>

/** As Prometheus' API knows them. */
export type InstantResult =
  | { readonly type: 'vector'; readonly samples: readonly VectorSample[] }
  | { readonly type: 'matrix'; readonly series: readonly MatrixSeries[] }
  | { readonly type: 'scalar'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }

export interface Annotated<T> {
  readonly result: T
  readonly warnings: readonly string[]
  readonly infos: readonly string[]
}
