import { CeleriacError } from '../../base/index.ts'
import type { Span } from './ast.ts'

/**
 * An expression that does not parse or type-check. `message` begins with `line:column: parse error:` as Prometheus writes
 * it; `span` tells where, for underlining.
 */
export class PromqlSyntaxError extends CeleriacError {
  readonly span: Span
  /** What is wrong, without the position. */
  readonly reason: string

  constructor(reason: string, { start, end, line, column }: Span, hint?: string) {
    super('QUERY_INVALID', `${line}:${column}: parse error: ${reason}`, hint === undefined ? {} : { hint })
    this.reason = reason
    this.span = { start, end, line, column }
  }
}

/** The refusal of syntax that Prometheus hides behind a feature flag. */
export const experimental = (what: string, span: Span): PromqlSyntaxError =>
  new PromqlSyntaxError(
    `${what} is experimental, not supported`,
    span,
    'Celeriac accepts what a Prometheus 3 server accepts without feature flags.',
  )
