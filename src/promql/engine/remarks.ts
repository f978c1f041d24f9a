import type { Span } from '../syntax/ast.ts'
import { formatValue } from '../syntax/literals.ts'
import type { Query } from './query.ts'

/** Remarks on quantiles outside 0 to 1, on each different one once. */
export function warnOfQuantile(query: Query, phi: Float64Array, span: Span): void {
  for (const value of phi) {
    if (value >= 0 && value <= 1) continue
    query.warn(`quantile value should be between 0 and 1, got ${formatValue(value)}`, span)
  }
}
