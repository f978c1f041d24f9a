import { type Labels, METRIC_NAME } from '../../base/index.ts'
import type { Work } from '../contract.ts'
import { type Binary, isComparison, type Matching } from '../syntax/ast.ts'
import { keyOf } from './group.ts'
import { ARITHMETIC, COMPARE, isArithmetic } from './operators.ts'
import { failed, type Query } from './query.ts'
import { type Column, dropName, emptyColumn } from './value.ts'

const DEFAULT: Matching = { on: false, labels: [], group: 'none', include: [] }

/** Gives equal small integers to label sets that match each other. */
export function signatures(matching: Matching | undefined): (labels: Labels) => number {
  const { on, labels: names } = matching ?? DEFAULT
  const ids = new Map<string, number>()
  const ignored = new Set([...names, METRIC_NAME])
  return labels => {
    const key = on ? keyOf(labels, names) : labels.without(ignored).key
    let id = ids.get(key)
    if (id === undefined) {
      id = ids.size
      ids.set(key, id)
    }
    return id
  }
}

/** The computation of one pair at one step: the result, or undefined where a filter drops it. */
type Compute = (left: number, right: number) => number | undefined

function computeOf({ op, bool }: Binary): Compute {
  if (isArithmetic(op)) return ARITHMETIC[op]
  if (!isComparison(op)) throw failed(`operator ${op} does not compute values`)
  const compare = COMPARE[op]
  if (bool) return (left, right) => (compare(left, right) ? 1 : 0)
  return (left, right) => (compare(left, right) ? left : undefined)
}

/**
 * Arithmetic and comparison between vectors (Prometheus "vector matching", 3.x rules: a filter raises matching errors even
 * where it drops the sample). Matching is worked out once per pair of series, values per step.
 *
 * @throws CeleriacError QUERY_FAILED where the "one" side has several series for a match, or results coincide.
 */
export function* matchVectors(
  query: Query,
  node: Binary,
  left: readonly Column[],
  right: readonly Column[],
  steps: number,
): Work<readonly Column[]> {
  const matching = node.matching ?? DEFAULT
  const swapped = matching.group === 'right'
  const many = swapped ? right : left
  const one = swapped ? left : right
  const signatureOf = signatures(node.matching)

  const ones: Column[][] = []
  for (const column of one) {
    if (query.isTurnOver(0)) yield
    ;(ones[signatureOf(column.labels)] ??= []).push(column)
  }
  refuseAmbiguous(ones, many, swapped, node)

  const compute = computeOf(node)
  const results = new Map<string, Result>()
  /** Per signature the steps that have a match already: one-to-one allows only one. */
  const taken: (Uint8Array | undefined)[] = []
  const explicit = matching.group !== 'none'
  for (const manyColumn of many) {
    if (query.isTurnOver(steps)) yield
    const signature = signatureOf(manyColumn.labels)
    for (const oneColumn of ones[signature] ?? []) {
      const labels = resultLabels(node, matching, manyColumn.labels, oneColumn.labels)
      let result = results.get(labels.key)
      if (result === undefined) {
        query.spend(steps)
        result = { column: emptyColumn(labels, steps), seen: new Map() }
        results.set(labels.key, result)
      }
      // One-to-one is judged by what matched, grouping by what the results would be called.
      const seen = explicit ? seenBy(result, signature, steps) : (taken[signature] ??= new Uint8Array(steps))
      lay(manyColumn, oneColumn, swapped ? (a, b) => compute(b, a) : compute, result, seen, explicit)
    }
  }
  const columns: Column[] = []
  for (const { column } of results.values()) if (column.present.includes(1)) columns.push(column)
  return columns
}

interface Result {
  readonly column: Column
  /** Steps matched so far, per signature. */
  readonly seen: Map<number, Uint8Array>
}

function seenBy(result: Result, signature: number, steps: number): Uint8Array {
  let mask = result.seen.get(signature)
  if (mask === undefined) {
    mask = new Uint8Array(steps)
    result.seen.set(signature, mask)
  }
  return mask
}

function lay(
  many: Column,
  one: Column,
  compute: Compute,
  { column }: Result,
  seen: Uint8Array,
  explicit: boolean,
): void {
  const { values, present } = column
  for (let i = 0; i < values.length; i++) {
    if (many.present[i] === 0 || one.present[i] === 0) continue
    if (seen[i] === 1) {
      throw explicit
        ? failed(
            'multiple matches for labels: grouping labels must ensure unique matches',
            `Several results would be called ${column.labels.toString()}.`,
          )
        : failed(
            'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)',
            `Several series of the left side match ${one.labels.toString()}.`,
          )
    }
    seen[i] = 1
    const value = compute(many.values[i]!, one.values[i]!)
    if (value === undefined) continue
    if (present[i] === 1) {
      throw failed(`vector cannot contain metrics with the same labelset: ${column.labels.toString()}`)
    }
    values[i] = value
    present[i] = 1
  }
}

/** Two series of the "one" side with the same signature at a step where the other side is not empty cannot be matched. */
function refuseAmbiguous(
  ones: readonly (readonly Column[])[],
  many: readonly Column[],
  swapped: boolean,
  node: Binary,
): void {
  let other: Uint8Array | undefined
  for (const columns of ones) {
    if (columns === undefined || columns.length < 2) continue
    other ??= union(many)
    for (let i = 0; i < other.length; i++) {
      if (other[i] === 0) continue
      const present = columns.filter(column => column.present[i] === 1)
      const [first, second] = present
      if (first === undefined || second === undefined) continue
      const { on, labels } = node.matching ?? DEFAULT
      const group = on
        ? first.labels.only(new Set(labels))
        : first.labels.without(new Set([...labels, METRIC_NAME]))
      throw failed(
        `found duplicate series for the match group ${group.toString()} on the ${swapped ? 'left' : 'right'} hand-side of ` +
          `the operation: [${second.labels.toString()}, ${first.labels.toString()}];` +
          'many-to-many matching not allowed: matching labels must be unique on one side',
      )
    }
  }
}

function union(columns: readonly Column[]): Uint8Array {
  const mask = new Uint8Array(columns[0]?.present.length ?? 0)
  for (const { present } of columns) for (let i = 0; i < mask.length; i++) mask[i]! |= present[i]!
  return mask
}

/**
 * What a result is called: the many side's labels, without the name where values are computed; one-to-one only the matched
 * labels; with group_x plus the labels included from the one side, which also delete.
 */
function resultLabels({ op, bool }: Binary, matching: Matching, many: Labels, one: Labels): Labels {
  let labels = isArithmetic(op) || bool ? dropName(many) : many
  if (matching.group === 'none') {
    const names = new Set(matching.labels)
    labels = matching.on ? labels.only(names) : labels.without(names)
  }
  for (const name of matching.include) labels = labels.with(name, one.get(name))
  return labels
}
