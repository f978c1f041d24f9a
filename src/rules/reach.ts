import { CeleriacError } from '../base/index.ts'
import { type Expr, parse } from '../promql/index.ts'
import type { RuleGroup } from './contract.ts'

/**
 * Makes what tells how far into the past an expression reaches, in ms: its longest window and offset, through series that these
 * groups record, each of which may be as old as its group's interval. Fixed times (`@`) and the lookback of instant selectors are
 * left out. 0 for what does not parse: such a rule fails by itself.
 */
export function createReach(groups: readonly RuleGroup[]): (expr: string) => number {
  const recordings = new Map<string, { readonly expr: string; readonly intervalMs: number }[]>()
  for (const { rules, intervalMs } of groups)
    for (const rule of rules) {
      if (rule.kind !== 'record') continue
      const all = recordings.get(rule.record) ?? []
      all.push({ expr: rule.expr, intervalMs })
      recordings.set(rule.record, all)
    }
  const known = new Map<string, number>()
  /** Series on the way: one that reads itself reaches no further by it. */
  const visiting = new Set<string>()

  const ofSeries = (name: string | undefined): number => {
    if (name === undefined || visiting.has(name)) return 0
    visiting.add(name)
    const found = (recordings.get(name) ?? []).map(({ expr, intervalMs }) => intervalMs + reach(expr))
    visiting.delete(name)
    return Math.max(0, ...found)
  }

  const ofNode = (node: Expr): number => {
    switch (node.type) {
      case 'number':
      case 'string':
        return 0
      case 'selector':
        return Math.max(0, node.offsetMs) + ofSeries(node.name)
      case 'range':
        return node.rangeMs + ofNode(node.selector)
      case 'subquery':
        return node.rangeMs + Math.max(0, node.offsetMs) + ofNode(node.expr)
      case 'unary':
      case 'paren':
        return ofNode(node.expr)
      case 'call':
        return Math.max(0, ...node.args.map(ofNode))
      case 'aggregate':
        return Math.max(ofNode(node.expr), node.param === undefined ? 0 : ofNode(node.param))
      case 'binary':
        return Math.max(ofNode(node.left), ofNode(node.right))
    }
  }

  const reach = (expr: string): number => {
    const before = known.get(expr)
    if (before !== undefined) return before
    let found = 0
    try {
      found = ofNode(parse(expr))
    } catch (error) {
      if (!(error instanceof CeleriacError)) throw error
    }
    // Inside a circle what was found may be too short: only a whole answer is kept.
    if (visiting.size === 0) known.set(expr, found)
    return found
  }
  return reach
}
