import type { Work } from '../contract.ts'
import { CompensatedSum, Mean } from '../functions/numerics.ts'
import type { Aggregate, AggregateOp } from '../syntax/ast.ts'
import { type Evaluate, scalarOf, stringOf, vectorOf } from './evaluation.ts'
import { type Group, groupColumns } from './group.ts'
import type { Query } from './query.ts'
import { countValues, quantiles, ranked } from './rank.ts'
import { warnOfQuantile } from './remarks.ts'
import { type Column, emptyColumn, type Grid, type Value, vector } from './value.ts'

/** Folds the present values of a group's members, step by step, into one column. */
type Fold = (query: Query, group: Group, out: Column) => Work<void>

/** Evaluates an aggregation: grouping once per series, arithmetic once per step. */
export function* evaluateAggregate(
  query: Query,
  node: Aggregate,
  grid: Grid,
  evaluate: Evaluate,
): Work<Value> {
  const columns = vectorOf(yield* evaluate(query, node.expr, grid), node.expr)
  const { op, param, grouping } = node
  if (op === 'count_values' && param !== undefined) {
    const label = stringOf(yield* evaluate(query, param, grid), param)
    return vector(yield* countValues(query, columns, grouping, label, grid.steps))
  }
  const groups = yield* groupColumns(query, columns, grouping)
  if (param === undefined) {
    query.spend(groups.length * grid.steps)
    const fold = FOLDS[op as keyof typeof FOLDS]
    const results: Column[] = []
    for (const group of groups) {
      const out = emptyColumn(group.labels, grid.steps)
      yield* fold(query, group, out)
      results.push(out)
    }
    return vector(results)
  }
  const parameter = scalarOf(yield* evaluate(query, param, grid), param)
  if (op === 'quantile') {
    warnOfQuantile(query, parameter, param.span)
    return vector(yield* quantiles(query, groups, parameter, grid.steps))
  }
  return vector(yield* ranked(query, groups, parameter, op === 'topk', grid.steps))
}

const sum: Fold = function* (query, { members }, { values, present }) {
  const lost = new Float64Array(values.length)
  for (const member of members) {
    if (query.isTurnOver(values.length)) yield
    const source = member.values
    for (let i = 0; i < values.length; i++) {
      if (member.present[i] === 0) continue
      const value = source[i]!
      const before = values[i]!
      const total = before + value
      if (total === Infinity || total === -Infinity) lost[i] = 0
      else if (Math.abs(before) >= Math.abs(value)) lost[i]! += before - total + value
      else lost[i]! += value - total + before
      values[i] = total
      present[i] = 1
    }
  }
  for (let i = 0; i < values.length; i++) values[i]! += lost[i]!
}

/** Visits the present values of one step after the other; for folds whose state is more than a number. */
const stepwise = (fold: (values: Float64Array, count: number) => number): Fold =>
  function* (query, { members }, { values, present }) {
    const gathered = new Float64Array(members.length)
    for (let i = 0; i < values.length; i++) {
      if (query.isTurnOver(0, members.length)) yield
      let count = 0
      for (const member of members) if (member.present[i] === 1) gathered[count++] = member.values[i]!
      if (count === 0) continue
      values[i] = fold(gathered, count)
      present[i] = 1
    }
  }

const average = stepwise((values, count) => {
  const mean = new Mean()
  for (let i = 0; i < count; i++) mean.add(values[i]!)
  return mean.value
})

const counting: Fold = function* (query, { members }, { values, present }) {
  for (const member of members) {
    if (query.isTurnOver(values.length)) yield
    for (let i = 0; i < values.length; i++) {
      values[i]! += member.present[i]!
      present[i]! |= member.present[i]!
    }
  }
}

const exists: Fold = function* (query, { members }, { values, present }) {
  for (const member of members) {
    if (query.isTurnOver(values.length)) yield
    for (let i = 0; i < values.length; i++) present[i]! |= member.present[i]!
  }
  values.fill(1)
}

/** The least or greatest value; NaN only where nothing else is there. */
const extreme = (greatest: boolean): Fold =>
  function* (query, { members }, { values, present }) {
    for (const member of members) {
      if (query.isTurnOver(values.length)) yield
      for (let i = 0; i < values.length; i++) {
        if (member.present[i] === 0) continue
        const value = member.values[i]!
        const best = values[i]!
        if (present[i] === 1 && !Number.isNaN(best) && !(greatest ? value > best : value < best)) continue
        values[i] = value
        present[i] = 1
      }
    }
  }

/** Welford's method with compensated mean and sum of squares; NaN and infinities make it NaN, even alone. */
function variance(values: Float64Array, count: number): number {
  const mean = new CompensatedSum()
  const squares = new CompensatedSum()
  for (let i = 0; i < count; i++) {
    const delta = values[i]! - mean.value
    mean.add(delta / (i + 1))
    squares.add(delta * (values[i]! - mean.value))
  }
  return squares.value / count
}

const FOLDS: Readonly<Record<Exclude<AggregateOp, 'topk' | 'bottomk' | 'quantile' | 'count_values'>, Fold>> =
  {
    avg: average,
    count: counting,
    group: exists,
    max: extreme(true),
    min: extreme(false),
    stddev: stepwise((values, size) => Math.sqrt(variance(values, size))),
    stdvar: stepwise(variance),
    sum,
  }
