import { children, type Expr, isComparison, print, unwrap, type VectorSelector } from '../../promql/index.ts'

/** The operands in which a node stands, nearest first; a node given to `visit` with its way up. */
export function walkWithParents(
  expr: Expr,
  visit: (node: Expr, parents: readonly Expr[]) => void,
  parents: readonly Expr[] = [],
): void {
  visit(expr, parents)
  for (const child of children(expr)) walkWithParents(child, visit, [expr, ...parents])
}

/** Every selector inside an expression. */
export function selectorsIn(expr: Expr): readonly VectorSelector[] {
  if (expr.type === 'selector') return [expr]
  return children(expr).flatMap(selectorsIn)
}

/** Whether an expression reads a metric. */
export const reads = (expr: Expr, metric: string): boolean =>
  selectorsIn(expr).some(({ name }) => name === metric)

/** A number, behind any number of parentheses. */
export function numberIn(expr: Expr): number | undefined {
  const inner = unwrap(expr)
  if (inner.type === 'number') return inner.value
  if (inner.type === 'unary' && inner.op === '-') {
    const value = numberIn(inner.expr)
    return value === undefined ? undefined : -value
  }
  if (inner.type === 'binary') {
    const [left, right] = [numberIn(inner.left), numberIn(inner.right)]
    if (left === undefined || right === undefined) return undefined
    if (inner.op === '*') return left * right
    if (inner.op === '/') return left / right
    if (inner.op === '+') return left + right
    if (inner.op === '-') return left - right
  }
  return undefined
}

/** Comparisons with a number, whichever side it stands on. */
export interface Limit {
  readonly of: Expr
  /** As if the number stood on the right. */
  readonly op: '==' | '!=' | '<' | '<=' | '>' | '>='
  readonly value: number
  readonly node: Expr
}

const MIRRORED = { '==': '==', '!=': '!=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const

/** What a node compares with a number; undefined when it does not. */
export function limitOf(node: Expr): Limit | undefined {
  if (node.type !== 'binary' || !isComparison(node.op) || node.bool) return undefined
  const right = numberIn(node.right)
  if (right !== undefined) return { of: node.left, op: node.op, value: right, node }
  const left = numberIn(node.left)
  return left === undefined ? undefined : { of: node.right, op: MIRRORED[node.op], value: left, node }
}

/**
 * Whether a metric is kept from being 0 somewhere in an expression: by a comparison that only lets other values through, or by a
 * least value.
 */
export function isGuarded(root: Expr, metric: string): boolean {
  let guarded = false
  walkWithParents(root, node => {
    const limit = limitOf(node)
    if (limit !== undefined && keepsFromZero(limit) && reads(limit.of, metric) && !divides(limit.of))
      guarded = true
    if (node.type === 'call' && node.name === 'clamp_min' && reads(node, metric)) guarded = true
    if (node.type === 'binary' && node.op === 'unless' && reads(node.right, metric)) guarded = true
  })
  return guarded
}

const keepsFromZero = ({ op, value }: Limit): boolean =>
  (op === '>' && value >= 0) || (op === '>=' && value > 0) || (op === '!=' && value === 0)

const divides = (expr: Expr): boolean => {
  const inner = unwrap(expr)
  if (inner.type === 'binary' && inner.op === '/') return true
  return children(inner).some(divides)
}

/** One line, to be shown. */
export const shown = (expr: Expr): string => {
  const text = print(expr)
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}
