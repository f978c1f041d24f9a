import { CeleriacError } from '../base/index.ts'
import {
  type Annotated,
  deadline,
  type InstantResult,
  instantWork,
  type MatrixSeries,
  type QueryOptions,
  rangeWork,
  type SeriesSource,
  type VectorSample,
} from '../promql/index.ts'
import { inTurns } from './turns.ts'

/** Much less than Prometheus' 2 minutes: the core is shared with all else that Celeriac does. */
const API_TIMEOUT_MS = 5000
const RULE_TIMEOUT_MS = 10_000
/** About a second of work on one core: a query asks for more than that only by mistake on a store of this size. */
const MAX_SAMPLES = 20_000_000

export interface QuerySettings {
  readonly timeoutMs?: number
  readonly lookbackMs?: number
}

/**
 * Answers expressions from the store, within limits, in slices that leave the event loop free. Each waits until what was collected for
 * its time is stored whole, so that all its parts see the same.
 */
export interface Queries {
  instant(expr: string, atMs: number, settings?: QuerySettings): Promise<Annotated<InstantResult>>
  range(
    expr: string,
    startMs: number,
    endMs: number,
    stepMs: number,
    settings?: QuerySettings,
  ): Promise<Annotated<readonly MatrixSeries[]>>
  /** For rules and views: a scalar is one sample without labels. Throws QUERY_INVALID for what is neither vector nor scalar. */
  vector(expr: string, atMs: number): Promise<readonly VectorSample[]>
}

export interface QueriesOptions {
  readonly source: SeriesSource
  /** Of the one sample that a scalar is. */
  readonly emptyLabels: VectorSample['labels']
  /** Resolves when nothing is being written that was collected for this time or before. */
  readonly stored: (atMs: number) => Promise<void>
}

/** Joins the evaluator to a store. */
export function createQueries({ source, emptyLabels, stored }: QueriesOptions): Queries {
  const nowMs = (): number => performance.now()
  const options = (settings: QuerySettings, mostMs: number): QueryOptions => ({
    limits: { maxSamples: MAX_SAMPLES },
    checkpoint: deadline(nowMs, Math.min(settings.timeoutMs ?? mostMs, mostMs)),
    ...(settings.lookbackMs === undefined ? {} : { lookbackMs: settings.lookbackMs }),
  })
  return {
    async instant(expr, atMs, settings = {}) {
      await stored(atMs)
      return inTurns(instantWork(expr, atMs, source, options(settings, API_TIMEOUT_MS)), nowMs)
    },
    async range(expr, startMs, endMs, stepMs, settings = {}) {
      await stored(endMs)
      return inTurns(
        rangeWork(expr, startMs, endMs, stepMs, source, options(settings, API_TIMEOUT_MS)),
        nowMs,
      )
    },
    async vector(expr, atMs) {
      await stored(atMs)
      const { result } = await inTurns(instantWork(expr, atMs, source, options({}, RULE_TIMEOUT_MS)), nowMs)
      if (result.type === 'vector') return result.samples
      if (result.type === 'scalar') return [{ labels: emptyLabels, value: result.value }]
      throw new CeleriacError(
        'QUERY_INVALID',
        `a rule needs an instant vector or a scalar, got a ${result.type === 'matrix' ? 'range vector' : 'string'}`,
      )
    },
  }
}
