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
 * The exposition in pieces of about 64 KiB: see MetricsRegistry.expose. A family without series is a heading alone, which both
 * formats allow.
 */
export function* expose(
  families: Iterable<ExposedFamily>,
  { format, pointedBounds = false }: ExpositionStyle,
): Generator<string, void, undefined> {
  const openMetrics = format === 'openmetrics'
  let text = ''
  for (const family of families) {
    text += heading(family.metric, openMetrics)
    const { name } = family.metric
    let bounds: readonly string[] | undefined
    for (const series of family.all()) {
      if ('distribution' in series) {
        bounds ??= [...series.distribution.bounds, Infinity].map(
          bound => `le="${formatBound(bound, openMetrics || pointedBounds)}"`,
        )
        text += histogramLines(name, series.text, series.distribution, bounds)
      } else text += scalarLine(name, series.text, series.value)
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

function histogramLines(
  name: string,
  text: string,
  { counts, sum }: Distribution,
  bounds: readonly string[],
): string {
  const prefix = text === '' ? `${name}_bucket{` : `${name}_bucket{${text},`
  const braces = text === '' ? '' : `{${text}}`
  let lines = ''
  let count = 0
  for (let i = 0; i < counts.length; i++) {
    count += counts[i]!
    lines += `${prefix}${bounds[i]!}} ${count}\n`
  }
  return `${lines}${name}_sum${braces} ${formatNumber(sum)}\n${name}_count${braces} ${count}\n`
}
