const ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
}

const HEX_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 }
const HIGHEST_CODE_POINT = 0x10ffff
const SURROGATES = { first: 0xd800, last: 0xdfff }

/**
 * The value of a quoted string as it stands in the source, or what is wrong with it. Double and single quotes know Go's
 * escapes (of the quotes only their own), back quotes none (Prometheus `util/strutil` Unquote). Bytes written as `\xff` or
 * `\377` that are no UTF-8 become U+FFFD.
 */
export function unquote(source: string): { readonly value: string } | { readonly problem: string } {
  const mark = source[0] ?? ''
  const body = source.slice(1, -1)
  if (mark === '`' || !body.includes('\\')) return { value: body }
  let value = ''
  let bytes: number[] = []
  const flush = (): void => {
    if (bytes.length > 0) value += new TextDecoder().decode(Uint8Array.from(bytes))
    bytes = []
  }
  for (let i = 0; i < body.length; i++) {
    const char = body[i] ?? ''
    if (char !== '\\') {
      flush()
      value += char
      continue
    }
    const escape = body[++i] ?? ''
    const octal = /^[0-7]{3}/.exec(body.slice(i, i + 3))?.[0]
    const width = HEX_DIGITS[escape]
    const known = ESCAPES[escape]
    if (known !== undefined || escape === mark) {
      flush()
      value += known ?? mark
    } else if (octal !== undefined && Number.parseInt(octal, 8) <= 0xff) {
      bytes.push(Number.parseInt(octal, 8))
      i += 2
    } else if (width !== undefined) {
      const digits = body.slice(i + 1, i + 1 + width)
      const code = /^[0-9a-fA-F]+$/.test(digits) && digits.length === width ? Number.parseInt(digits, 16) : -1
      const surrogate = width > 2 && code >= SURROGATES.first && code <= SURROGATES.last
      if (code < 0 || code > HIGHEST_CODE_POINT || surrogate)
        return { problem: `invalid escape sequence \\${escape}${digits} in string` }
      i += width
      if (width === 2) {
        bytes.push(code)
      } else {
        flush()
        value += String.fromCodePoint(code)
      }
    } else {
      return { problem: `unknown escape sequence \\${escape} in string` }
    }
  }
  flush()
  return { value }
}

/** A string as PromQL source, in double quotes; `unquote` gives it back. */
export function quote(value: string): string {
  let text = '"'
  for (const char of value) {
    const code = char.codePointAt(0) ?? 0
    if (char === '"' || char === '\\') text += `\\${char}`
    else if (char === '\n') text += '\\n'
    else if (char === '\r') text += '\\r'
    else if (char === '\t') text += '\\t'
    else if (code < 0x20 || code === 0x7f) text += `\\x${code.toString(16).padStart(2, '0')}`
    else text += char
  }
  return `${text}"`
}

/** The value of a numeric token; underscores are allowed, a leading 0 means octal where the digits allow (Go base 0). */
export function parseNumber(source: string): number {
  const text = source.replaceAll('_', '')
  if (/^0[0-7]+$/.test(text)) return Number.parseInt(text, 8)
  return Number(text)
}

/**
 * A sample value as Prometheus writes it: shortest form, exponent below 1e-6 and from 1e21, `+Inf`, `-Inf`, `NaN`
 * (`util/jsonutil` MarshalFloat; Go writes at least two digits of exponent).
 */
export function formatValue(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (value === Infinity) return '+Inf'
  if (value === -Infinity) return '-Inf'
  if (Object.is(value, -0)) return '-0'
  const text = String(value)
  const exponent = text.indexOf('e')
  if (exponent < 0 || text.length - exponent > 3) return text
  return `${text.slice(0, exponent + 2)}0${text.slice(exponent + 2)}`
}

/** A sample value without an exponent, as `count_values` labels it (Go 'f' format, shortest digits). */
export function formatPlain(value: number): string {
  const text = formatValue(value)
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-])(\d+)$/.exec(text)
  if (match === null) return text
  const [, sign = '', first = '', rest = '', direction, exponent] = match
  const shift = Number(exponent)
  if (direction === '-') return `${sign}0.${'0'.repeat(shift - 1)}${first}${rest}`
  return `${sign}${first}${rest.padEnd(shift, '0')}`
}
