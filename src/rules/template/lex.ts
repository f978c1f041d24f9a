/** A fault in a template, found while it is read or while it is run. */
export class TemplateError extends Error {}

/** What stands between two texts: the tokens of one `{{ action }}`. */
export interface Token {
  readonly kind:
    | 'identifier'
    | 'field'
    | 'variable'
    | 'number'
    | 'char'
    | 'string'
    | 'pipe'
    | 'comma'
    | 'declare'
    | 'assign'
    | 'open'
    | 'close'
    | 'dot'
    | 'space'
    | 'end'
  /** As it is written. */
  readonly text: string
  readonly at: number
}

export type Item =
  | { readonly kind: 'text'; readonly text: string; readonly at: number }
  | { readonly kind: 'action'; readonly tokens: readonly Token[]; readonly at: number }

const SPACE = /[ \t\r\n]/
const WORD = /[\p{L}\p{Nd}_]/u
const NUMBER = /^[+-]?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/
const LEFT_TRIM = /^-[ \t\r\n]/
const LEADING_SPACE = /^[ \t\r\n]+/
const TRAILING_SPACE = /[ \t\r\n]+$/

/**
 * Splits a Go template into text and actions (Go `text/template/parse/lex.go`): comments are gone, and the white space that
 * `{{-` and `-}}` take is taken.
 */
export function lex(text: string): readonly Item[] {
  const items: Item[] = []
  let at = 0
  let trimNext = false
  while (at < text.length) {
    const open = text.indexOf('{{', at)
    const end = open < 0 ? text.length : open
    let piece = text.slice(at, end)
    let start = at
    if (trimNext) {
      const lead = LEADING_SPACE.exec(piece)?.[0].length ?? 0
      piece = piece.slice(lead)
      start += lead
    }
    const isTrimmed = open >= 0 && LEFT_TRIM.test(text.slice(open + 2, open + 4))
    if (isTrimmed) piece = piece.replace(TRAILING_SPACE, '')
    if (piece !== '') items.push({ kind: 'text', text: piece, at: start })
    if (open < 0) break
    const inside = open + 2 + (isTrimmed ? 2 : 0)
    const closed = text.startsWith('/*', inside) ? lexComment(text, inside) : lexAction(text, inside, items)
    trimNext = closed.trim
    at = closed.at
  }
  return items
}

/** Where an action ended, and whether its `-}}` takes the white space behind it. */
interface Closed {
  readonly at: number
  readonly trim: boolean
}

function closing(text: string, at: number): Closed | undefined {
  if (text.startsWith('}}', at)) return { at: at + 2, trim: false }
  if (SPACE.test(text[at] ?? '') && text.startsWith('-}}', at + 1)) return { at: at + 4, trim: true }
  return undefined
}

function lexComment(text: string, at: number): Closed {
  const end = text.indexOf('*/', at)
  if (end < 0) throw new TemplateError('unclosed comment')
  const closed = closing(text, end + 2)
  if (closed === undefined) throw new TemplateError('comment ends before closing delimiter')
  return closed
}

function lexAction(text: string, start: number, items: Item[]): Closed {
  const tokens: Token[] = []
  let at = start
  let depth = 0
  const push = (kind: Token['kind'], length: number): void => {
    tokens.push({ kind, text: text.slice(at, at + length), at })
    at += length
  }
  for (;;) {
    const closed = closing(text, at)
    if (closed !== undefined) {
      if (depth > 0) throw new TemplateError('unclosed left paren')
      tokens.push({ kind: 'end', text: '', at })
      items.push({ kind: 'action', tokens, at: start })
      return closed
    }
    const char = text[at]
    if (char === undefined) throw new TemplateError('unclosed action')
    if (SPACE.test(char)) {
      let length = 0
      // The space in front of a closing `-}}` belongs to it.
      while (SPACE.test(text[at + length] ?? '') && closing(text, at + length) === undefined) length++
      push('space', length)
    } else if (char === '"' || char === '`' || char === "'")
      push(char === "'" ? 'char' : 'string', quoted(text, at))
    else if (char === '|') push('pipe', 1)
    else if (char === ',') push('comma', 1)
    else if (text.startsWith(':=', at)) push('declare', 2)
    else if (char === '=') push('assign', 1)
    else if (char === '(') {
      depth++
      push('open', 1)
    } else if (char === ')') {
      depth--
      push('close', 1)
    } else if (char === '.' && !/\d/.test(text[at + 1] ?? '')) {
      const length = word(text, at + 1)
      push(length === 0 ? 'dot' : 'field', length + 1)
    } else if (char === '$') push('variable', 1 + word(text, at + 1))
    else if (/[\d+.-]/.test(char)) {
      const number = NUMBER.exec(text.slice(at, at + 64))?.[0]
      if (number === undefined || WORD.test(text[at + number.length] ?? ''))
        throw new TemplateError(
          `bad number syntax: ${JSON.stringify(text.slice(at, at + (number?.length ?? 0) + 1))}`,
        )
      push('number', number.length)
    } else if (WORD.test(char)) push('identifier', word(text, at))
    else throw new TemplateError(`unexpected bad character U+${codePoint(char)} '${char}'`)
  }
}

const codePoint = (char: string): string =>
  (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')

function word(text: string, at: number): number {
  let length = 0
  while (WORD.test(text[at + length] ?? '')) length++
  return length
}

function quoted(text: string, at: number): number {
  const quote = text[at]
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === '\\' && quote !== '`') i++
    else if (text[i] === quote) return i + 1 - at
    else if (text[i] === '\n' && quote !== '`') break
  }
  if (quote === '`') throw new TemplateError('unterminated raw quoted string')
  throw new TemplateError(quote === '"' ? 'unterminated quoted string' : 'unterminated character constant')
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
}

/** The value of a quoted token (Go `strconv.Unquote`). */
export function unquote(token: string): string {
  if (token.startsWith('`')) return token.slice(1, -1).replaceAll('\r', '')
  const body = token.slice(1, -1)
  return body.replace(
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([^]))/g,
    (
      whole,
      hex: string | undefined,
      short: string | undefined,
      long: string | undefined,
      octal,
      plain: string,
    ) => {
      const code = hex ?? short ?? long
      if (code !== undefined) return String.fromCodePoint(Number.parseInt(code, 16))
      if (octal !== undefined) return String.fromCodePoint(Number.parseInt(String(octal), 8))
      const escaped = ESCAPES[plain]
      if (escaped === undefined) throw new TemplateError(`invalid syntax in ${whole}`)
      return escaped
    },
  )
}
