import type { CeleriacError } from '../../base/index.ts'
import type { Work } from '../contract.ts'
import type { Expr } from '../syntax/ast.ts'
import { failed, type Query } from './query.ts'
import type { Column, Grid, Value } from './value.ts'

/** Evaluates a node over a grid; handed to the parts that need it, so that they do not import the dispatcher. */
export type Evaluate = (query: Query, expr: Expr, grid: Grid) => Work<Value>

/** For trees that were not checked: `parse` never makes them. */
export const failedType = (wanted: string, expr: Expr): CeleriacError =>
  failed(`expected ${wanted} at ${expr.span.line}:${expr.span.column}, got ${expr.type}`)

export function vectorOf(value: Value, expr: Expr): readonly Column[] {
  if (value.kind !== 'vector') throw failedType('instant vector', expr)
  return value.columns
}

export function scalarOf(value: Value, expr: Expr): Float64Array {
  if (value.kind !== 'scalar') throw failedType('scalar', expr)
  return value.values
}

export function stringOf(value: Value, expr: Expr): string {
  if (value.kind !== 'string') throw failedType('string', expr)
  return value.value
}
