import type { Labels, Sample } from '../base/index.ts'

/**
 * Samples of one series inside a time range: indexes `from` (inclusive) to `to` (exclusive) of columns that belong to the store
 * and must not be written. `stale[i] === 1` marks a stale marker at that time (its value means nothing); undefined: none.
 * Structurally promql's `SeriesColumns`.
 */
export interface StoredSeries {
  readonly labels: Labels
  readonly timestamps: Float64Array
  readonly values: Float64Array
  readonly stale: Uint8Array | undefined
  readonly from: number
  readonly to: number
}

export interface Matcher {
  readonly name: string
  readonly op: '=' | '!=' | '=~' | '!~'
  readonly value: string
}

/** A cycle that is being written; see `Store.beginCycle`. */
export interface OpenCycle {
  add(samples: Iterable<Sample>): void
  /** Marks what the cycle before held and this one does not as stale. Further calls do nothing. */
  end(): void
}

export interface Store {
  /**
   * Appends one cycle of one producer at one time. A series the producer gave in its previous cycle and not in this one gets a
   * stale marker at `atMs`: unknown is not the last value. Out-of-order cycles of a producer are refused and counted.
   */
  appendCycle(producer: string, atMs: number, samples: Iterable<Sample>): void
  /**
   * The same in pieces, so that a large cycle need not hold the event loop: samples can be read once added, stale markers come with
   * `end`. A producer has one cycle at a time; beginning another ends the one before.
   */
  beginCycle(producer: string, atMs: number): OpenCycle
  /** Ends a producer: stale markers for all its series. */
  endProducer(producer: string, atMs: number): void
  /** Series that match, sorted by labels, with samples in (fromMs, toMs]; series without samples there are left out. */
  select(matchers: readonly Matcher[], fromMs: number, toMs: number): readonly StoredSeries[]
  /**
   * The same as work that may be paused: it yields about once a millisecond. Series and samples that come meanwhile may be in it or
   * not.
   */
  selecting(
    matchers: readonly Matcher[],
    fromMs: number,
    toMs: number,
  ): Generator<void, readonly StoredSeries[], void>
  labelNames(matchers: readonly Matcher[], fromMs: number, toMs: number): readonly string[]
  labelValues(name: string, matchers: readonly Matcher[], fromMs: number, toMs: number): readonly string[]
  readonly stats: {
    readonly series: number
    readonly samples: number
    readonly bytes: number
    readonly oldestMs: number | null
    readonly newestMs: number | null
    readonly samplesRefused: number
    readonly seriesDropped: number
  }
}
