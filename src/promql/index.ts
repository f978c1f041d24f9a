export type * from './contract.ts'
export type {
  Aggregate,
  AggregateOp,
  At,
  Binary,
  BinaryOp,
  Call,
  Expr,
  Matching,
  NumberLiteral,
  Paren,
  RangeSelector,
  Span,
  StringLiteral,
  Subquery,
  Unary,
  ValueType,
  VectorSelector,
} from './syntax/ast.ts'
export { children, isComparison, unwrap } from './syntax/ast.ts'
export { typeOf } from './syntax/check.ts'
export { PromqlSyntaxError } from './syntax/error.ts'
export { labelsUsed, type SelectorUse, selectors, walk } from './syntax/inspect.ts'
export { formatValue } from './syntax/literals.ts'
export { parse } from './syntax/parser.ts'
export { print } from './syntax/print.ts'
export { SIGNATURES, type Signature } from './functions/signatures.ts'
export { evaluateInstant, evaluateRange, instantWork, rangeWork } from './engine/evaluate.ts'
export { deadline, DEFAULT_LIMITS } from './engine/query.ts'
