import { CeleriacError, type Labels, METRIC_NAME } from '../../base/index.ts'
import type { Work } from '../contract.ts'
import type { Query } from './query.ts'

/** The instants at which a node is evaluated: `startMs + i * stepMs` for i below `steps`. */
export interface Grid {
  readonly startMs: number
  readonly stepMs: number
  readonly steps: number
}

export const timeAt = (grid: Grid, step: number): number => grid.startMs + step * grid.stepMs

/**
 * One series over a grid. A step counts only where `present` is 1: NaN is a value, absence is not. Arrays are never
 * written after the column has been handed on, so columns may share them.
 */
export interface Column {
  readonly labels: Labels
  readonly values: Float64Array
  readonly present: Uint8Array
}

/** What a node evaluates to over a grid. Range vectors exist only as arguments of functions. */
export type Value =
  | { readonly kind: 'scalar'; readonly values: Float64Array }
  | { readonly kind: 'vector'; readonly columns: readonly Column[] }
  | { readonly kind: 'string'; readonly value: string }

export const vector = (columns: readonly Column[]): Value => ({ kind: 'vector', columns })

/** A column of which no step is present yet. */
export const emptyColumn = (labels: Labels, steps: number): Column => ({
  labels,
  values: new Float64Array(steps),
  present: new Uint8Array(steps),
})

export const isPresentAnywhere = (column: Column): boolean => column.present.includes(1)

const NAME_LABELS: ReadonlySet<string> = new Set([METRIC_NAME, '__type__', '__unit__'])
const nameless = new WeakMap<Labels, Labels>()

/** Without the metric's name, type and unit, which a function or operator takes away; the same object for the same input. */
export function dropName(labels: Labels): Labels {
  let result = nameless.get(labels)
  if (result === undefined) {
    result = labels.without(NAME_LABELS)
    nameless.set(labels, result)
  }
  return result
}

/** Columns with their names dropped; those that become equal are joined. */
export function* dropNames(query: Query, columns: readonly Column[]): Work<readonly Column[]> {
  const first = columns[0]
  if (first === undefined) return columns
  const name = first.labels.metric
  // Series of one metric stay distinct; only a mixture can collide.
  let mixed = false
  const renamed = yield* query.map(columns, 0, column => {
    const labels = dropName(column.labels)
    mixed ||= column.labels.metric !== name || column.labels.size - labels.size > 1
    return labels === column.labels ? column : { labels, values: column.values, present: column.present }
  })
  return mixed ? yield* joinEqual(query, renamed) : renamed
}

/**
 * Joins columns with equal labels into one, at the place of the first.
 *
 * @throws CeleriacError QUERY_FAILED where two of them are present at the same step.
 */
export function* joinEqual(query: Query, columns: readonly Column[]): Work<readonly Column[]> {
  const byKey = new Map<string, number>()
  const joined: Column[] = []
  const own = new Set<number>()
  for (const column of columns) {
    if (query.isTurnOver(0)) yield
    const at = byKey.get(column.labels.key)
    const first = at === undefined ? undefined : joined[at]
    if (at === undefined || first === undefined) {
      byKey.set(column.labels.key, joined.length)
      joined.push(column)
      continue
    }
    const target = own.has(at)
      ? first
      : { labels: first.labels, values: first.values.slice(), present: first.present.slice() }
    own.add(at)
    joined[at] = target
    lay(column, target)
  }
  return joined.length === columns.length ? columns : joined
}

function lay(source: Column, target: Column): void {
  for (let i = 0; i < source.present.length; i++) {
    if (source.present[i] === 0) continue
    if (target.present[i] === 1) {
      throw new CeleriacError(
        'QUERY_FAILED',
        `vector cannot contain metrics with the same labelset: ${source.labels.toString()}`,
        {
          hint: 'Several metrics lose their names here and become the same series; select one metric, or aggregate.',
        },
      )
    }
    target.present[i] = 1
    target.values[i] = source.values[i]!
  }
}
