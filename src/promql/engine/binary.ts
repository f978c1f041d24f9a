import type { Work } from '../contract.ts'
import { type Binary, isComparison, isSetOperator } from '../syntax/ast.ts'
import { type Evaluate, failedType } from './evaluation.ts'
import { matchVectors } from './match.ts'
import { ARITHMETIC, COMPARE, isArithmetic } from './operators.ts'
import { failed, type Query } from './query.ts'
import { combineSets } from './sets.ts'
import { type Column, dropNames, type Grid, type Value, vector } from './value.ts'

/** Evaluates a binary operator; both sides over the whole grid. */
export function* evaluateBinary(query: Query, node: Binary, grid: Grid, evaluate: Evaluate): Work<Value> {
  const left = yield* evaluate(query, node.left, grid)
  const right = yield* evaluate(query, node.right, grid)
  const { op, bool } = node
  if (left.kind === 'string' || right.kind === 'string') throw failedType('scalar or instant vector', node)
  if (left.kind === 'vector' && right.kind === 'vector') {
    query.spend(left.columns.length * grid.steps)
    return vector(
      isSetOperator(op)
        ? yield* combineSets(query, op, left.columns, right.columns, node.matching, grid.steps)
        : yield* matchVectors(query, node, left.columns, right.columns, grid.steps),
    )
  }
  if (left.kind === 'vector' && right.kind === 'scalar') {
    query.spend(left.columns.length * grid.steps)
    return yield* withScalar(query, node, left.columns, right.values, false)
  }
  if (left.kind === 'scalar' && right.kind === 'vector') {
    query.spend(right.columns.length * grid.steps)
    return yield* withScalar(query, node, right.columns, left.values, true)
  }
  if (left.kind !== 'scalar' || right.kind !== 'scalar')
    throw failed('operands must be scalars or instant vectors')
  const b = right.values
  if (isArithmetic(op)) {
    const compute = ARITHMETIC[op]
    return { kind: 'scalar', values: left.values.map((value, i) => compute(value, b[i]!)) }
  }
  if (!isComparison(op) || !bool) throw failed('comparisons between scalars must use BOOL modifier')
  const compare = COMPARE[op]
  return { kind: 'scalar', values: left.values.map((value, i) => (compare(value, b[i]!) ? 1 : 0)) }
}

/** Vector and scalar, in either order; a comparison without `bool` keeps the vector's values and names. */
function* withScalar(
  query: Query,
  node: Binary,
  columns: readonly Column[],
  scalar: Float64Array,
  swapped: boolean,
): Work<Value> {
  const { op, bool } = node
  if (isArithmetic(op)) {
    const compute = ARITHMETIC[op]
    const computed = yield* query.map(columns, scalar.length, ({ labels, values, present }) => ({
      labels,
      values: values.map((value, i) => (swapped ? compute(scalar[i]!, value) : compute(value, scalar[i]!))),
      present,
    }))
    return vector(yield* dropNames(query, computed))
  }
  if (!isComparison(op)) throw failed(`set operator "${op}" not allowed in binary scalar expression`)
  const compare = COMPARE[op]
  const holds = (value: number, i: number): boolean =>
    swapped ? compare(scalar[i]!, value) : compare(value, scalar[i]!)
  if (bool) {
    const judged = yield* query.map(columns, scalar.length, ({ labels, values, present }) => ({
      labels,
      values: values.map((value, i) => (holds(value, i) ? 1 : 0)),
      present,
    }))
    return vector(yield* dropNames(query, judged))
  }
  const kept = yield* query.map(columns, scalar.length, ({ labels, values, present }) => ({
    labels,
    values,
    present: present.map((here, i) => (here === 1 && holds(values[i]!, i) ? 1 : 0)),
  }))
  return vector(kept.filter(column => column.present.includes(1)))
}
