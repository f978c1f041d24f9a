import { parseDurationMs } from '../../base/index.ts'
import { EXPERIMENTAL, NATIVE_ONLY, RENAMED, SIGNATURES, signatureOf } from '../functions/signatures.ts'
import type { Aggregate, AggregateOp, Binary, BinaryOp, Expr, Matching, Span } from './ast.ts'
import { children, isComparison } from './ast.ts'
import { check } from './check.ts'
import { experimental, PromqlSyntaxError } from './error.ts'
import { lex } from './lexer.ts'
import { parseNumber } from './literals.ts'
import { badDuration, parseAt, parseOffset, parseRange } from './modifiers.ts'
import { parseSelector } from './selector.ts'
import { nearest } from './suggest.ts'
import { Tokens } from './tokens.ts'

/** Longer sources and deeper trees are refused: recursion over the tree must never exhaust the stack. */
const MAX_SOURCE_LENGTH = 100_000
const MAX_DEPTH = 400

/** Binding power, weakest first (Prometheus "binary operator precedence"). */
const PRECEDENCE: Readonly<Record<BinaryOp, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  '==': 3,
  '!=': 3,
  '<': 3,
  '<=': 3,
  '>': 3,
  '>=': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
  '%': 5,
  atan2: 5,
  '^': 6,
}
/** A sign binds like multiplication: `-1 ^ 2` is -(1 ^ 2). */
const SIGN_OPERAND = PRECEDENCE['^']

/** The aggregations, and whether they take a parameter first. */
const AGGREGATES: Readonly<Record<AggregateOp, boolean>> = {
  sum: false,
  avg: false,
  count: false,
  min: false,
  max: false,
  group: false,
  stddev: false,
  stdvar: false,
  topk: true,
  bottomk: true,
  quantile: true,
  count_values: true,
}
const isAggregate = (name: string): name is AggregateOp => Object.hasOwn(AGGREGATES, name)

/**
 * Parses and type-checks a PromQL expression of Prometheus 3 (stable language, no native histograms).
 *
 * @throws PromqlSyntaxError with the position of what is wrong.
 */
export function parse(source: string): Expr {
  if (source.length > MAX_SOURCE_LENGTH) {
    throw new PromqlSyntaxError(`expression is longer than ${MAX_SOURCE_LENGTH} characters`, {
      start: 0,
      end: source.length,
      line: 1,
      column: 1,
    })
  }
  const tokens = new Tokens(lex(source))
  if (tokens.atEnd) throw new PromqlSyntaxError('no expression found in input', tokens.peek)
  const expr = new Parser(tokens).expression()
  if (!tokens.atEnd) throw tokens.unexpected('after the expression', 'an operator or the end')
  refuseDeepTrees(expr)
  check(expr)
  return expr
}

function refuseDeepTrees(root: Expr): void {
  const pending: { expr: Expr; depth: number }[] = [{ expr: root, depth: 1 }]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (next.depth > MAX_DEPTH) throw tooDeep(next.expr.span)
    for (const expr of children(next.expr)) pending.push({ expr, depth: next.depth + 1 })
  }
}

const tooDeep = (span: Span): PromqlSyntaxError =>
  new PromqlSyntaxError(
    `expression is nested deeper than ${MAX_DEPTH} levels`,
    span,
    'Split it into recording rules.',
  )

/** Precedence climbing over the tokens of one expression. */
class Parser {
  readonly #tokens: Tokens
  #depth = 0

  constructor(tokens: Tokens) {
    this.#tokens = tokens
  }

  expression(weakest = 1): Expr {
    if (++this.#depth > MAX_DEPTH) throw tooDeep(this.#tokens.peek)
    let left = this.#operand()
    for (;;) {
      const op = this.#binaryOperator()
      if (op === undefined || PRECEDENCE[op] < weakest) break
      left = this.#binary(left, op)
    }
    this.#depth--
    return left
  }

  #binaryOperator(): BinaryOp | undefined {
    const { kind, text } = this.#tokens.peek
    const word = kind === 'identifier' ? text.toLowerCase() : text
    return (kind === 'identifier' || kind === 'symbol') && Object.hasOwn(PRECEDENCE, word)
      ? (word as BinaryOp)
      : undefined
  }

