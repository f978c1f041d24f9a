import type { Matching, SetOp } from '../syntax/ast.ts'
import { signatures } from './match.ts'
import { type Column, joinEqual } from './value.ts'

/** `and`, `or`, `unless`: series of both sides that match by their labels, step by step; values are never changed. */
export function combineSets(
  op: SetOp,
  left: readonly Column[],
  right: readonly Column[],
  matching: Matching | undefined,
  steps: number,
): readonly Column[] {
  const signatureOf = signatures(matching)
  if (op === 'or') {
    const masks = masksOf(left, signatureOf, steps)
    const added = right.map(column => filtered(column, masks[signatureOf(column.labels)], false))
    return joinEqual([...left, ...added.filter(isAnywhere)])
  }
  const masks = masksOf(right, signatureOf, steps)
  return left
    .map(column => filtered(column, masks[signatureOf(column.labels)], op === 'and'))
    .filter(isAnywhere)
}

const isAnywhere = (column: Column): boolean => column.present.includes(1)

/** Per signature the steps at which any series is present. */
function masksOf(
  columns: readonly Column[],
  signatureOf: (labels: Column['labels']) => number,
  steps: number,
): readonly (Uint8Array | undefined)[] {
  const masks: (Uint8Array | undefined)[] = []
  for (const { labels, present } of columns) {
    const mask = (masks[signatureOf(labels)] ??= new Uint8Array(steps))
    for (let i = 0; i < steps; i++) mask[i]! |= present[i]!
  }
  return masks
}

/** The column where the mask is set (or, with `keep` false, where it is not). */
function filtered(column: Column, mask: Uint8Array | undefined, keep: boolean): Column {
  if (mask === undefined) return keep ? { ...column, present: new Uint8Array(column.present.length) } : column
  const wanted = keep ? 1 : 0
  return {
    labels: column.labels,
    values: column.values,
    present: column.present.map((here, i) => (here === 1 && mask[i] === wanted ? 1 : 0)),
  }
}
