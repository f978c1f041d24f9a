import { formatExponent, formatFixed, formatGeneral } from './numbers.ts'
import { isMap, printValue, TemplateTime, typeName, type Value } from './value.ts'

interface Directive {
  readonly flags: string
  readonly width: number
  readonly precision: number | undefined
  readonly verb: string
}

/** `%` flags, width and precision; the verb may be any character, also a missing one. */
const DIRECTIVE = /%([-+# 0]*)(\d{0,4})(?:\.(\d{0,4}))?([^]?)/gu

/**
 * Go's `fmt.Sprintf` for the values that templates have. Mistakes are written into the text, as Go does: `%!d(float64=1.5)`,
 * `%!s(MISSING)`, `%!(EXTRA int=1)`.
 */
export function sprintf(format: string, args: readonly Value[]): string {
  let next = 0
  const text = format.replace(
    DIRECTIVE,
    (_whole, flags: string, width: string, precision: string | undefined, verb: string) => {
      if (verb === '') return '%!(NOVERB)'
      if (verb === '%') return '%'
      if (next >= args.length) return `%!${verb}(MISSING)`
      const directive = {
        flags,
        width: Number(width || 0),
        precision: precision === undefined ? undefined : Number(precision || 0),
        verb,
      }
      return formatOne(directive, args[next++])
    },
  )
  if (next >= args.length) return text
  const extra = args
    .slice(next)
    .map(value => (value === undefined ? '<nil>' : `${typeName(value)}=${printValue(value)}`))
  return `${text}%!(EXTRA ${extra.join(', ')})`
}

function formatOne(directive: Directive, value: Value): string {
  const { flags, verb, precision } = directive
  if (verb === 'T') return pad(typeName(value), directive)
  if (value === undefined) return verb === 'v' ? pad('<nil>', directive) : `%!${verb}(<nil>)`
  if (verb === 'v') {
    // `%+v` asks for field names, not for a sign.
    const unsigned = { ...directive, flags: flags.replaceAll('+', '') }
    if (typeof value === 'number') return number(formatGeneral(value, precision), unsigned)
    if (typeof value === 'bigint') return number(value.toString(), unsigned)
    if (typeof value === 'string' && flags.includes('#')) return pad(quote(value), directive)
    return pad(truncate(printValue(value), typeof value === 'string' ? precision : undefined), directive)
  }
  if (typeof value === 'string') return formatString(directive, value)
  if (typeof value === 'number') return formatFloat(directive, value)
  if (typeof value === 'bigint') return formatInteger(directive, value)
  if (typeof value === 'boolean') return verb === 't' ? pad(String(value), directive) : bad(directive, value)
  if (verb === 's' && (isMap(value) || value instanceof TemplateTime))
    return pad(printValue(value), directive)
  return bad(directive, value)
}

const bad = ({ verb }: Directive, value: Value): string =>
  `%!${verb}(${typeName(value)}=${printValue(value)})`

function formatString(directive: Directive, value: string): string {
  const text = truncate(value, directive.precision)
  switch (directive.verb) {
    case 's':
      return pad(text, directive)
    case 'q':
      return pad(
        directive.flags.includes('#') && !text.includes('`') ? `\`${text}\`` : quote(text),
        directive,
      )
    case 'x':
    case 'X': {
      const hex = [...new TextEncoder().encode(text)].map(byte => byte.toString(16).padStart(2, '0')).join('')
      return pad(directive.verb === 'X' ? hex.toUpperCase() : hex, directive)
    }
    default:
      return bad(directive, value)
  }
}

function formatFloat(directive: Directive, value: number): string {
  const { verb, precision } = directive
  switch (verb) {
    case 'f':
    case 'F':
      return number(formatFixed(value, precision ?? 6), directive)
    case 'e':
    case 'E': {
      const text = formatExponent(value, precision ?? 6)
      return number(verb === 'E' ? text.replace('e', 'E') : text, directive)
    }
    case 'g':
    case 'G': {
      const text = formatGeneral(value, precision)
      return number(verb === 'G' ? text.replace('e', 'E') : text, directive)
    }
    default:
      return bad(directive, value)
  }
}

function formatInteger(directive: Directive, value: bigint): string {
  const { verb, flags } = directive
  const alternate = (prefix: string): string => (flags.includes('#') ? prefix : '')
  const based = (base: number, prefix: string): string => {
    const digits = (value < 0n ? -value : value).toString(base)
    return `${value < 0n ? '-' : ''}${alternate(prefix)}${digits}`
  }
  switch (verb) {
    case 'd':
      return number(value.toString(), directive)
    case 'b':
      return number(based(2, '0b'), directive)
    case 'o':
      return number(based(8, '0'), directive)
    case 'x':
      return number(based(16, '0x'), directive)
    case 'X':
      return number(based(16, '0x').toUpperCase(), directive)
    case 'c':
    case 'q':
    case 'U': {
      const code = value >= 0n && value <= 0x10ffffn ? Number(value) : 0xfffd
      if (verb === 'U') return pad(`U+${code.toString(16).toUpperCase().padStart(4, '0')}`, directive)
      const char = String.fromCodePoint(code)
      return pad(verb === 'c' ? char : `'${char === "'" ? "\\'" : quote(char).slice(1, -1)}'`, directive)
    }
    default:
      return bad(directive, value)
  }
}

const truncate = (text: string, length: number | undefined): string =>
  length === undefined ? text : Array.from(text).slice(0, length).join('')

function pad(text: string, { flags, width }: Directive): string {
  const missing = width - Array.from(text).length
  if (missing <= 0) return text
  return flags.includes('-') ? text + ' '.repeat(missing) : ' '.repeat(missing) + text
}

function number(text: string, directive: Directive): string {
  const { flags, width } = directive
  let signed = text
  if (/^\+?Inf$/.test(text)) signed = flags.includes('+') || directive.verb !== 'd' ? '+Inf' : 'Inf'
  else if (!text.startsWith('-') && text !== 'NaN') {
    if (flags.includes('+')) signed = `+${text}`
    else if (flags.includes(' ')) signed = ` ${text}`
  }
  const missing = width - signed.length
  if (missing <= 0 || !flags.includes('0') || flags.includes('-') || /Inf|NaN/.test(text))
    return pad(signed, directive)
  const lead = /^[-+ ]?/.exec(signed)?.[0] ?? ''
  return lead + '0'.repeat(missing) + signed.slice(lead.length)
}

const ESCAPED: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
}

/** A Go string literal (Go `strconv.Quote`). */
export function quote(text: string): string {
  let quoted = ''
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0
    const isPrintable = char === ' ' || /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(char)
    if (ESCAPED[char] !== undefined) quoted += ESCAPED[char]
    else if (isPrintable) quoted += char
    else if (code < 0x80) quoted += `\\x${code.toString(16).padStart(2, '0')}`
    else
      quoted +=
        code > 0xffff
          ? `\\U${code.toString(16).padStart(8, '0')}`
          : `\\u${code.toString(16).padStart(4, '0')}`
  }
  return `"${quoted}"`
}