  #binary(left: Expr, op: BinaryOp): Binary {
    const tokens = this.#tokens
    tokens.next()
    let bool = false
    if (tokens.atWord('bool')) {
      const word = tokens.next()
      if (!isComparison(op))
        throw new PromqlSyntaxError('bool modifier can only be used on comparison operators', word)
      bool = true
    }
    const matching = this.#matching()
    if (['fill', 'fill_left', 'fill_right'].some(word => tokens.atWord(word)) && tokens.symbolFollows('('))
      throw experimental('fill', tokens.peek)
    // Only `^` groups to the right.
    const right = this.expression(op === '^' ? PRECEDENCE[op] : PRECEDENCE[op] + 1)
    return { type: 'binary', op, left, right, bool, matching, span: tokens.spanFrom(left.span) }
  }

  #matching(): Matching | undefined {
    const tokens = this.#tokens
    const on = tokens.atWord('on')
    if (!(on || tokens.atWord('ignoring')) || !tokens.symbolFollows('(')) return undefined
    tokens.next()
    const labels = tokens.labelList('grouping opts')
    let group: Matching['group'] = 'none'
    let include: readonly string[] = []
    if (tokens.atWord('group_left') || tokens.atWord('group_right')) {
      const word = tokens.next()
      group = word.text.toLowerCase() === 'group_left' ? 'left' : 'right'
      if (tokens.atSymbol('(')) include = tokens.labelList('grouping opts')
      const both = on ? include.find(label => labels.includes(label)) : undefined
      if (both !== undefined)
        throw new PromqlSyntaxError(`label "${both}" must not occur in ON and GROUP clause at once`, word)
    }
    return { on, labels, group, include }
  }

  #operand(): Expr {
    const tokens = this.#tokens
    const first = tokens.peek
    if (first.kind !== 'symbol' || (first.text !== '+' && first.text !== '-'))
      return this.#postfix(this.#primary())
    tokens.next()
    const expr = this.expression(SIGN_OPERAND)
    const span = tokens.spanFrom(first)
    // A signed number is a number.
    if (expr.type === 'number') return { ...expr, value: first.text === '-' ? -expr.value : expr.value, span }
    return { type: 'unary', op: first.text, expr, span }
  }

  #primary(): Expr {
    const tokens = this.#tokens
    const token = tokens.peek
    switch (token.kind) {
      case 'number':
        tokens.next()
        return {
          type: 'number',
          value: parseNumber(token.text),
          duration: false,
          span: tokens.spanFrom(token),
        }
      case 'duration': {
        tokens.next()
        const ms = parseDurationMs(token.text)
        if (ms === undefined) throw badDuration(token)
        return { type: 'number', value: ms / 1000, duration: true, span: tokens.spanFrom(token) }
      }
      case 'string':
        return { type: 'string', value: tokens.string(), span: tokens.spanFrom(token) }
      case 'symbol':
        if (token.text === '{') return parseSelector(tokens, undefined)
        if (token.text === '(') {
          tokens.next()
          const expr = this.expression()
          tokens.expect(')', 'in parentheses')
          return { type: 'paren', expr, span: tokens.spanFrom(token) }
        }
        throw tokens.unexpected('where an expression begins')
      case 'identifier':
        return this.#word()
      case 'end':
        throw (
          tokens.unclosed() ??
          new PromqlSyntaxError('unexpected end of input', token, 'An operand or an argument is missing.')
        )
    }
  }

  #word(): Expr {
    const tokens = this.#tokens
    const token = tokens.peek
    const word = token.text.toLowerCase()
    if (word === 'inf' || word === 'nan') {
      tokens.next()
      return {
        type: 'number',
        value: word === 'inf' ? Infinity : NaN,
        duration: false,
        span: tokens.spanFrom(token),
      }
    }
    const grouped = tokens.wordFollows('by') || tokens.wordFollows('without')
    if (tokens.symbolFollows('(') || grouped) {
      if (isAggregate(word)) return this.#aggregate(word)
      if (word === 'limitk' || word === 'limit_ratio') throw experimental(word, token)
    }
    if (tokens.symbolFollows('(') && !NEVER_CALLED.has(word)) return this.#call()
    if (NEVER_NAMES.has(word)) throw tokens.unexpected('where an expression begins')
    tokens.next()
    return parseSelector(tokens, token)
  }

  #call(): Expr {
    const tokens = this.#tokens
    const name = tokens.next()
    const problem = unknownFunction(name.text, name)
    if (problem !== undefined) throw problem
    const args = this.#arguments(`in call to ${name.text}()`)
    return { type: 'call', name: name.text, args, span: tokens.spanFrom(name) }
  }

  #arguments(where: string): readonly Expr[] {
    const tokens = this.#tokens
    tokens.expect('(', where)
    const args: Expr[] = []
    while (!tokens.atSymbol(')')) {
      args.push(this.expression())
      if (tokens.atSymbol(')')) break
      tokens.expect(',', where)
      if (tokens.atSymbol(')'))
        throw new PromqlSyntaxError(`trailing commas not allowed ${where}`, tokens.peek)
    }
    tokens.next()
    return args
  }

  #aggregate(op: AggregateOp): Aggregate {
    const tokens = this.#tokens
    const name = tokens.next()
    let grouping = this.#grouping()
    const args = this.#arguments(`in ${op}()`)
    grouping ??= this.#grouping()
    const wanted = AGGREGATES[op] ? 2 : 1
    const span = tokens.spanFrom(name)
    const expr = args[args.length - 1]
    if (args.length !== wanted || expr === undefined) {
      throw new PromqlSyntaxError(
        args.length === 0
          ? 'no arguments for aggregate expression provided'
          : `wrong number of arguments for aggregate expression provided, expected ${wanted}, got ${args.length}`,
        span,
      )
    }
    // `by ()` is no grouping: Prometheus prints it as none, so what it has loaded reads the same here.
    if (grouping?.without === false && grouping.labels.length === 0) grouping = undefined
    return { type: 'aggregate', op, expr, param: wanted === 2 ? args[0] : undefined, grouping, span }
  }

  #grouping(): Aggregate['grouping'] {
    const tokens = this.#tokens
    const without = tokens.atWord('without')
    if (!without && !tokens.atWord('by')) return undefined
    tokens.next()
    return { without, labels: tokens.labelList('grouping opts') }
  }

  /** `[range]`, `[range:step]`, `offset` and `@` behind an operand; they bind tighter than any operator. */
  #postfix(operand: Expr): Expr {
    const tokens = this.#tokens
    let expr = operand
    for (;;) {
      if (tokens.atSymbol('[')) {
        expr = parseRange(tokens, expr)
      } else if (tokens.atWord('offset')) {
        expr = parseOffset(tokens, expr)
      } else if (tokens.atSymbol('@')) {
        expr = parseAt(tokens, expr)
      } else if ((tokens.atWord('anchored') || tokens.atWord('smoothed')) && isRanged(expr)) {
        throw experimental(tokens.peek.text.toLowerCase(), tokens.peek)
      } else {
        return expr
      }
    }
  }
}

