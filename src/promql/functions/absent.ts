import { Labels, METRIC_NAME } from '../../base/index.ts'
import type { Expr } from '../syntax/ast.ts'
import { unwrap } from '../syntax/ast.ts'
import { type Column, emptyColumn } from '../engine/value.ts'

/** One column that is 1 at the steps where nothing is present; none when there is no such step. */
export function absentSteps(
  labels: Labels,
  present: readonly Uint8Array[],
  steps: number,
): readonly Column[] {
  const column = emptyColumn(labels, steps)
  column.present.fill(1)
  for (const mask of present) for (let i = 0; i < steps; i++) if (mask[i] === 1) column.present[i] = 0
  column.values.fill(1)
  return column.present.includes(1) ? [column] : []
}

/** The labels a missing series would have had: those of equality matchers on labels that are matched only once. */
export function absentLabels(expr: Expr): Labels {
  const node = unwrap(expr)
  const selector = node.type === 'range' ? node.selector : node
  if (selector.type !== 'selector') return Labels.EMPTY
  const known = new Map<string, string>()
  const seen = new Set<string>()
  for (const { name, op, value } of selector.matchers) {
    if (name === METRIC_NAME) continue
    if (op === '=' && !seen.has(name)) {
      known.set(name, value)
      seen.add(name)
    } else {
      known.delete(name)
    }
  }
  return Labels.fromEntries(known)
}
