/**
 * Reads the text formats that Prometheus reads: 0.0.4 and OpenMetrics 1.0 (documents "Exposition formats" and "OpenMetrics", ABNF),
 * with quoted UTF-8 names as Prometheus 3 writes them. What it is given comes from the network: every length is bounded, nothing is
 * evaluated, and a fault names its line.
 */

export interface ExposedSample {
  readonly name: string
  /** Without prototype, so any label name is safe. */
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  /** When the server says the value was taken, epoch ms; null when it does not. */
  readonly timestampMs: number | null
}

/** Not an exposition; the message says where, and repeats a short piece of the line. */
export class ExpositionError extends Error {
  override readonly name = 'ExpositionError'
  /** Counted from 1. */
  readonly line: number

  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`)
    this.line = line
  }
}

export interface ExpositionReader {
  readonly openMetrics?: boolean
  /** Samples of other metrics are passed over, read no further than their name. Default: all are wanted. */
  readonly wants?: (name: string) => boolean
  sample(sample: ExposedSample): void
  /** `# TYPE`, `# HELP` and `# UNIT`; help comes unescaped. */
  describe?(kind: 'TYPE' | 'HELP' | 'UNIT', name: string, text: string, line: number): void
}

export interface ExpositionParser {
  /** Takes the text as it comes, cut anywhere. Throws ExpositionError. */
  push(text: string): void
  /** Takes the last line; the text formats end it with a line feed, but as in Prometheus it may lack. Throws ExpositionError. */
  end(): void
}

/** No honest line is as long. */
const MAX_LINE_LENGTH = 1024 * 1024
const MAX_LABELS = 200
const QUOTED_LENGTH = 60

/** A parser for one exposition. */
export function createExpositionParser(reader: ExpositionReader): ExpositionParser {
  let rest = ''
  let line = 0
  let ended = false

  const take = (text: string): void => {
    line++
    if (ended) throw new ExpositionError(line, 'something follows # EOF')
    if (text === '# EOF' && reader.openMetrics === true) ended = true
    else readLine(text, line, reader)
  }
  return {
    push(text) {
      let from = 0
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
        take(rest + text.slice(from, at))
        rest = ''
        from = at + 1
      }
      rest += text.slice(from)
      if (rest.length > MAX_LINE_LENGTH)
        throw new ExpositionError(line + 1, `longer than ${MAX_LINE_LENGTH} characters`)
    },
    end() {
      if (rest !== '') take(rest)
      rest = ''
      if (reader.openMetrics === true && !ended)
        throw new ExpositionError(line, 'OpenMetrics ends in # EOF; the text was cut off')
    },
  }
}

const COMMENT = /^#[ \t]+(HELP|TYPE|UNIT)[ \t]+(?:"((?:[^"\\]|\\.)*)"|([^ \t]+))(?:[ \t]+(.*))?$/s

function readLine(text: string, line: number, reader: ExpositionReader): void {
  if (text.startsWith('#')) {
    const [, kind, quoted, bare = '', help = ''] = COMMENT.exec(text) ?? []
    if (kind === undefined || reader.describe === undefined) return
    const name = quoted === undefined ? bare : unescaped(quoted)
    const described = kind === 'HELP' ? unescaped(help) : help.trim()
    reader.describe(kind as 'TYPE' | 'HELP' | 'UNIT', name, described, line)
    return
  }
  const cursor = new Cursor(text, line)
  cursor.blanks()
  if (cursor.atEnd) return
  const name = cursor.match(METRIC_NAME)
  if (name !== undefined && reader.wants?.(name) === false) return
  cursor.blanks()
  const labels = Object.create(null) as Record<string, string>
  const quotedName = cursor.skip('{') ? readLabels(cursor, labels, name === undefined) : undefined
  const full = name ?? quotedName
  if (full === undefined) throw cursor.fault('expected the name of a metric')
  if (name === undefined && reader.wants?.(full) === false) return
  cursor.blanks()
  const value = cursor.number()
  const timestamp = cursor.blanks() && !cursor.at('#') && !cursor.atEnd ? cursor.number() : undefined
  cursor.blanks()
  // An exemplar tells of a trace, which nobody here asks for.
  if (!cursor.atEnd && !(reader.openMetrics === true && cursor.at('#')))
    throw cursor.fault('expected the end of the line')
  const timestampMs =
    timestamp === undefined ? null : Math.round(reader.openMetrics === true ? timestamp * 1000 : timestamp)
  reader.sample({ name: full, labels, value, timestampMs })
}

