import type { Span } from './ast.ts'
import { PromqlSyntaxError } from './error.ts'

type TokenKind = 'number' | 'duration' | 'string' | 'identifier' | 'symbol' | 'end'

/** One word of the source. `text` is the source itself; `end` is the empty token after the last. */
export interface Token extends Span {
  readonly kind: TokenKind
  readonly text: string
}

const SPACE = /[ \t\r\n]+|#[^\n]*/y
const IDENTIFIER = /[A-Za-z_:][A-Za-z0-9_:]*/y
const DURATION = /(?:[0-9]+(?:ms|[ywdhms]))+(?![A-Za-z0-9_.])/y
const NUMBER =
  /(?:0[xX](?:_?[0-9a-fA-F])+|(?:[0-9]+(?:_[0-9]+)*(?:\.(?:[0-9]+(?:_[0-9]+)*)?)?|\.[0-9]+(?:_[0-9]+)*)(?:[eE][+-]?[0-9]+)?)(?![A-Za-z0-9_])/y
const NUMBER_LIKE = /[A-Za-z0-9_.]+/y
const SYMBOL = /==|!=|<=|>=|=~|!~|[+\-*/%^<>=,(){}[\]:@]/y

/**
 * Splits PromQL source into tokens; comments and white space separate them. Whether an identifier is a keyword is the
 * parser's business, because most keywords may also be names.
 *
 * @throws PromqlSyntaxError
 */
export function lex(source: string): readonly Token[] {
  const tokens: Token[] = []
  let at = 0
  let line = 1
  let lineStart = 0
  let brackets = 0

  const span = (end: number): Span => ({ start: at, end, line, column: at - lineStart + 1 })
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    return pattern.exec(source)?.[0]
  }
  const advance = (text: string): void => {
    for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) {
      line++
      lineStart = at + i + 1
    }
    at += text.length
  }
  const push = (kind: TokenKind, text: string): void => {
    tokens.push({ kind, text, ...span(at + text.length) })
    advance(text)
  }

  while (at < source.length) {
    const char = source[at] ?? ''
    const space = match(SPACE)
    if (space !== undefined) {
      advance(space)
    } else if (char === '"' || char === "'" || char === '`') {
      const end = stringEnd(source, at)
      if (end === undefined)
        throw new PromqlSyntaxError('unterminated quoted string', span(source.length), 'Close the quote.')
      push('string', source.slice(at, end))
    } else if (isDigit(char) || (char === '.' && isDigit(source[at + 1] ?? ''))) {
      const duration = match(DURATION)
      const number = duration === undefined ? match(NUMBER) : undefined
      const text = duration ?? number
      if (text === undefined) {
        const wrong = match(NUMBER_LIKE) ?? char
        throw new PromqlSyntaxError(
          `bad number or duration syntax: ${JSON.stringify(wrong)}`,
          span(at + wrong.length),
          'Numbers look like 1.5, 1e3 or 0x1f; durations like 5m or 1h30m.',
        )
      }
      push(duration === undefined ? 'number' : 'duration', text)
    } else {
      // In brackets a colon separates range and step; elsewhere it may begin a recorded metric's name.
      const identifier = brackets > 0 && char === ':' ? undefined : match(IDENTIFIER)
      if (identifier !== undefined) {
        push('identifier', identifier)
        continue
      }
      const symbol = match(SYMBOL)
      if (symbol === undefined) {
        const wrong = String.fromCodePoint(source.codePointAt(at) ?? 0)
        throw new PromqlSyntaxError(`unexpected character: ${JSON.stringify(wrong)}`, span(at + wrong.length))
      }
      if (symbol === '[') brackets++
      if (symbol === ']') brackets--
      push('symbol', symbol)
    }
  }
  push('end', '')
  return tokens
}

const isDigit = (char: string): boolean => char >= '0' && char <= '9'

/** The offset after the closing quote; undefined when there is none (only back quotes may span lines). */
function stringEnd(source: string, start: number): number | undefined {
  const quote = source[start]
  for (let i = start + 1; i < source.length; i++) {
    const char = source[i]
    if (char === quote) return i + 1
    if (quote === '`') continue
    if (char === '\n') return undefined
    if (char === '\\') i++
  }
  return undefined
}
