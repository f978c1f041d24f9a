import { Labels, parseDurationMs } from '../../src/base/index.ts'
import { parse } from '../../src/promql/index.ts'

/** One series of a script: values at multiples of the step, undefined where there is no sample, 'stale' for a marker. */
export interface SeriesLine {
  readonly labels: Labels
  readonly values: readonly (number | 'stale' | undefined)[]
}

/** What an eval expects. */
export interface Expectation {
  fail: boolean
  failMessage?: string
  failPattern?: RegExp
  ordered: boolean
  readonly annotations: { kind: 'warn' | 'info'; msg?: string; regex?: RegExp }[]
  readonly none: Set<'warn' | 'info'>
  text?: string
  scalar?: number
  rangeVector?: { fromMs: number; toMs: number; stepMs: number }
  readonly series: SeriesLine[]
}

export type Command =
  | { readonly kind: 'clear' }
  | { readonly kind: 'load'; readonly stepMs: number; readonly series: readonly SeriesLine[] }
  | {
      readonly kind: 'eval'
      readonly line: number
      readonly expr: string
      readonly at: { readonly startMs: number; readonly endMs: number; readonly stepMs: number } | number
      readonly expect: Expectation
    }

const duration = (text: string): number => {
  const ms = parseDurationMs(text) ?? (Number.isFinite(Number(text)) ? Number(text) * 1000 : undefined)
  if (ms === undefined) throw new Error(`no duration: ${text}`)
  return ms
}

/** Reads a test script in the format of Prometheus' `promql/promqltest` (see its README). */
export function readScript(source: string): readonly Command[] {
  const lines = source.split('\n')
  const commands: Command[] = []
  let at = 0
  const block = (): string[] => {
    const body: string[] = []
    while (at < lines.length && /^\s+\S/.test(lines[at] ?? '')) body.push((lines[at++] ?? '').trim())
    return body
  }
  while (at < lines.length) {
    const line = at + 1
    const text = (lines[at++] ?? '').trim()
    if (text === '' || text.startsWith('#')) continue
    const load = /^load\s+(\S+)$/.exec(text)
    const instant = /^eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(\S+))?\s*(.+)$/.exec(text)
    const range =
      /^eval(?:_(fail|warn|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)$/.exec(text)
    if (text === 'clear') {
      commands.push({ kind: 'clear' })
    } else if (load !== null) {
      commands.push({ kind: 'load', stepMs: duration(load[1] ?? ''), series: block().map(seriesLine) })
    } else if (range !== null) {
      const [, flag, start = '', end = '', step = '', expr = ''] = range
      const times = { startMs: duration(start), endMs: duration(end), stepMs: duration(step) }
      commands.push({ kind: 'eval', line, expr, at: times, expect: expectation(flag, block()) })
    } else if (instant !== null) {
      const [, flag, time, expr = ''] = instant
      const times = time === undefined ? 0 : duration(time)
      commands.push({ kind: 'eval', line, expr, at: times, expect: expectation(flag, block()) })
    } else {
      throw new Error(`line ${line}: not understood: ${text}`)
    }
  }
  return commands
}

function expectation(flag: string | undefined, body: readonly string[]): Expectation {
  const expect: Expectation = {
    fail: flag === 'fail',
    ordered: flag === 'ordered',
    annotations: [],
    none: new Set(),
    series: [],
  }
  if (flag === 'warn' || flag === 'info') expect.annotations.push({ kind: flag })
  for (const line of body) {
    const wish = /^expect\s+(\w+)(?:\s+(.*))?$/.exec(line)
    if (wish !== null) readWish(expect, wish[1] ?? '', wish[2] ?? '')
    else if (/^[+-]?(?:[\d.]|inf\b|nan\b)/i.test(line)) expect.scalar = number(line)
    else expect.series.push(seriesLine(line))
  }
  return expect
}

function readWish(expect: Expectation, what: string, rest: string): void {
  const detail = /^(msg|regex):\s*(.*)$/.exec(rest)
  const msg = detail?.[1] === 'msg' ? (detail[2] ?? '') : undefined
  const regex = detail?.[1] === 'regex' ? new RegExp(detail[2] ?? '') : undefined
  const range = /^vector from (\S+) to (\S+) step (\S+)$/.exec(rest)
  if (what === 'fail') {
    expect.fail = true
    if (msg !== undefined) expect.failMessage = msg
    if (regex !== undefined) expect.failPattern = regex
  } else if (what === 'warn' || what === 'info') {
    expect.annotations.push({
      kind: what,
      ...(msg === undefined ? {} : { msg }),
      ...(regex ? { regex } : {}),
    })
  } else if (what === 'no_warn' || what === 'no_info') {
    expect.none.add(what === 'no_warn' ? 'warn' : 'info')
  } else if (what === 'ordered') {
    expect.ordered = true
  } else if (what === 'string') {
    expect.text = stringLiteral(rest)
  } else if (what === 'range' && range !== null) {
    const [, from = '', to = '', step = ''] = range
    expect.rangeVector = { fromMs: duration(from), toMs: duration(to), stepMs: duration(step) }
  } else {
    throw new Error(`unknown expectation: ${what} ${rest}`)
  }
}

function stringLiteral(text: string): string {
  const expr = parse(text)
  if (expr.type !== 'string') throw new Error(`no string: ${text}`)
  return expr.value
}

/** `metric{label="value"} 1 2 _ 3+1x4 stale`. */
function seriesLine(line: string): SeriesLine {
  const head =
    /^([A-Za-z_:][\w:]*)?\s*(\{(?:[^"'}]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*\})?/.exec(line)?.[0] ?? ''
  return {
    labels: labelsOf(head.trim()),
    values: line.slice(head.length).trim().split(/\s+/).flatMap(sequence),
  }
}

function labelsOf(text: string): Labels {
  if (/^\{\s*\}$/.test(text)) return Labels.EMPTY
  const expr = parse(text.replace(/\{\s*\}$/, ''))
  if (expr.type !== 'selector') throw new Error(`no series: ${text}`)
  return Labels.fromEntries(expr.matchers.map(({ name, value }) => [name, value] as const))
}

function sequence(word: string): readonly (number | 'stale' | undefined)[] {
  if (word === '') return []
  if (word === 'stale') return ['stale']
  const gap = /^_(?:x(\d+))?$/.exec(word)
  if (gap !== null) return Array.from({ length: gap[1] === undefined ? 1 : Number(gap[1]) }, () => undefined)
  const repeat = /^(.+?)(?:([+-][^+-]*(?:e[+-]?\d+)?))?x(\d+)$/i.exec(word)
  if (repeat === null) return [number(word)]
  const [, first = '', delta = '0', count] = repeat
  const values = [number(first)]
  for (let i = 0; i < Number(count); i++) values.push((values[i] ?? NaN) + number(delta))
  return values
}

function number(text: string): number {
  const infinite = /^([+-]?)inf$/i.exec(text)
  if (infinite !== null) return infinite[1] === '-' ? -Infinity : Infinity
  if (/^nan$/i.test(text)) return NaN
  const value = Number(text)
  if (Number.isNaN(value)) throw new Error(`no number: ${text}`)
  return value
}
