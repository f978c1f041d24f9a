import { signatureOf } from '../functions/signatures.ts'
import type { Expr } from '../syntax/ast.ts'

const plans = new WeakMap<Expr, ReadonlySet<Expr>>()

/**
 * The nodes of a tree whose value is the same at every step of a range query: literals, selectors fixed by `@`, and what
 * is made of them alone. The evaluator computes them once. Remembered per tree, since rules evaluate the same one again.
 */
export function invariantNodes(root: Expr): ReadonlySet<Expr> {
  const known = plans.get(root)
  if (known !== undefined) return known
  const found = new Set<Expr>()
  mark(root, found)
  plans.set(root, found)
  return found
}

function mark(expr: Expr, found: Set<Expr>): boolean {
  const invariant = isInvariant(expr, found)
  if (invariant) found.add(expr)
  return invariant
}

function isInvariant(expr: Expr, found: Set<Expr>): boolean {
  switch (expr.type) {
    case 'number':
    case 'string':
      return true
    case 'selector':
      return expr.at !== undefined
    case 'range':
      return expr.selector.at !== undefined
    case 'subquery':
      // Without `@` its steps move with the query even when the inner expression does not change.
      mark(expr.expr, found)
      return expr.at !== undefined
    case 'paren':
    case 'unary':
      return mark(expr.expr, found)
    case 'aggregate': {
      const param = expr.param === undefined || mark(expr.param, found)
      return mark(expr.expr, found) && param
    }
    case 'binary': {
      const left = mark(expr.left, found)
      return mark(expr.right, found) && left
    }
    case 'call': {
      const marks = expr.args.map(arg => mark(arg, found))
      return signatureOf(expr.name)?.usesTime === false && marks.every(Boolean)
    }
  }
}
