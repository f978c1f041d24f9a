import { CeleriacError } from '../base/index.ts'
import {
  type Annotated,
  deadline,
  evaluateInstant,
  evaluateRange,
  type InstantResult,
  type MatrixSeries,
  type QueryOptions,
  type SeriesSource,
  type VectorSample,
} from '../promql/index.ts'

/** Prometheus' default for the API; the event loop is ours, so much less is allowed until queries run in a worker. */
const API_TIMEOUT_MS = 5000
const RULE_TIMEOUT_MS = 10_000
/** About a second of work on one core: a query asks for more than that only by mistake on a store of this size. */
const MAX_SAMPLES = 20_000_000

export interface QuerySettings {
  readonly timeoutMs?: number
  readonly lookbackMs?: number
}

/** Answers expressions from the store, within limits. */
export interface Queries {
  instant(expr: string, atMs: number, settings?: QuerySettings): Annotated<InstantResult>
  range(
    expr: string,
    startMs: number,
    endMs: number,
    stepMs: number,
    settings?: QuerySettings,
  ): Annotated<readonly MatrixSeries[]>
  /** For rules and views: a scalar is one sample without labels. Throws QUERY_INVALID for what is neither vector nor scalar. */
  vector(expr: string, atMs: number): readonly VectorSample[]
}

/** Joins the evaluator to a store. */
export function createQueries(source: SeriesSource, emptyLabels: VectorSample['labels']): Queries {
  const options = (settings: QuerySettings, mostMs: number): QueryOptions => ({
    limits: { maxSamples: MAX_SAMPLES },
    checkpoint: deadline(() => performance.now(), Math.min(settings.timeoutMs ?? mostMs, mostMs)),
    ...(settings.lookbackMs === undefined ? {} : { lookbackMs: settings.lookbackMs }),
  })
  return {
    instant: (expr, atMs, settings = {}) =>
      evaluateInstant(expr, atMs, source, options(settings, API_TIMEOUT_MS)),
    range: (expr, startMs, endMs, stepMs, settings = {}) =>
      evaluateRange(expr, startMs, endMs, stepMs, source, options(settings, API_TIMEOUT_MS)),
    vector(expr, atMs) {
      const { result } = evaluateInstant(expr, atMs, source, options({}, RULE_TIMEOUT_MS))
      if (result.type === 'vector') return result.samples
      if (result.type === 'scalar') return [{ labels: emptyLabels, value: result.value }]
      throw new CeleriacError(
        'QUERY_INVALID',
        `a rule needs an instant vector or a scalar, got a ${result.type === 'matrix' ? 'range vector' : 'string'}`,
      )
    },
  }
}