/** `a="x",b="y",}` after the brace. Returns the quoted metric name, which may stand before the labels. */
function readLabels(
  cursor: Cursor,
  labels: Record<string, string>,
  nameMayFollow: boolean,
): string | undefined {
  let metric: string | undefined
  for (let count = 0; ; count++) {
    cursor.blanks()
    if (cursor.skip('}')) return metric
    if (count > MAX_LABELS) throw cursor.fault(`more than ${MAX_LABELS} labels`)
    const quoted = cursor.at('"')
    const name = quoted ? cursor.quoted() : cursor.match(LABEL_NAME)
    if (name === undefined) throw cursor.fault('expected the name of a label')
    cursor.blanks()
    if (cursor.skip('=')) {
      cursor.blanks()
      const value = cursor.quoted()
      if (name in labels) throw cursor.fault(`label ${quote(name)} twice`)
      labels[name] = value
    } else if (quoted && nameMayFollow && count === 0) metric = name
    else throw cursor.fault('expected = after the name of a label')
    cursor.blanks()
    if (!cursor.skip(',') && !cursor.at('}')) throw cursor.fault('expected , or } after a label')
  }
}

const METRIC_NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y
const LABEL_NAME = /[a-zA-Z_][a-zA-Z0-9_]*/y
const WORD = /[^ \t]+/y
const NUMBER = /^[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|inf(?:inity)?|nan)$/i

class Cursor {
  readonly #text: string
  readonly #line: number
  #at = 0

  constructor(text: string, line: number) {
    this.#text = text
    this.#line = line
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length
  }

  at(character: string): boolean {
    return this.#text[this.#at] === character
  }

  skip(character: string): boolean {
    if (!this.at(character)) return false
    this.#at++
    return true
  }

  /** True when there was a blank. */
  blanks(): boolean {
    const from = this.#at
    while (this.at(' ') || this.at('\t')) this.#at++
    return this.#at > from
  }

  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    this.#at += found?.length ?? 0
    return found
  }

  quoted(): string {
    if (!this.skip('"')) throw this.fault('expected "')
    const text = this.#text
    let to = this.#at
    let escapes = false
    while (to < text.length && text[to] !== '"') {
      if (text[to] === '\\') {
        escapes = true
        to++
      }
      to++
    }
    if (to >= text.length) throw this.fault('a " is not closed')
    const raw = text.slice(this.#at, to)
    this.#at = to + 1
    return escapes ? unescaped(raw) : raw
  }

  number(): number {
    const from = this.#at
    const word = this.match(WORD) ?? ''
    if (!NUMBER.test(word)) {
      this.#at = from
      throw this.fault('expected a number')
    }
    const lower = word.toLowerCase().replace('+', '')
    if (lower.includes('inf')) return lower.startsWith('-') ? -Infinity : Infinity
    return lower.includes('nan') ? Number.NaN : Number(word)
  }

  fault(expected: string): ExpositionError {
    const found = this.atEnd
      ? 'the end of the line'
      : quote(this.#text.slice(this.#at, this.#at + QUOTED_LENGTH))
    return new ExpositionError(this.#line, `${expected}, found ${found}`)
  }
}

const quote = (text: string): string => JSON.stringify(text.slice(0, QUOTED_LENGTH))

/** `\\`, `\"` and `\n`; any other escape stands for itself, as in Prometheus. */
const unescaped = (text: string): string =>
  text.replace(/\\([\\"n])/g, (_whole, character: string) => (character === 'n' ? '\n' : character))

/** A whole exposition. */
export interface Exposition {
  readonly types: ReadonlyMap<string, string>
  readonly help: ReadonlyMap<string, string>
  readonly units: ReadonlyMap<string, string>
  readonly samples: readonly ExposedSample[]
}

/** Reads a text at once. Throws ExpositionError, also for a metric that is described twice. */
export function parseExposition(text: string, openMetrics = false): Exposition {
  const maps = {
    TYPE: new Map<string, string>(),
    HELP: new Map<string, string>(),
    UNIT: new Map<string, string>(),
  }
  const samples: ExposedSample[] = []
  const parser = createExpositionParser({
    openMetrics,
    sample: sample => void samples.push(sample),
    describe(kind, name, description, line) {
      if (maps[kind].has(name)) throw new ExpositionError(line, `${kind} of ${quote(name)} twice`)
      maps[kind].set(name, description)
    },
  })
  parser.push(text)
  parser.end()
  return { types: maps.TYPE, help: maps.HELP, units: maps.UNIT, samples }
}
