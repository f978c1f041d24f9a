/**
 * Finds values inside JSON text without parsing what lies around them. Positions are indexes into the text; -1 means "not there".
 * Text that is no JSON gives -1 or a position of something that is no value, never an exception; time is linear in what is passed over.
 */

const QUOTE = 34
const COMMA = 44
const COLON = 58
const OPEN_LIST = 91
const BACKSLASH = 92
const CLOSE_LIST = 93
const OPEN_OBJECT = 123
const CLOSE_OBJECT = 125

/** The start of the value of `key` in the object that begins at `at`; the first, when the key stands there twice. */
export function memberStart(text: string, at: number, key: string): number {
  let next = skipSpace(text, at)
  if (at < 0 || text.charCodeAt(next) !== OPEN_OBJECT) return -1
  next = skipSpace(text, next + 1)
  while (text.charCodeAt(next) === QUOTE) {
    const keyEnd = stringEnd(text, next)
    const colon = skipSpace(text, keyEnd)
    if (keyEnd < 0 || text.charCodeAt(colon) !== COLON) return -1
    const value = skipSpace(text, colon + 1)
    if (stringAt(text, next) === key) return value
    const end = skipSpace(text, valueEnd(text, value))
    if (end < 0 || text.charCodeAt(end) !== COMMA) return -1
    next = skipSpace(text, end + 1)
  }
  return -1
}

/** The starts of the first `count` elements of the list that begins at `at`; fewer when it has fewer or breaks off. */
export function elementStarts(text: string, at: number, count: number): readonly number[] {
  const starts: number[] = []
  let next = skipSpace(text, at)
  if (at < 0 || text.charCodeAt(next) !== OPEN_LIST) return starts
  next = skipSpace(text, next + 1)
  if (text.charCodeAt(next) === CLOSE_LIST) return starts
  while (next >= 0 && next < text.length && starts.push(next) < count) {
    const end = skipSpace(text, valueEnd(text, next))
    if (end < 0 || text.charCodeAt(end) !== COMMA) break
    next = skipSpace(text, end + 1)
  }
  return starts
}

/** The string that begins at `at`, cut to `maxLength` characters as they stand in the text; undefined when there is none. */
export function stringAt(text: string, at: number, maxLength = Number.POSITIVE_INFINITY): string | undefined {
  if (at < 0 || text.charCodeAt(at) !== QUOTE) return undefined
  const end = stringEnd(text, at)
  if (end < 0) return undefined
  const raw = text.slice(at + 1, Math.min(end - 1, at + 1 + maxLength))
  if (!raw.includes('\\')) return raw
  try {
    return JSON.parse(`"${raw}"`) as string
  } catch {
    // Cut in the middle of an escape, or no JSON.
    return undefined
  }
}

function skipSpace(text: string, at: number): number {
  if (at < 0) return -1
  let next = at
  for (;;) {
    const code = text.charCodeAt(next)
    if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return next
    next++
  }
}

/** The index after the closing quote of the string that opens at `open`, or -1. */
function stringEnd(text: string, open: number): number {
  for (let close = text.indexOf('"', open + 1); close >= 0; close = text.indexOf('"', close + 1)) {
    let slashes = 0
    while (text.charCodeAt(close - 1 - slashes) === BACKSLASH && close - 1 - slashes > open) slashes++
    if (slashes % 2 === 0) return close + 1
  }
  return -1
}

/** The index after the value that begins at `at`, or -1 when it breaks off. */
function valueEnd(text: string, at: number): number {
  const first = text.charCodeAt(at)
  if (first === QUOTE) return stringEnd(text, at)
  let depth = 0
  for (let next = at; next < text.length; next++) {
    switch (text.charCodeAt(next)) {
      case QUOTE:
        next = stringEnd(text, next) - 1
        if (next < 0) return -1
        break
      case OPEN_LIST:
      case OPEN_OBJECT:
        depth++
        break
      case CLOSE_LIST:
      case CLOSE_OBJECT:
        if (depth === 0) return next
        if (--depth === 0) return next + 1
        break
      case COMMA:
        if (depth === 0) return next
        break
      default:
    }
  }
  return -1
}
