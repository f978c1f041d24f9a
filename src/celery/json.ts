/**
 * Reads JSON as Python's `json` writes it: `NaN`, `Infinity` and `-Infinity` may stand bare (celery-wire.md section 3). `NaN`
 * becomes null, since JSON has no word for it; the infinities become themselves. Throws SyntaxError as `JSON.parse` does.
 */
export function parsePythonJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    if (!text.includes('NaN') && !text.includes('Infinity')) throw error
    return JSON.parse(replaceBareNumbers(text)) as unknown
  }
}

const BARE_NUMBER = /-?\b(?:NaN|Infinity)\b/g
/** Overflows to Infinity in every JSON reader. */
const OVERFLOW = '1e999'

function replaceBareNumbers(text: string): string {
  let result = ''
  let at = 0
  while (at < text.length) {
    const quote = text.indexOf('"', at)
    const outsideEnd = quote < 0 ? text.length : quote
    result += text
      .slice(at, outsideEnd)
      .replace(BARE_NUMBER, word =>
        word.endsWith('NaN') ? 'null' : word.startsWith('-') ? `-${OVERFLOW}` : OVERFLOW,
      )
    if (quote < 0) break
    const end = endOfString(text, quote)
    result += text.slice(quote, end)
    at = end
  }
  return result
}

/** The index after the closing quote of the string that opens at `open`, or the text's end. */
function endOfString(text: string, open: number): number {
  for (let close = text.indexOf('"', open + 1); close >= 0; close = text.indexOf('"', close + 1)) {
    let slashes = 0
    while (text[close - 1 - slashes] === '\\') slashes++
    if (slashes % 2 === 0) return close + 1
  }
  return text.length
}

/**
 * Writes JSON as Python's `json.dumps` does by default: `, ` and `: ` between parts, everything beyond ASCII escaped, `NaN` and
 * `Infinity` bare. Undefined values of objects are left out. Throws TypeError on what JSON cannot hold (functions, symbols).
 */
export function writePythonJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return quote(value)
    case 'number':
      return String(value)
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'undefined':
      return 'null'
    case 'object':
      break
    case 'function':
    case 'symbol':
      throw new TypeError(`JSON cannot hold a ${typeof value}`)
  }
  if (value === null) return 'null'
  if (Array.isArray(value)) return `[${value.map(writePythonJson).join(', ')}]`
  let pairs = ''
  for (const key of Object.keys(value)) {
    const part = (value as Readonly<Record<string, unknown>>)[key]
    if (part !== undefined) pairs += `${pairs === '' ? '' : ', '}${quote(key)}: ${writePythonJson(part)}`
  }
  return `{${pairs}}`
}

const BEYOND_ASCII = /[\u007f-\uffff]/g

/** Nearly every text of a message: nothing in it is escaped. */
const PLAIN = /^[ !#-[\]-~]*$/

const quote = (text: string): string =>
  PLAIN.test(text)
    ? `"${text}"`
    : JSON.stringify(text).replace(
        BEYOND_ASCII,
        character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
      )

/** True for a JSON object: neither null nor an array. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What a value is, in JSON's words, for messages about wrong input; never the value itself. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
