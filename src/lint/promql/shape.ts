import { children, type Expr } from '../../promql/index.ts'
import type { Project } from '../project.ts'

/** The labels of an expression's result. `scraped`: besides these it has those that a scrape adds, `instance` and `job` among them. */
export interface Shape {
  readonly labels: ReadonlySet<string>
  readonly scraped: boolean
}

const NONE: Shape = { labels: new Set(), scraped: false }
/** Recorded series may be recorded from recorded series. */
const MAX_DEPTH = 8

/** The labels of an expression's result; undefined where they cannot be known. A scalar has none. */
export function shapeOf(expr: Expr, project: Project, depth = 0): Shape | undefined {
  const of = (inner: Expr): Shape | undefined => shapeOf(inner, project, depth)
  switch (expr.type) {
    case 'number':
    case 'string':
      return NONE
    case 'paren':
    case 'unary':
    case 'subquery':
      return of(expr.expr)
    case 'range':
      return of(expr.selector)
    case 'selector':
      return selectorShape(expr.name, project, depth)
    case 'call':
      return callShape(expr, of)
    case 'aggregate': {
      if (expr.op === 'topk' || expr.op === 'bottomk') return of(expr.expr)
      if (expr.grouping === undefined) return expr.op === 'count_values' ? undefined : NONE
      const inner = of(expr.expr)
      const named = expr.grouping.labels
      if (!expr.grouping.without)
        return expr.op === 'count_values' ? undefined : { labels: new Set(named), scraped: false }
      if (inner === undefined) return undefined
      return { labels: without(inner.labels, named), scraped: inner.scraped && !named.includes('instance') }
    }
    case 'binary': {
      const [left, right] = [of(expr.left), of(expr.right)]
      if (isScalar(expr.left)) return right
      if (isScalar(expr.right)) return left
      const { matching, op } = expr
      if (op === 'and' || op === 'unless') return left
      if (op === 'or')
        return left !== undefined && right !== undefined && sameShape(left, right) ? left : undefined
      if (matching?.group === 'left')
        return left === undefined ? undefined : { ...left, labels: union(left.labels, matching.include) }
      if (matching?.group === 'right')
        return right === undefined ? undefined : { ...right, labels: union(right.labels, matching.include) }
      if (matching?.on === true) return { labels: new Set(matching.labels), scraped: false }
      if (left === undefined) return undefined
      return { ...left, labels: without(left.labels, matching?.labels ?? []) }
    }
  }
}

/** Whether an expression is a scalar and so matches everything. */
export function isScalar(expr: Expr): boolean {
  if (expr.type === 'number') return true
  if (expr.type === 'paren' || expr.type === 'unary') return isScalar(expr.expr)
  if (expr.type === 'call') return ['scalar', 'time', 'pi'].includes(expr.name)
  return expr.type === 'binary' && isScalar(expr.left) && isScalar(expr.right)
}

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.scraped === b.scraped &&
  a.labels.size === b.labels.size &&
  [...a.labels].every(label => b.labels.has(label))

function selectorShape(name: string | undefined, project: Project, depth: number): Shape | undefined {
  if (name === undefined) return undefined
  const rule = project.recorded.get(name)
  if (rule !== undefined) {
    if (rule.expression.tree === undefined || depth >= MAX_DEPTH) return undefined
    const inner = shapeOf(rule.expression.tree, project, depth + 1)
    return inner === undefined
      ? undefined
      : { ...inner, labels: union(inner.labels, Object.keys(rule.labels)) }
  }
  const metric = project.metrics.get(name)
  if (metric?.labels === undefined || metric.origin === 'Celeriac') return undefined
  return {
    labels: name.endsWith('_bucket') ? union(metric.labels, ['le']) : new Set(metric.labels),
    scraped: true,
  }
}

function callShape(
  call: Extract<Expr, { type: 'call' }>,
  of: (expr: Expr) => Shape | undefined,
): Shape | undefined {
  const last = call.args.at(-1)
  switch (call.name) {
    case 'vector':
      return NONE
    case 'absent':
    case 'absent_over_time':
      return undefined
    case 'histogram_quantile': {
      const inner = last === undefined ? undefined : of(last)
      return inner === undefined ? undefined : { ...inner, labels: without(inner.labels, ['le']) }
    }
    case 'label_replace':
    case 'label_join': {
      const [vector, target] = call.args
      const inner = vector === undefined ? undefined : of(vector)
      return inner === undefined || target?.type !== 'string'
        ? undefined
        : { ...inner, labels: union(inner.labels, [target.value]) }
    }
    default: {
      const vector = call.args.find(arg => !isScalar(arg) && arg.type !== 'string')
      return vector === undefined ? NONE : of(vector)
    }
  }
}

const union = (labels: Iterable<string>, more: readonly string[]): ReadonlySet<string> =>
  new Set([...labels, ...more])
const without = (labels: ReadonlySet<string>, gone: readonly string[]): ReadonlySet<string> =>
  new Set([...labels].filter(label => !gone.includes(label)))

/** An expression with recorded series replaced by what records them, as deep as they go. */
export function* reachable(expr: Expr, project: Project, depth = 0): Generator<Expr, void, undefined> {
  yield expr
  if (depth >= MAX_DEPTH) return
  for (const name of recordedIn(expr, project)) {
    const tree = project.recorded.get(name)?.expression.tree
    if (tree !== undefined) yield* reachable(tree, project, depth + 1)
  }
}

function recordedIn(expr: Expr, project: Project): readonly string[] {
  const names: string[] = []
  const visit = (node: Expr): void => {
    if (node.type === 'selector' && node.name !== undefined && project.recorded.has(node.name))
      names.push(node.name)
    for (const child of children(node)) visit(child)
  }
  visit(expr)
  return names
}
