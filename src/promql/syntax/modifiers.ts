import { parseDurationMs } from '../../base/index.ts'
import type { At, Expr, RangeSelector, Span, Subquery, VectorSelector } from './ast.ts'
import { experimental, PromqlSyntaxError } from './error.ts'
import type { Token } from './lexer.ts'
import { parseNumber } from './literals.ts'
import type { Tokens } from './tokens.ts'

/** Times and durations beyond this many ms lose whole milliseconds as doubles. */
const MAX_MS = Number.MAX_SAFE_INTEGER

/** `[range]` behind a selector, `[range:step]` behind any expression of an instant vector. */
export function parseRange(tokens: Tokens, expr: Expr): RangeSelector | Subquery {
  tokens.next()
  const rangeMs = positiveDuration(tokens, 'range')
  if (tokens.atSymbol(':')) {
    tokens.next()
    const stepMs = tokens.atSymbol(']') ? undefined : positiveDuration(tokens, 'subquery step')
    tokens.expect(']', 'in subquery')
    const span = tokens.spanFrom(expr.span)
    return { type: 'subquery', expr, rangeMs, stepMs, offsetMs: 0, at: undefined, span }
  }
  refuseArithmetic(tokens)
  tokens.expect(']', 'in range')
  const span = tokens.spanFrom(expr.span)
  if (expr.type !== 'selector')
    throw new PromqlSyntaxError(
      'ranges only allowed for vector selectors',
      span,
      'For an expression write [5m:].',
    )
  if (expr.offsetMs !== 0) throw new PromqlSyntaxError('no offset modifiers allowed before range', span)
  if (expr.at !== undefined) throw new PromqlSyntaxError('no @ modifiers allowed before range', span)
  return { type: 'range', selector: expr, rangeMs, span }
}

/** `offset 5m`, also negative, behind a selector, range selector or subquery. */
export function parseOffset(tokens: Tokens, expr: Expr): Expr {
  const word = tokens.next()
  const offsetMs = signedDuration(tokens)
  return modify(expr, tokens.spanFrom(expr.span), 'offset', selector => {
    if (selector.offsetMs !== 0)
      throw new PromqlSyntaxError('offset may not be set multiple times', tokens.spanFrom(word))
    return { offsetMs }
  })
}

/** `@ 1609746000`, `@ start()` or `@ end()`. */
export function parseAt(tokens: Tokens, expr: Expr): Expr {
  const sign = tokens.next()
  const at = parseTime(tokens)
  return modify(expr, tokens.spanFrom(expr.span), '@', selector => {
    if (selector.at !== undefined)
      throw new PromqlSyntaxError('@ <timestamp> may not be set multiple times', tokens.spanFrom(sign))
    return { at }
  })
}

type Modified = VectorSelector | Subquery

function modify(
  expr: Expr,
  span: Span,
  modifier: string,
  change: (selector: Modified) => Partial<Pick<VectorSelector, 'offsetMs' | 'at'>>,
): Expr {
  if (expr.type === 'selector' || expr.type === 'subquery') return { ...expr, ...change(expr), span }
  if (expr.type === 'range') {
    const selector = { ...expr.selector, ...change(expr.selector) }
    return { ...expr, selector, span }
  }
  throw new PromqlSyntaxError(
    `${modifier} modifier must be preceded by an instant vector selector or range vector selector or a subquery`,
    span,
    'Put it directly behind the selector, inside the function call.',
  )
}

function parseTime(tokens: Tokens): At {
  for (const kind of ['start', 'end'] as const) {
    if (!tokens.atWord(kind) || !tokens.symbolFollows('(')) continue
    tokens.next()
    tokens.next()
    tokens.expect(')', `in @ ${kind}()`)
    return { kind }
  }
  const first = tokens.peek
  const negative = takeSign(tokens)
  const word = tokens.peek
  const seconds =
    word.kind === 'number'
      ? parseNumber(word.text)
      : tokens.atWord('inf') || tokens.atWord('nan')
        ? NaN
        : word.kind === 'duration'
          ? durationMs(word) / 1000
          : undefined
  if (seconds === undefined) throw tokens.unexpected('in @', 'timestamp, start() or end()')
  tokens.next()
  const ms = Math.round((negative ? -seconds : seconds) * 1000)
  if (!(Math.abs(ms) <= MAX_MS))
    throw new PromqlSyntaxError(
      `timestamp out of bounds for @ modifier: ${word.text}`,
      tokens.spanFrom(first),
    )
  return { kind: 'time', ms }
}

function positiveDuration(tokens: Tokens, where: string): number {
  const token = tokens.peek
  if (token.kind !== 'number' && token.kind !== 'duration') {
    if (token.kind === 'identifier' || ['(', '+', '-'].some(symbol => tokens.atSymbol(symbol)))
      throw experimental('duration arithmetic', token)
    throw tokens.unexpected(`in ${where}`, 'duration')
  }
  const ms = durationMs(token)
  tokens.next()
  if (ms <= 0) throw new PromqlSyntaxError('duration must be greater than 0', token)
  refuseArithmetic(tokens)
  return ms
}

function signedDuration(tokens: Tokens): number {
  const negative = takeSign(tokens)
  const token = tokens.peek
  if (token.kind !== 'number' && token.kind !== 'duration') {
    if (token.kind === 'identifier' || tokens.atSymbol('(')) throw experimental('duration arithmetic', token)
    throw tokens.unexpected('in offset', 'duration')
  }
  const ms = durationMs(token)
  tokens.next()
  return negative && ms !== 0 ? -ms : ms
}

function takeSign(tokens: Tokens): boolean {
  const negative = tokens.atSymbol('-')
  if (negative || tokens.atSymbol('+')) tokens.next()
  return negative
}

/** Whole milliseconds of a duration, or of a number of seconds. */
function durationMs(token: Token): number {
  const ms =
    token.kind === 'duration' ? parseDurationMs(token.text) : Math.round(parseNumber(token.text) * 1000)
  if (ms === undefined) throw badDuration(token)
  if (!(ms <= MAX_MS)) throw new PromqlSyntaxError('duration out of range', token)
  return ms
}

function refuseArithmetic(tokens: Tokens): void {
  if (['+', '-', '*', '/', '%', '^'].some(symbol => tokens.atSymbol(symbol)))
    throw experimental('duration arithmetic', tokens.peek)
}

/** The refusal of a duration whose units are out of order or repeated. */
export const badDuration = (token: Token): PromqlSyntaxError =>
  new PromqlSyntaxError(
    `not a valid duration string: "${token.text}"`,
    token,
    'Units go from large to small, each once: 1h30m.',
  )
