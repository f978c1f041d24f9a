import type { Work } from '../contract.ts'
import type { Matching, SetOp } from '../syntax/ast.ts'
import { signatures } from './match.ts'
import type { Query } from './query.ts'
import { type Column, joinEqual } from './value.ts'

/** `and`, `or`, `unless`: series of both sides that match by their labels, step by step; values are never changed. */
export function* combineSets(
  query: Query,
  op: SetOp,
  left: readonly Column[],
  right: readonly Column[],
  matching: Matching | undefined,
  steps: number,
): Work<readonly Column[]> {
  const signatureOf = signatures(matching)
  if (op === 'or') {
    const masks = yield* masksOf(query, left, signatureOf, steps)
    const added = yield* query.map(right, steps, column =>
      filtered(column, masks[signatureOf(column.labels)], false),
    )
    return yield* joinEqual(query, [...left, ...added.filter(isAnywhere)])
  }
  const masks = yield* masksOf(query, right, signatureOf, steps)
  const kept = yield* query.map(left, steps, column =>
    filtered(column, masks[signatureOf(column.labels)], op === 'and'),
  )
  return kept.filter(isAnywhere)
}

const isAnywhere = (column: Column): boolean => column.present.includes(1)

/** Per signature the steps at which any series is present. */
function* masksOf(
  query: Query,
  columns: readonly Column[],
  signatureOf: (labels: Column['labels']) => number,
  steps: number,
): Work<readonly (Uint8Array | undefined)[]> {
  const masks: (Uint8Array | undefined)[] = []
  for (const { labels, present } of columns) {
    if (query.isTurnOver(steps)) yield
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
