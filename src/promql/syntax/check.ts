import { signatureOf } from '../functions/signatures.ts'
import type { Aggregate, Binary, Call, Expr, ValueType } from './ast.ts'
import { isComparison, isSetOperator } from './ast.ts'
import { PromqlSyntaxError } from './error.ts'

const TYPE_NAMES: Readonly<Record<ValueType, string>> = {
  scalar: 'scalar',
  vector: 'instant vector',
  matrix: 'range vector',
  string: 'string',
}

/** What an expression evaluates to. */
export function typeOf(expr: Expr): ValueType {
  switch (expr.type) {
    case 'number':
      return 'scalar'
    case 'string':
      return 'string'
    case 'selector':
    case 'aggregate':
      return 'vector'
    case 'range':
    case 'subquery':
      return 'matrix'
    case 'call':
      return signatureOf(expr.name)?.returns ?? 'vector'
    case 'unary':
    case 'paren':
      return typeOf(expr.expr)
    case 'binary':
      return typeOf(expr.left) === 'scalar' && typeOf(expr.right) === 'scalar' ? 'scalar' : 'vector'
  }
}

/**
 * Checks operand types, argument counts and modifiers of a whole tree.
 *
 * @throws PromqlSyntaxError at the first node that is wrong.
 */
export function check(expr: Expr): ValueType {
  switch (expr.type) {
    case 'number':
    case 'string':
    case 'selector':
    case 'range':
      break
    case 'paren':
      check(expr.expr)
      break
    case 'subquery': {
      const type = check(expr.expr)
      if (type !== 'vector')
        throw new PromqlSyntaxError(
          `subquery is only allowed on instant vector, got ${TYPE_NAMES[type]} instead`,
          expr.span,
        )
      break
    }
    case 'unary': {
      const type = check(expr.expr)
      if (type !== 'vector' && type !== 'scalar')
        throw new PromqlSyntaxError(
          `unary expression only allowed on expressions of type scalar or instant vector, got "${TYPE_NAMES[type]}"`,
          expr.span,
        )
      break
    }
    case 'call':
      checkCall(expr)
      break
    case 'aggregate':
      checkAggregate(expr)
      break
    case 'binary':
      checkBinary(expr)
      break
  }
  return typeOf(expr)
}

function demand(expr: Expr, wanted: ValueType, where: string): void {
  const type = check(expr)
  if (type === wanted) return
  const hint =
    wanted === 'matrix' && type === 'vector'
      ? 'Give it a range, such as metric[5m], or for an expression a subquery, such as (…)[5m:].'
      : undefined
  throw new PromqlSyntaxError(
    `expected type ${TYPE_NAMES[wanted]} ${where}, got ${TYPE_NAMES[type]}`,
    expr.span,
    hint,
  )
}

function checkCall(call: Call): void {
  const signature = signatureOf(call.name)
  if (signature === undefined)
    throw new PromqlSyntaxError(`unknown function with name "${call.name}"`, call.span)
  const { args, optional, repeats } = signature
  const count = call.args.length
  const least = args.length - optional - (repeats ? 1 : 0)
  const exact = optional === 0 && !repeats
  if (count < least || (!repeats && count > args.length)) {
    const bound = exact ? '' : count < least ? 'at least ' : 'at most '
    const wanted = count < least ? least : args.length
    throw new PromqlSyntaxError(
      `expected ${bound}${wanted} argument(s) in call to "${call.name}", got ${count}`,
      call.span,
    )
  }
  call.args.forEach((arg, i) => {
    const wanted = args[Math.min(i, args.length - 1)]
    if (wanted !== undefined) demand(arg, wanted, `in call to function "${call.name}"`)
  })
}

function checkAggregate({ op, expr, param }: Aggregate): void {
  if (param !== undefined)
    demand(param, op === 'count_values' ? 'string' : 'scalar', 'in aggregation parameter')
  demand(expr, 'vector', 'in aggregation expression')
}

function checkBinary(binary: Binary): void {
  const { op, left, right, bool, matching, span } = binary
  const types = [check(left), check(right)]
  const wrong = types.findIndex(type => type !== 'scalar' && type !== 'vector')
  if (wrong >= 0)
    throw new PromqlSyntaxError(
      'binary expression must contain only scalar and instant vector types',
      wrong === 0 ? left.span : right.span,
    )
  const scalars = types.filter(type => type === 'scalar').length
  if (isComparison(op) && scalars === 2 && !bool) {
    throw new PromqlSyntaxError(
      'comparisons between scalars must use BOOL modifier',
      span,
      `Write ${op} bool.`,
    )
  }
  if (isSetOperator(op)) {
    if (scalars > 0)
      throw new PromqlSyntaxError(`set operator "${op}" not allowed in binary scalar expression`, span)
    if (matching !== undefined && matching.group !== 'none')
      throw new PromqlSyntaxError(`no grouping allowed for "${op}" operation`, span)
  }
  const matches =
    matching !== undefined && (matching.on || matching.labels.length > 0 || matching.group !== 'none')
  if (matches && scalars > 0)
    throw new PromqlSyntaxError('vector matching only allowed between instant vectors', span)
}
