/** A panel of the catalog as a panel of Grafana. */
import {
  type ConfiguredAlert,
  fullLegend,
  inWords,
  type LabelName,
  narrowed,
  type Panel,
  runbookUrl,
  type Unit,
} from '../../catalog/index.ts'
import type { EmitSettings } from '../settings.ts'
import type { DataPanel, FieldConfig, GridPos, QueryTarget, ThresholdStep, ValueMapping } from './model.ts'
import { datasourceRef } from './variables.ts'

/** Grafana's ids of units (grafana/packages/grafana-data/src/valueFormats/categories.ts). */
const UNITS: Readonly<Record<Unit, string>> = {
  seconds: 's',
  bytes: 'bytes',
  ratio: 'percentunit',
  percent: 'percent',
  per_second: 'ops',
  count: 'short',
}

const COLORS = { good: 'green', near: 'orange', bad: 'red' } as const

/** The end of the scale of a gauge. */
const FULL: Readonly<Partial<Record<Unit, number>>> = { ratio: 1, percent: 100 }

const TYPES = { tile: 'stat', chart: 'timeseries', gauge: 'gauge', table: 'table' } as const

/** A, B, … as Grafana's editor counts them. */
const refId = (index: number): string => String.fromCharCode('A'.charCodeAt(0) + index)

/**
 * The number of a panel, made of its name (FNV-1a, 31 bits): links to a panel and annotations on it survive when others come or go
 * beside it, which a position would not.
 */
export function panelNumber(name: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  return hash & 0x7fffffff
}

/** The panel at its place, narrowed by the variables of its dashboard. */
export function dataPanel(
  settings: EmitSettings,
  panel: Panel,
  labels: readonly LabelName[],
  gridPos: GridPos,
): DataPanel {
  const limit = settings.alerts.find(({ alert, enabled }) => enabled && alert.name === panel.limit)
  const watching = settings.alerts.filter(({ alert, enabled }) => enabled && alert.panel === panel.id)
  return {
    id: panelNumber(panel.id),
    type: TYPES[panel.kind],
    title: panel.title,
    description: description(panel, limit),
    datasource: datasourceRef(settings),
    gridPos,
    links: watching.map(({ alert }) => ({
      title: `Runbook: ${alert.runbook.title}`,
      url: runbookUrl(settings.externalUrl, alert.slug),
      targetBlank: true,
    })),
    fieldConfig: fieldConfig(panel, limit),
    options: OPTIONS[panel.kind](panel),
    targets: panel.queries.map((query, i): QueryTarget => {
      const now = panel.kind !== 'chart'
      return {
        refId: refId(i),
        datasource: datasourceRef(settings),
        expr: reduced(panel, narrowed(query.expr, labels)),
        legendFormat: fullLegend(query),
        editorMode: 'code',
        format: panel.kind === 'table' ? 'table' : 'time_series',
        instant: now,
        range: !now,
      }
    }),
    ...(panel.kind === 'table' && { transformations: columns(panel) }),
  }
}

const capital = (text: string): string => `${text[0]?.toUpperCase() ?? ''}${text.slice(1)}`

const description = (panel: Panel, limit: ConfiguredAlert | undefined): string =>
  limit === undefined
    ? `${capital(panel.subtitle)}.`
    : `${capital(panel.subtitle)}. ${limit.alert.name}: ${limit.alert.threshold.direction} ${inWords(limit.threshold, limit.alert.threshold.unit)}.`

/** A tile shows one number: of all series, or of the one that is worst, by name. */
function reduced({ kind, reduce }: Panel, expr: string): string {
  if (kind !== 'tile' || reduce === undefined) return expr
  const call = (name: string, first: string): string =>
    expr.includes('\n')
      ? `${name}(\n  ${first === '' ? '' : `${first},\n  `}${expr.replaceAll('\n', '\n  ')}\n)`
      : `${name}(${first === '' ? '' : `${first}, `}${expr})`
  if (reduce.by === 'sum') return call('sum', '')
  return call(reduce.by === 'max' ? 'topk' : 'bottomk', '1')
}

function steps(panel: Panel, limit: ConfiguredAlert | undefined): readonly ThresholdStep[] {
  if (panel.steps !== undefined)
    return panel.steps.map(({ from, is }, i) => ({ color: COLORS[is], value: i === 0 ? null : from }))
  if (limit === undefined) return [{ color: COLORS.good, value: null }]
  const [below, above] =
    limit.alert.threshold.direction === 'over' ? [COLORS.good, COLORS.bad] : [COLORS.bad, COLORS.good]
  return [
    { color: below, value: null },
    { color: above, value: limit.threshold },
  ]
}

const mappings = ({ words }: Panel): readonly ValueMapping[] =>
  words === undefined
    ? []
    : [
        {
          type: 'value',
          options: Object.fromEntries(
            Object.entries(words).map(([value, text], index) => [value, { text, index }]),
          ),
        },
      ]

function fieldConfig(panel: Panel, limit: ConfiguredAlert | undefined): FieldConfig {
  const full = FULL[panel.unit]
  const judged = limit !== undefined || panel.steps !== undefined
  return {
    defaults: {
      unit: UNITS[panel.unit],
      noValue: 'not known',
      color: {
        mode: (panel.kind === 'tile' || panel.kind === 'gauge') && judged ? 'thresholds' : 'palette-classic',
      },
      thresholds: { mode: 'absolute', steps: steps(panel, limit) },
      mappings: mappings(panel),
      ...(panel.kind === 'gauge' && { min: 0, ...(full !== undefined && { max: full }) }),
      ...(panel.kind === 'chart' && {
        custom: {
          drawStyle: 'line',
          lineWidth: 1,
          fillOpacity: 8,
          showPoints: 'never',
          // What is unknown is a gap, not a line across it.
          spanNulls: false,
          axisSoftMin: 0,
          thresholdsStyle: { mode: judged ? 'dashed' : 'off' },
        },
      }),
    },
    overrides: [],
  }
}

const LAST = { calcs: ['lastNotNull'], fields: '', values: false }

const OPTIONS: Readonly<Record<Panel['kind'], (panel: Panel) => Readonly<Record<string, unknown>>>> = {
  tile: ({ reduce }) => ({
    reduceOptions: LAST,
    colorMode: 'value',
    graphMode: 'none',
    justifyMode: 'auto',
    textMode: reduce?.subject ? 'value_and_name' : 'value',
  }),
  chart: () => ({
    legend: { displayMode: 'table', placement: 'bottom', showLegend: true, calcs: ['lastNotNull', 'max'] },
    tooltip: { mode: 'multi', sort: 'desc' },
  }),
  gauge: () => ({ reduceOptions: LAST, showThresholdLabels: false, showThresholdMarkers: true }),
  table: () => ({ showHeader: true, cellHeight: 'sm' }),
}

/** One row a series, its labels and values side by side. */
function columns(panel: Panel): NonNullable<DataPanel['transformations']> {
  const several = panel.queries.length > 1
  const names = panel.queries.map(({ legend }, i) => [
    several ? `Value #${refId(i)}` : 'Value',
    several ? capital(legend.replaceAll(/\{\{\w+\}\}/g, '').trim()) : panel.title,
  ])
  return [
    { id: 'merge', options: {} },
    {
      id: 'organize',
      options: { excludeByName: { Time: true }, indexByName: {}, renameByName: Object.fromEntries(names) },
    },
  ]
}
