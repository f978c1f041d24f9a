import { type Labels, METRIC_NAME } from '../../base/index.ts'
import type { Work } from '../contract.ts'
import type { Query } from './query.ts'
import type { Column } from './value.ts'

/** Columns that belong together, with the labels they share. */
export interface Group {
  readonly labels: Labels
  readonly members: Column[]
}

const ALL: ReadonlySet<string> = new Set()

/**
 * Splits columns by the labels of `by (…)`, or by all but those of `without (…)`; without a clause all are one group.
 * Groups come in order of their first member. `without` also takes the metric name.
 */
export function* groupColumns(
  query: Query,
  columns: readonly Column[],
  grouping: { readonly without: boolean; readonly labels: readonly string[] } | undefined,
): Work<readonly Group[]> {
  const names = new Set(grouping?.labels ?? ALL)
  const without = grouping?.without === true
  if (without) names.add(METRIC_NAME)
  const groups = new Map<string, Group>()
  const listed = [...names]
  for (const column of columns) {
    if (query.isTurnOver(0)) yield
    const labels = without ? column.labels.without(names) : undefined
    const key = labels === undefined ? keyOf(column.labels, listed) : labels.key
    const group = groups.get(key)
    if (group === undefined)
      groups.set(key, { labels: labels ?? column.labels.only(names), members: [column] })
    else group.members.push(column)
  }
  return [...groups.values()]
}

/** A text equal exactly for label sets that agree on the given names. */
export function keyOf(labels: Labels, names: readonly string[]): string {
  let key = ''
  for (const name of names) key += `${labels.get(name)}\u0000`
  return key
}