const isRanged = (expr: Expr): boolean => expr.type === 'range' || expr.type === 'selector'

/** Operators written as words: never a metric name. */
const NEVER_NAMES: ReadonlySet<string> = new Set(['bool', 'on', 'ignoring', 'group_left', 'group_right'])
/** Words whose parenthesis belongs to something else. */
const NEVER_CALLED: ReadonlySet<string> = new Set([...NEVER_NAMES, 'by', 'without', 'offset'])

function unknownFunction(name: string, span: Span): PromqlSyntaxError | undefined {
  if (signatureOf(name) !== undefined) return undefined
  if (EXPERIMENTAL.has(name)) return experimental(`function ${name}()`, span)
  if (NATIVE_ONLY.has(name)) {
    return new PromqlSyntaxError(
      `function ${name}() needs native histograms, which are not supported`,
      span,
      'Classic histograms are: divide their _sum and _count series, or use histogram_quantile().',
    )
  }
  const guess = Object.hasOwn(RENAMED, name)
    ? RENAMED[name]
    : nearest(name, [...Object.keys(SIGNATURES), ...Object.keys(AGGREGATES)])
  return new PromqlSyntaxError(
    `unknown function with name "${name}"`,
    span,
    guess === undefined ? undefined : `Did you mean ${guess}()?`,
  )
}
