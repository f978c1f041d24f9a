import { CeleriacError } from '../../base/index.ts'
import { type Expr, parse, PromqlSyntaxError, type Span, walk } from '../../promql/index.ts'
import type { Place, Source } from '../text/source.ts'

/** A PromQL expression of a file. */
export interface Expression {
  /** As it is written. */
  readonly source: Source
  /** Undefined when it does not parse; then `error` says why, unless that is not for us to judge. */
  readonly tree: Expr | undefined
  readonly error:
    { readonly at: Place; readonly reason: string; readonly hint: string | undefined } | undefined
  /** Where a node of the tree stands. */
  readonly place: (span: Pick<Span, 'start' | 'end'>) => Place
}

const DURATION_VARIABLE =
  /\$\{?(?:__rate_interval|__interval|__range|__auto_interval\w*|interval|rate_interval)\}?/g
const VARIABLE = /\$(?:\{(\w+)(?::\w+)?\}|(\w+))|\[\[(\w+)(?::\w+)?\]\]/g
/** Log queries stand in rule files of Loki, in the same form. */
const LOGQL =
  /\|[=~]|!=\s*`|\|\s*(?:json|logfmt|pattern|unwrap|line_format)\b|^\s*(?:sum|count|rate|topk)?[^{]*\{[^}]*\}\s*\|/
/** What our parser does not take on purpose: others may. */
const NOT_OURS = /is experimental|native histogram/

/** Reads the expression of a rule. */
export const ruleExpression = (source: Source): Expression => read(source, source.text, undefined)

/** Reads the query of a panel; Grafana's variables stand for something that parses. */
export function panelExpression(source: Source): Expression {
  const asName = substituted(source.text, undefined)
  const named = read(source, asName.text, asName.offsets)
  if (named.tree !== undefined || asName.text === source.text) return named
  // Where a number stands, such as the first argument of topk.
  const asNumber = substituted(source.text, '1')
  return read(source, asNumber.text, asNumber.offsets)
}

function read(source: Source, text: string, offsets: readonly number[] | undefined): Expression {
  const at = (offset: number): number =>
    offsets === undefined ? offset : (offsets[offset] ?? source.text.length)
  const place = ({ start, end }: Pick<Span, 'start' | 'end'>): Place =>
    source.place(at(start), end > start ? at(end - 1) + 1 : at(end))
  try {
    return { source, tree: parse(text), error: undefined, place }
  } catch (error) {
    if (!(error instanceof CeleriacError)) throw error
    const hasVariables = offsets !== undefined && text !== source.text
    if (
      !(error instanceof PromqlSyntaxError) ||
      hasVariables ||
      NOT_OURS.test(error.reason) ||
      LOGQL.test(source.text)
    )
      return { source, tree: undefined, error: undefined, place }
    return {
      source,
      tree: undefined,
      error: { at: place(error.span), reason: error.reason, hint: error.hint },
      place,
    }
  }
}

function substituted(
  text: string,
  by: string | undefined,
): { readonly text: string; readonly offsets: readonly number[] } {
  const marks = [
    ...[...text.matchAll(DURATION_VARIABLE)].map(match => ({ match, by: '5m' })),
    ...[...text.matchAll(VARIABLE)].map(match => ({
      match,
      by: by ?? match[1] ?? match[2] ?? match[3] ?? 'x',
    })),
  ].sort((a, b) => a.match.index - b.match.index)
  let result = ''
  const offsets: number[] = []
  const copy = (from: number, to: number): void => {
    for (let i = from; i < to; i++) offsets.push(i)
    result += text.slice(from, to)
  }
  let at = 0
  for (const { match, by } of marks) {
    if (match.index < at) continue
    copy(at, match.index)
    for (let i = 0; i < by.length; i++)
      offsets.push(Math.min(match.index + i, match.index + match[0].length - 1))
    result += by
    at = match.index + match[0].length
  }
  copy(at, text.length)
  offsets.push(text.length)
  return { text: result, offsets }
}

/** Every node that a test holds for, parents before children. */
export function nodes<T extends Expr['type']>(
  expression: Pick<Expression, 'tree'>,
  type: T,
): readonly Extract<Expr, { type: T }>[] {
  const found: Extract<Expr, { type: T }>[] = []
  if (expression.tree === undefined) return found
  walk(expression.tree, node => {
    if (node.type === type) found.push(node as Extract<Expr, { type: T }>)
  })
  return found
}

/** The text of a node as it is written. */
export function written(expression: Expression, span: Pick<Span, 'start' | 'end'>): string {
  const { source, start, end } = expression.place(span)
  return source.text.slice(start, end)
}
