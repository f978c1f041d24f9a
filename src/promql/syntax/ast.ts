import type { LabelMatcher } from '../contract.ts'

/** Where a node stands in its source: offsets in UTF-16 units (end exclusive), line and column counted from 1. */
export interface Span {
  readonly start: number
  readonly end: number
  readonly line: number
  readonly column: number
}

/** What an expression evaluates to (Prometheus "expression language data types"). */
export type ValueType = 'scalar' | 'vector' | 'matrix' | 'string'

export type AggregateOp =
  | 'sum'
  | 'avg'
  | 'count'
  | 'min'
  | 'max'
  | 'group'
  | 'stddev'
  | 'stdvar'
  | 'topk'
  | 'bottomk'
  | 'quantile'
  | 'count_values'

export type ArithmeticOp = '+' | '-' | '*' | '/' | '%' | '^' | 'atan2'
export type ComparisonOp = '==' | '!=' | '<' | '<=' | '>' | '>='
export type SetOp = 'and' | 'or' | 'unless'
export type BinaryOp = ArithmeticOp | ComparisonOp | SetOp

/** The `@` modifier: a fixed time in epoch ms, or a bound of the outermost query. */
export type At = { readonly kind: 'time'; readonly ms: number } | { readonly kind: 'start' | 'end' }

/** How the two sides of a binary operator find each other; undefined on the node when nothing was written. */
export interface Matching {
  /** `on (labels)` when true, `ignoring (labels)` when false. */
  readonly on: boolean
  readonly labels: readonly string[]
  /** The side with many series per match: `group_left` makes the left side the many side. */
  readonly group: 'none' | 'left' | 'right'
  /** Labels copied from the one side. */
  readonly include: readonly string[]
}

export interface NumberLiteral {
  readonly type: 'number'
  readonly value: number
  /** Written as a duration (`5m` is 300). */
  readonly duration: boolean
  readonly span: Span
}

export interface StringLiteral {
  readonly type: 'string'
  readonly value: string
  readonly span: Span
}

export interface VectorSelector {
  readonly type: 'selector'
  /** The metric name, when it is given by equality; it is among the matchers too, as `__name__`. */
  readonly name: string | undefined
  readonly matchers: readonly LabelMatcher[]
  readonly offsetMs: number
  readonly at: At | undefined
  readonly span: Span
}

/** `selector[range]`. Offset and `@` are the inner selector's. */
export interface RangeSelector {
  readonly type: 'range'
  readonly selector: VectorSelector
  readonly rangeMs: number
  readonly span: Span
}

export interface Subquery {
  readonly type: 'subquery'
  readonly expr: Expr
  readonly rangeMs: number
  /** Undefined: the default evaluation interval. */
  readonly stepMs: number | undefined
  readonly offsetMs: number
  readonly at: At | undefined
  readonly span: Span
}

export interface Call {
  readonly type: 'call'
  readonly name: string
  readonly args: readonly Expr[]
  readonly span: Span
}

export interface Aggregate {
  readonly type: 'aggregate'
  readonly op: AggregateOp
  readonly expr: Expr
  /** k, φ or the label of topk, bottomk, quantile, count_values. */
  readonly param: Expr | undefined
  /** Undefined: one group over everything. */
  readonly grouping: { readonly without: boolean; readonly labels: readonly string[] } | undefined
  readonly span: Span
}

export interface Binary {
  readonly type: 'binary'
  readonly op: BinaryOp
  readonly left: Expr
  readonly right: Expr
  readonly bool: boolean
  readonly matching: Matching | undefined
  readonly span: Span
}

export interface Unary {
  readonly type: 'unary'
  readonly op: '+' | '-'
  readonly expr: Expr
  readonly span: Span
}

export interface Paren {
  readonly type: 'paren'
  readonly expr: Expr
  readonly span: Span
}

/** A PromQL syntax tree. Trees from `parse` are type-checked; every node knows its place in the source. */
export type Expr =
  | NumberLiteral
  | StringLiteral
  | VectorSelector
  | RangeSelector
  | Subquery
  | Call
  | Aggregate
  | Binary
  | Unary
  | Paren

const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>='])
const SET_OPERATORS: ReadonlySet<string> = new Set(['and', 'or', 'unless'])

export const isComparison = (op: BinaryOp): op is ComparisonOp => COMPARISONS.has(op)
export const isSetOperator = (op: BinaryOp): op is SetOp => SET_OPERATORS.has(op)

/** The direct operands of a node, in source order. */
export function children(expr: Expr): readonly Expr[] {
  switch (expr.type) {
    case 'number':
    case 'string':
    case 'selector':
      return []
    case 'range':
      return [expr.selector]
    case 'subquery':
    case 'unary':
    case 'paren':
      return [expr.expr]
    case 'call':
      return expr.args
    case 'aggregate':
      return expr.param === undefined ? [expr.expr] : [expr.param, expr.expr]
    case 'binary':
      return [expr.left, expr.right]
  }
}

/** The expression inside any number of parentheses. */
export function unwrap(expr: Expr): Expr {
  let inner = expr
  while (inner.type === 'paren') inner = inner.expr
  return inner
}
