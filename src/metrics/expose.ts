import type { Metric } from '../catalog/index.ts'
import type { ExpositionFormat } from './contract.ts'
import type { Distribution } from './distribution.ts'
import { escapeHelp, formatBound, formatNumber } from './text.ts'

/** What to send as `Content-Type`. */
export const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** OpenMetrics when the `Accept` header prefers it to plain text or weighs both alike, as Prometheus' own does; else text. */
export function negotiateFormat(accept: string | undefined): ExpositionFormat {
  const weights = { text: 0, openmetrics: 0 }
  for (const part of (accept ?? '').split(',')) {
    const [type = '', ...parameters] = part.split(';').map(word => word.trim().toLowerCase())
    const version = parameters.find(parameter => parameter.startsWith('version='))?.slice(8)
    const q = Number(parameters.find(parameter => parameter.startsWith('q='))?.slice(2) ?? '1')
    const weight = Number.isFinite(q) ? q : 0
    if (type === 'application/openmetrics-text' && (version === undefined || /^[01]\./.test(version)))
      weights.openmetrics = Math.max(weights.openmetrics, weight)
    else if (type === 'text/plain') weights.text = Math.max(weights.text, weight)
  }
  return weights.openmetrics > 0 && weights.openmetrics >= weights.text ? 'openmetrics' : 'text'
}

const PIECE = 60 * 1024

/** What every exposed series has: its labels as `a="x",b="y"`, escaped, without braces; '' without labels. */
interface Labelled {
  readonly text: string
}

export type ExposedSeries =
  (Labelled & { readonly value: number }) | (Labelled & { readonly distribution: Distribution })

/** One metric and its series, in whatever way they are kept. */
export interface ExposedFamily {
  readonly metric: Pick<Metric, 'name' | 'kind' | 'help'> & Partial<Pick<Metric, 'unit'>>
  /** Each is read before the next is asked for, so one object may stand for all of them. */
  all(): Iterable<ExposedSeries>
}

export interface ExpositionStyle {
  readonly format: ExpositionFormat
  /** Write the bounds of buckets with a point in the text format too, as Python's prometheus_client does: `le="1.0"`. */
  readonly pointedBounds?: boolean
}

/**
 * The exposition in pieces of about 64 KiB: see MetricsRegistry.expose. All values are taken before this returns, so that the text is
 * of one moment however slowly it is read. A family without series is a heading alone, which both formats allow.
 */
export function expose(
  families: Iterable<ExposedFamily>,
  style: ExpositionStyle,
): Generator<string, void, undefined> {
  return render(takeSnapshot(families), style)
}

/** A family's series and their values at one moment. */
interface FamilySnapshot {
  readonly metric: ExposedFamily['metric']
  readonly texts: readonly string[]
  /** Of a histogram's buckets, without +Inf; undefined: each series is one value. */
  readonly bounds: readonly number[] | undefined
}

interface Snapshot {
  readonly families: readonly FamilySnapshot[]
  /** The values of all series, family after family: one each; of a histogram the counts of its buckets and the sum. */
  readonly values: Float64Array
}

const FIRST_CAPACITY = 4096

function takeSnapshot(families: Iterable<ExposedFamily>): Snapshot {
  let values = new Float64Array(FIRST_CAPACITY)
  let length = 0
  const room = (wanted: number): void => {
    if (length + wanted <= values.length) return
    const larger = new Float64Array(Math.max(values.length * 2, length + wanted))
    larger.set(values)
    values = larger
  }
  const taken: FamilySnapshot[] = []
  for (const family of families) {
    const { metric } = family
    const texts: string[] = []
    let bounds: readonly number[] | undefined
    for (const series of family.all()) {
      texts.push(series.text)
      if ('distribution' in series) {
        const { counts, sum, bounds: ofSeries } = series.distribution
        bounds = ofSeries
        room(counts.length + 1)
        values.set(counts, length)
        length += counts.length
        values[length++] = sum
      } else {
        room(1)
        values[length++] = series.value
      }
    }
    taken.push({ metric, texts, bounds })
  }
  return { families: taken, values }
}

function* render(
  { families, values }: Snapshot,
  { format, pointedBounds = false }: ExpositionStyle,
): Generator<string, void, undefined> {
  const openMetrics = format === 'openmetrics'
  let text = ''
  let at = 0
  for (const { metric, texts, bounds } of families) {
    text += heading(metric, openMetrics)
    const { name } = metric
    const ends =
      bounds === undefined
        ? undefined
        : [...bounds, Infinity].map(bound => `le="${formatBound(bound, openMetrics || pointedBounds)}"} `)
    for (const labels of texts) {
      if (ends === undefined) text += scalarLine(name, labels, values[at++]!)
      else {
        text += histogramLines(name, labels, values, at, ends)
        at += ends.length + 1
      }
      if (text.length >= PIECE) {
        yield text
        text = ''
      }
    }
  }
  if (openMetrics) text += '# EOF\n'
  if (text !== '') yield text
}

/** In OpenMetrics a counter's family has no `_total`, and a unit is said when the name ends in it. */
function heading(metric: ExposedFamily['metric'], openMetrics: boolean): string {
  const name = openMetrics && metric.kind === 'counter' ? metric.name.replace(/_total$/, '') : metric.name
  const help = `# HELP ${name} ${escapeHelp(metric.help, openMetrics)}\n`
  const unit =
    openMetrics && metric.unit !== undefined && name.endsWith(`_${metric.unit}`)
      ? `# UNIT ${name} ${metric.unit}\n`
      : ''
  return `${help}# TYPE ${name} ${metric.kind}\n${unit}`
}

const scalarLine = (name: string, text: string, value: number): string =>
  text === '' ? `${name} ${formatNumber(value)}\n` : `${name}{${text}} ${formatNumber(value)}\n`

/** The lines of one histogram: its counts, which are not cumulative, stand at `at`, its sum behind them. */
function histogramLines(
  name: string,
  text: string,
  values: Float64Array,
  at: number,
  ends: readonly string[],
): string {
  const prefix = text === '' ? `${name}_bucket{` : `${name}_bucket{${text},`
  const braces = text === '' ? '' : `{${text}}`
  let lines = ''
  let count = 0
  for (let i = 0; i < ends.length; i++) {
    count += values[at + i]!
    lines += `${prefix}${ends[i]!}${count}\n`
  }
  return `${lines}${name}_sum${braces} ${formatNumber(values[at + ends.length]!)}\n${name}_count${braces} ${count}\n`
}
