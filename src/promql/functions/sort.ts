import type { Column } from '../engine/value.ts'

/** Columns of a single step by value, NaN last either way; equal values keep their order. */
export function sortByValue(columns: readonly Column[], descending: boolean): readonly Column[] {
  const present = columns.filter(column => column.present[0] === 1)
  const sign = descending ? -1 : 1
  return present.sort((a, b) => {
    const x = a.values[0] ?? NaN
    const y = b.values[0] ?? NaN
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y))
    return x === y ? 0 : sign * (x < y ? -1 : 1)
  })
}
