import { ESCAPE_DIGITS, type Source } from './source.ts'

/**
 * The value of a YAML or JSON scalar as a text of its own. `raw` is how it is written, from `start`; the characters of the value
 * are found again in it, white space loosely where YAML folds lines.
 */
export function scalarSource(source: Source, start: number, raw: string, value: string): Source {
  const first = raw[0]
  if (first === '"') return source.inner(value, doubleQuoted(raw, value, start), 'double')
  if (first === "'") return source.inner(value, singleQuoted(raw, value, start), 'single')
  if (first === '|') return source.inner(value, literal(raw, value, start), 'block')
  if (first === '>') return source.inner(value, aligned(raw, value, start, raw.indexOf('\n') + 1), 'folded')
  return source.inner(value, aligned(raw, value, start, 0), 'plain')
}

function doubleQuoted(raw: string, value: string, start: number): Int32Array {
  const offsets = new Int32Array(value.length + 1)
  let at = 1
  for (let i = 0; i < value.length; i++) {
    // A line break inside the quotes: folded, or escaped and nothing at all.
    while (raw[at] === '\\' && (raw[at + 1] === '\n' || raw[at + 1] === '\r')) at = skipSpace(raw, at + 1)
    if (isSpace(value[i]) && isSpace(raw[at])) {
      offsets[i] = start + at
      // A fold: one break is a space, each further one is a break.
      if (raw[at] !== '\n' && raw[at] !== '\r') at++
      else if (value[i + 1] === '\n') at = nextLine(raw, at)
      else at = skipSpace(raw, at)
      continue
    }
    if (!isSpace(value[i])) at = skipSpace(raw, at)
    offsets[i] = start + at
    at += raw[at] === '\\' ? 2 + (ESCAPE_DIGITS[raw[at + 1] ?? ''] ?? 0) : 1
  }
  offsets[value.length] = start + Math.max(1, raw.length - 1)
  return offsets
}

function singleQuoted(raw: string, value: string, start: number): Int32Array {
  const offsets = aligned(raw, value, start, 1)
  offsets[value.length] = start + Math.max(1, raw.length - 1)
  return offsets
}

/** A block scalar keeps its lines: each is the end of a line of the file. */
function literal(raw: string, value: string, start: number): Int32Array {
  const offsets = new Int32Array(value.length + 1)
  let at = raw.indexOf('\n') + 1
  let i = 0
  for (const line of value.split('\n')) {
    const stop = raw.indexOf('\n', at)
    const lineEnd = stop < 0 ? raw.length : stop
    const written = raw.slice(at, lineEnd)
    const from = at + Math.max(0, written.trimEnd().length - line.trimEnd().length)
    for (let j = 0; j <= line.length && i <= value.length; j++, i++)
      offsets[i] = start + Math.min(from + j, raw.length)
    at = stop < 0 ? raw.length : stop + 1
  }
  return offsets
}

/** Finds each character of the value in what is written, in order. */
function aligned(raw: string, value: string, start: number, from: number): Int32Array {
  const offsets = new Int32Array(value.length + 1)
  let at = from
  for (let i = 0; i < value.length; i++) {
    if (!isSpace(value[i])) at = skipSpace(raw, at)
    offsets[i] = start + Math.min(at, raw.length)
    if (isSpace(value[i]) && !isSpace(raw[at])) continue
    at += value[i] === "'" && raw[0] === "'" ? 2 : 1
  }
  offsets[value.length] = start + Math.min(at, raw.length)
  return offsets
}

const isSpace = (char: string | undefined): boolean =>
  char === ' ' || char === '\n' || char === '\t' || char === '\r'

function skipSpace(text: string, from: number): number {
  let at = from
  while (isSpace(text[at])) at++
  return at
}

/** The next line break behind one. */
function nextLine(text: string, from: number): number {
  const at = text.indexOf('\n', from + 1)
  return at < 0 ? from + 1 : at
}
