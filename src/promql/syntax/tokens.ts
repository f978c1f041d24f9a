import type { Span } from './ast.ts'
import { PromqlSyntaxError } from './error.ts'
import type { Token } from './lexer.ts'
import { unquote } from './literals.ts'

const LABEL_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** A cursor over tokens with the questions and demands that parsing needs. */
export class Tokens {
  readonly #tokens: readonly Token[]
  readonly #end: Token
  #at = 0

  /** The last token must be of kind `end`. */
  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
    const end = tokens.at(-1)
    if (end === undefined) throw new RangeError('a token list ends with an end token')
    this.#end = end
  }

  get peek(): Token {
    return this.#tokens[this.#at] ?? this.#end
  }

  get atEnd(): boolean {
    return this.peek.kind === 'end'
  }

  next(): Token {
    const token = this.peek
    if (this.#at < this.#tokens.length - 1) this.#at++
    return token
  }

  atSymbol(text: string): boolean {
    return this.peek.kind === 'symbol' && this.peek.text === text
  }

  /** Keywords are words in any case. */
  atWord(word: string): boolean {
    return this.peek.kind === 'identifier' && this.peek.text.toLowerCase() === word
  }

  symbolFollows(text: string): boolean {
    const token = this.#tokens[this.#at + 1]
    return token?.kind === 'symbol' && token.text === text
  }

  wordFollows(word: string): boolean {
    const token = this.#tokens[this.#at + 1]
    return token?.kind === 'identifier' && token.text.toLowerCase() === word
  }

  /** From the start of something to the end of the token consumed last. */
  spanFrom(first: Span): Span {
    const last = this.#tokens[this.#at - 1] ?? this.#end
    // The cursor stays on the end token, so a consumed end is not stepped over.
    return { start: first.start, end: Math.max(first.end, last.end), line: first.line, column: first.column }
  }

  expect(text: string, where: string): Token {
    if (!this.atSymbol(text)) throw this.unexpected(where, `"${text}"`)
    return this.next()
  }

  /** The error for the token at hand, in Prometheus' words where its lexer gives up before its parser does. */
  unexpected(where: string, expected?: string): PromqlSyntaxError {
    const token = this.peek
    if (token.kind === 'end') {
      const unclosed = this.unclosed()
      if (unclosed !== undefined) return unclosed
    } else if (this.#innermostOpen() === '{' && (token.kind === 'number' || token.kind === 'duration'))
      return new PromqlSyntaxError(`unexpected character inside braces: '${token.text[0] ?? ''}'`, token)
    const what = token.kind === 'end' ? 'end of input' : `${NAMES[token.kind]} ${JSON.stringify(token.text)}`
    const wish = expected === undefined ? '' : `, expected ${expected}`
    return new PromqlSyntaxError(`unexpected ${what} ${where}${wish}`, token)
  }

  /** The bracket that stands open where the cursor is; braces hold no other, and a parenthesis goes before a bracket. */
  #innermostOpen(): keyof typeof UNCLOSED | undefined {
    const open = { '{': 0, '(': 0, '[': 0 }
    for (const { kind, text } of this.#tokens.slice(0, this.#at)) {
      if (kind !== 'symbol') continue
      if (text === '{' || text === '(' || text === '[') open[text]++
      else if (text === '}') open['{']--
      else if (text === ')') open['(']--
      else if (text === ']') open['[']--
    }
    return (['{', '(', '['] as const).find(bracket => open[bracket] > 0)
  }

  /** The error for an end of input at which a bracket stands open. */
  unclosed(): PromqlSyntaxError | undefined {
    const open = this.#innermostOpen()
    return open === undefined ? undefined : new PromqlSyntaxError(UNCLOSED[open], this.#end)
  }

  /** Consumes a string token and gives its value. */
  string(): string {
    const token = this.next()
    const result = unquote(token.text)
    if ('problem' in result) throw new PromqlSyntaxError(result.problem, token)
    return result.value
  }

  /** `(a, "b.c", …)` with an optional comma at the end. */
  labelList(where: string): readonly string[] {
    this.expect('(', `in ${where}`)
    const labels: string[] = []
    while (!this.atSymbol(')')) {
      labels.push(this.labelName(where))
      if (!this.atSymbol(')')) this.expect(',', `in ${where}`)
    }
    this.next()
    return labels
  }

  /** A label name, bare or quoted; any non-empty text may be quoted (UTF-8 names of Prometheus 3). */
  labelName(where: string): string {
    const token = this.peek
    if (token.kind === 'string') {
      const name = this.string()
      if (name === '') throw new PromqlSyntaxError('a label name must not be empty', token)
      return name
    }
    if (token.kind !== 'identifier' || !LABEL_NAME.test(token.text))
      throw this.unexpected(`in ${where}`, 'label')
    return this.next().text
  }
}

const UNCLOSED = {
  '{': 'unexpected end of input inside braces',
  '(': 'unclosed left parenthesis',
  '[': 'unclosed left bracket',
} as const

const NAMES: Readonly<Record<Token['kind'], string>> = {
  number: 'number',
  duration: 'duration',
  string: 'string',
  identifier: 'identifier',
  symbol: 'character',
  end: 'end of input',
}
