import type { DeclaredMetric } from './python.ts'
import type { Source } from '../text/source.ts'

const TYPE_LINE = /^#[ \t]*TYPE[ \t]+([a-zA-Z_:][\w:]*)[ \t]+(counter|gauge|histogram|summary)\b/gm

/** Whether a text is a metrics page (Prometheus text format 0.0.4 or OpenMetrics). */
export const isExposition = (text: string): boolean => {
  TYPE_LINE.lastIndex = 0
  return TYPE_LINE.test(text)
}

const SAMPLE_LINE = /^([a-zA-Z_:][\w:]*)(?:\{([^\n]*)\})?[ \t]/gm
const PAIR = /([a-zA-Z_]\w*)="((?:\\.|[^"\\])*)"/g
const PART = /_(?:bucket|sum|count|total)$/

/** What the samples of one name show. */
interface Seen {
  readonly labels: Set<string>
  readonly bounds: Set<number>
}

/** The metrics of a page as `/metrics` shows it, with the labels of their samples. */
export function exposedMetrics(source: Source): readonly DeclaredMetric[] {
  const { text } = source
  const seen = new Map<string, Seen>()
  for (const [, name = '', pairs = ''] of text.matchAll(SAMPLE_LINE)) {
    const of = seen.get(name) ?? { labels: new Set<string>(), bounds: new Set<number>() }
    seen.set(name, of)
    for (const [, label = '', value = ''] of pairs.matchAll(PAIR)) {
      if (label === 'le') of.bounds.add(Number(value))
      else if (label !== 'quantile') of.labels.add(label)
    }
  }
  const parts = new Map<string, Seen[]>()
  for (const [name, of] of seen)
    for (const family of new Set([name, name.replace(PART, '')]))
      parts.set(family, [...(parts.get(family) ?? []), of])
  return [...text.matchAll(TYPE_LINE)].map(match => {
    const family = match[1] ?? ''
    const kind = match[2] as DeclaredMetric['kind']
    const own = parts.get(family) ?? []
    const bounds = own.flatMap(({ bounds: each }) => [...each]).filter(Number.isFinite)
    const start = match.index + match[0].indexOf(family)
    return {
      // OpenMetrics names the family without the suffix of its counter.
      name:
        kind === 'counter' && !family.endsWith('_total') && seen.has(`${family}_total`)
          ? `${family}_total`
          : family,
      kind,
      labels: [...new Set(own.flatMap(({ labels }) => [...labels]))],
      buckets:
        kind === 'histogram' && bounds.length > 0 ? [...new Set(bounds)].sort((a, b) => a - b) : undefined,
      place: source.place(start, start + family.length),
    }
  })
}
