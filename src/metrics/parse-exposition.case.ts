/** A small reader of the text formats, for tests: what it cannot read it throws on. */
interface ParsedSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Parsed {
  readonly types: ReadonlyMap<string, string>
  readonly help: ReadonlyMap<string, string>
  readonly units: ReadonlyMap<string, string>
  readonly samples: readonly ParsedSample[]
  /** True when the text ends in `# EOF`. */
  readonly eof: boolean
}

const unescape = (text: string): string =>
  text.replace(/\\(.)/gs, (_whole, character: string) => (character === 'n' ? '\n' : character))

function parseValue(text: string): number {
  if (text === '+Inf') return Infinity
  if (text === '-Inf') return -Infinity
  if (!/^(?:NaN|[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)$/.test(text))
    throw new Error(`no number: ${JSON.stringify(text)}`)
  return Number(text)
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/s
const PAIR = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\"n])*)"(,|$)/gsy

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = Object.create(null) as Record<string, string>
  PAIR.lastIndex = 0
  while (PAIR.lastIndex < text.length) {
    const match = PAIR.exec(text)
    if (match === null) throw new Error(`no labels: ${JSON.stringify(text)}`)
    const [, name = '', value = ''] = match
    if (name in labels) throw new Error(`label twice: ${name}`)
    labels[name] = unescape(value)
  }
  return labels
}

export function parseExposition(text: string): Parsed {
  const types = new Map<string, string>()
  const help = new Map<string, string>()
  const units = new Map<string, string>()
  const samples: ParsedSample[] = []
  let eof = false
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no end')
  for (const line of text.split('\n').slice(0, -1)) {
    if (eof) throw new Error('something follows the end')
    if (line === '# EOF') {
      eof = true
      continue
    }
    const comment = /^# (HELP|TYPE|UNIT) (\S+) (.*)$/s.exec(line)
    if (comment !== null) {
      const [, kind, name = '', rest = ''] = comment
      const into = kind === 'TYPE' ? types : kind === 'HELP' ? help : units
      if (into.has(name)) throw new Error(`${kind} of ${name} twice`)
      into.set(name, kind === 'HELP' ? unescape(rest) : rest)
      continue
    }
    const match = SAMPLE.exec(line)
    if (match === null) throw new Error(`no sample: ${JSON.stringify(line)}`)
    const [, name = '', labels = '', value = ''] = match
    samples.push({ name, labels: parseLabels(labels), value: parseValue(value) })
  }
  return { types, help, units, samples, eof }
}
