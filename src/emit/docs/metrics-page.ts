import { type Metric, metrics, recorded } from '../../catalog/index.ts'
import { code, fenced, page, table } from './markdown.ts'

const SOURCES: readonly (readonly [source: string, meaning: string])[] = [
  ['events', 'what workers and senders broadcast'],
  ['inspect', 'what workers answer when asked'],
  ['broker', 'what the broker says'],
  ['host', 'the machine or container a worker runs on'],
  ['self', 'Celeriac about itself'],
  ['rule', 'recorded from other metrics'],
]

/** Every metric: name, type, labels, unit, source, meaning. */
export function metricsPage(note: string): string {
  const all: readonly Metric[] = Object.values(metrics)
  const fleet = all.filter(({ name }) => !name.startsWith('celeriac_'))
  const own = all.filter(({ name }) => name.startsWith('celeriac_'))
  return page(
    note,
    '# Metrics',
    'Names, labels and meanings of everything that Celeriac exposes, from the catalog. A lost source makes its metrics absent, never 0.',
    table(['source', 'meaning'], SOURCES),
    '## Fleet',
    metricTable(fleet),
    '## Celeriac itself',
    metricTable(own),
    '## Buckets',
    table(
      ['histogram', 'upper bounds in seconds'],
      all.flatMap(({ name, buckets }) => (buckets === undefined ? [] : [[code(name), buckets.join(', ')]])),
    ),
    '## Recorded series',
    'Written by the group `celery_aggregations`, in this order.',
    ...Object.values(recorded).flatMap(({ name, labels, unit, help, expr }) => [
      `### ${code(name)}`,
      `${help} Labels: ${labels.map(code).join(', ')}. Unit: ${unit}.`,
      fenced('promql', expr.text),
    ]),
  )
}

const metricTable = (rows: readonly Metric[]): string =>
  table(
    ['metric', 'type', 'labels', 'unit', 'source', 'guide', 'meaning'],
    rows.map(({ name, kind, labels, unit, sources, guide, help }) => [
      code(name),
      kind,
      labels.map(code).join(', '),
      unit,
      sources.join(', '),
      guide === undefined ? '' : String(guide),
      help,
    ]),
  )
