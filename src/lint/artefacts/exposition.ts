import type { DeclaredMetric } from './python.ts'
import type { Source } from '../text/source.ts'

const TYPE_LINE = /^#[ \t]*TYPE[ \t]+([a-zA-Z_:][\w:]*)[ \t]+(counter|gauge|histogram|summary)\b/gm

/** Whether a text is a metrics page (Prometheus text format 0.0.4 or OpenMetrics). */
export const isExposition = (text: string): boolean => {
  TYPE_LINE.lastIndex = 0
  return TYPE_LINE.test(text)
}

/** The metrics of a page as `/metrics` shows it, with the labels of their samples. */
export function exposedMetrics(source: Source): readonly DeclaredMetric[] {
  const { text } = source
  return [...text.matchAll(TYPE_LINE)].map(match => {
    const family = match[1] ?? ''
    const kind = match[2] as DeclaredMetric['kind']
    const samples = [
      ...text.matchAll(new RegExp(`^${family}(?:_bucket|_sum|_count|_total)?\\{([^}]*)\\}`, 'gm')),
    ]
    const pairs = samples.flatMap(sample => [
      ...(sample[1] ?? '').matchAll(/([a-zA-Z_]\w*)="((?:\\.|[^"\\])*)"/g),
    ])
    const bounds = pairs.flatMap(pair => (pair[1] === 'le' && pair[2] !== '+Inf' ? [Number(pair[2])] : []))
    const start = match.index + match[0].indexOf(family)
    return {
      name:
        kind === 'counter' && !family.endsWith('_total') && text.includes(`\n${family}_total`)
          ? `${family}_total`
          : family,
      kind,
      labels: [...new Set(pairs.flatMap(pair => pair[1] ?? []))].filter(
        label => label !== 'le' && label !== 'quantile',
      ),
      buckets:
        kind === 'histogram' && bounds.length > 0 ? [...new Set(bounds)].sort((a, b) => a - b) : undefined,
      place: source.place(start, start + family.length),
    }
  })
}
