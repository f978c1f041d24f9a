import { METRIC_NAME } from '../../base/index.ts'
import type { LabelMatcher } from '../contract.ts'
import type { Expr, Span } from './ast.ts'
import { children, unwrap } from './ast.ts'

/** Visits every node, parents before children, in source order. */
export function walk(expr: Expr, visit: (node: Expr) => void): void {
  visit(expr)
  for (const child of children(expr)) walk(child, visit)
}

/** One selector of an expression. */
export interface SelectorUse {
  /** Undefined when the name is not given by equality. */
  readonly metric: string | undefined
  /** All matchers except the one that gives the name. */
  readonly matchers: readonly LabelMatcher[]
  /** The range it is read over; undefined for an instant vector. */
  readonly rangeMs: number | undefined
  readonly span: Span
}

/** Every selector of an expression: which metrics it reads, and by which labels it picks series. */
export function selectors(expr: Expr): readonly SelectorUse[] {
  const uses: SelectorUse[] = []
  const visit = (node: Expr): void => {
    if (node.type === 'range' || node.type === 'selector') {
      const selector = node.type === 'range' ? node.selector : node
      const named = selector.matchers.find(
        matcher => matcher.name === METRIC_NAME && matcher.op === '=' && matcher.value === selector.name,
      )
      uses.push({
        metric: selector.name,
        matchers: selector.matchers.filter(matcher => matcher !== named),
        rangeMs: node.type === 'range' ? node.rangeMs : undefined,
        span: selector.span,
      })
    } else {
      for (const child of children(node)) visit(child)
    }
  }
  visit(expr)
  return uses
}

/** The label arguments of functions that name labels, by position. */
const LABEL_ARGUMENTS: Readonly<Record<string, (index: number) => boolean>> = {
  label_replace: index => index === 1 || index === 3,
  label_join: index => index === 1 || index >= 3,
}

/**
 * Every label name an expression depends on or makes: in matchers, `by`/`without`, `on`/`ignoring`, `group_left`,
 * `label_replace`, `label_join`, `count_values`, and `le` for histogram functions. Without `__name__`.
 */
export function labelsUsed(expr: Expr): ReadonlySet<string> {
  const labels = new Set<string>()
  walk(expr, node => {
    if (node.type === 'selector') for (const matcher of node.matchers) labels.add(matcher.name)
    if (node.type === 'aggregate') {
      for (const label of node.grouping?.labels ?? []) labels.add(label)
      if (node.op === 'count_values' && node.param !== undefined) addString(labels, node.param)
    }
    if (node.type === 'binary')
      for (const label of [...(node.matching?.labels ?? []), ...(node.matching?.include ?? [])])
        labels.add(label)
    if (node.type === 'call') {
      const names = LABEL_ARGUMENTS[node.name]
      node.args.forEach((arg, i) => {
        if (names?.(i)) addString(labels, arg)
      })
      if (node.name === 'histogram_quantile' || node.name === 'histogram_fraction') labels.add('le')
    }
  })
  labels.delete(METRIC_NAME)
  return labels
}

function addString(labels: Set<string>, expr: Expr): void {
  const inner = unwrap(expr)
  if (inner.type === 'string') labels.add(inner.value)
}
