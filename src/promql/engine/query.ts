import { CeleriacError, MINUTE } from '../../base/index.ts'
import type { QueryLimits, QueryOptions, SeriesColumns, SeriesSource, Work } from '../contract.ts'
import type { At, Expr, Span, VectorSelector } from '../syntax/ast.ts'
import { invariantNodes } from './plan.ts'

/** Prometheus' own defaults, save that the time limit is the caller's affair (this room has no clock): see `deadline`. */
export const DEFAULT_LIMITS: QueryLimits = {
  maxPointsPerSeries: 11_000,
  maxSamples: 50_000_000,
  timeoutMs: 2 * MINUTE,
}
const DEFAULT_LOOKBACK_MS = 5 * MINUTE
const DEFAULT_SUBQUERY_STEP_MS = MINUTE
/** About a millisecond of work. */
const VISITS_PER_CHECKPOINT = 500_000
/** Values computed between two pauses, and what handling a column costs beside its values: about a millisecond too. */
const VALUES_PER_TURN = 64_000
const COLUMN_VALUES = 64

/** Everything one evaluation shares: its bounds, its source, its account of samples and its remarks. */
export class Query {
  readonly startMs: number
  readonly endMs: number
  readonly isRange: boolean
  readonly lookbackMs: number
  readonly defaultSubqueryStepMs: number
  readonly limits: QueryLimits
  readonly warnings = new Set<string>()
  readonly infos = new Set<string>()
  /** Nodes whose value is the same at every step. */
  readonly invariant: ReadonlySet<Expr>
  readonly checkpoint: () => void
  readonly #source: SeriesSource
  #samples = 0
  #visited = 0
  #turn = 0

  constructor(
    expr: Expr,
    bounds: { readonly startMs: number; readonly endMs: number; readonly isRange: boolean },
    source: SeriesSource,
    options: QueryOptions = {},
  ) {
    this.startMs = bounds.startMs
    this.endMs = bounds.endMs
    this.isRange = bounds.isRange
    this.lookbackMs = options.lookbackMs ?? DEFAULT_LOOKBACK_MS
    this.defaultSubqueryStepMs = options.defaultSubqueryStepMs ?? DEFAULT_SUBQUERY_STEP_MS
    this.limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.checkpoint = options.checkpoint ?? (() => {})
    this.invariant = invariantNodes(expr)
    this.#source = source
  }

  /** The series of a selector with their samples in (fromMs, toMs], charged to the account. */
  *select(selector: VectorSelector, fromMs: number, toMs: number): Work<readonly SeriesColumns[]> {
    this.checkpoint()
    const source = this.#source
    const { matchers } = selector
    const series =
      source.selecting === undefined
        ? source.select(matchers, fromMs, toMs)
        : yield* source.selecting(matchers, fromMs, toMs)
    this.checkpoint()
    let samples = 0
    for (const { from, to } of series) samples += to - from
    this.spend(samples)
    return series
  }

  /** The time an `@` modifier fixes, in epoch ms; undefined without one. */
  fixedTime(at: At | undefined): number | undefined {
    if (at === undefined) return undefined
    if (at.kind === 'time') return at.ms
    return at.kind === 'start' ? this.startMs : this.endMs
  }

  /**
   * Charges samples read or values about to be allocated.
   *
   * @throws CeleriacError QUERY_LIMIT, before the allocation, when the account is overdrawn.
   */
  spend(samples: number): void {
    this.#samples += samples
    if (this.#samples <= this.limits.maxSamples) return
    throw new CeleriacError(
      'QUERY_LIMIT',
      `query would process more than ${this.limits.maxSamples} samples (at least ${this.#samples})`,
      { hint: 'Shorten the range, use a larger step, or select fewer series.' },
    )
  }

  /** Keeps long loops over samples interruptible: asks the checkpoint once in a while. */
  visit(samples: number): void {
    this.#visited += samples
    if (this.#visited < VISITS_PER_CHECKPOINT) return
    this.#visited = 0
    this.checkpoint()
  }

  /** Charges columns that were handled, of so many steps each, to the present turn; true when it is over: time to pause. */
  isTurnOver(steps: number, columns = 1): boolean {
    this.#turn += columns * (COLUMN_VALUES + steps)
    if (this.#turn < VALUES_PER_TURN) return false
    this.#turn = 0
    this.checkpoint()
    return true
  }

  /** What `change` makes of each column of so many steps, with pauses. */
  *map<A, B>(columns: readonly A[], steps: number, change: (column: A) => B): Work<B[]> {
    const results: B[] = []
    for (const column of columns) {
      results.push(change(column))
      if (this.isTurnOver(steps)) yield
    }
    return results
  }

  warn(text: string, { line, column }: Span): void {
    this.warnings.add(`PromQL warning: ${text} (${line}:${column})`)
  }

  info(text: string, { line, column }: Span): void {
    this.infos.add(`PromQL info: ${text} (${line}:${column})`)
  }
}

/** Failure while evaluating a well-formed expression. */
export const failed = (message: string, hint?: string): CeleriacError =>
  new CeleriacError('QUERY_FAILED', message, hint === undefined ? {} : { hint })

/**
 * A checkpoint that ends a query after `timeoutMs` by the given clock.
 *
 * @throws CeleriacError QUERY_TIMEOUT from the checkpoint.
 */
export function deadline(now: () => number, timeoutMs: number): () => void {
  const end = now() + timeoutMs
  return () => {
    if (now() <= end) return
    throw new CeleriacError('QUERY_TIMEOUT', `query timed out after ${timeoutMs} ms`, {
      hint: 'Shorten the range, use a larger step, select fewer series, or raise the timeout.',
    })
  }
}
