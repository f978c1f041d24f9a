import { type LabelName, type Metric, metrics } from '../../catalog/index.ts'
import type { EmitSettings } from '../settings.ts'
import type { DatasourceRef, DatasourceVariable, QueryVariable } from './model.ts'

const DATASOURCE = 'datasource'

/** The data source of every panel: the one that was named, or the one that the reader chooses. */
export const datasourceRef = ({ datasource }: Pick<EmitSettings, 'datasource'>): DatasourceRef => ({
  type: 'prometheus',
  uid: datasource ?? `\${${DATASOURCE}}`,
})

/** Whose series tell which values a label has. */
const TOLD_BY: Readonly<Partial<Record<LabelName, Metric>>> = {
  broker: metrics.brokerUp,
  queue: metrics.queueDepth,
  task: metrics.taskReceived,
  worker: metrics.workerUp,
}

/**
 * The variables of a dashboard. Each label's values are those that fit the choice in those before it. "All" is `.*`, which also
 * takes series whose label is empty.
 */
export function variables(
  settings: EmitSettings,
  labels: readonly LabelName[],
): readonly (DatasourceVariable | QueryVariable)[] {
  return [
    ...(settings.datasource === undefined ? [datasourceVariable] : []),
    ...labels.map((label, i) => labelVariable(settings, label, labels.slice(0, i))),
  ]
}

const datasourceVariable: DatasourceVariable = {
  type: 'datasource',
  name: DATASOURCE,
  label: 'Data source',
  query: 'prometheus',
  refresh: 1,
  multi: false,
  includeAll: false,
  options: [],
  hide: 0,
}

function labelVariable(
  settings: EmitSettings,
  label: LabelName,
  before: readonly LabelName[],
): QueryVariable {
  const metric = TOLD_BY[label]
  if (metric === undefined) throw new Error(`No metric tells the values of ${label}.`)
  const matchers = before
    .filter(each => metric.labels.includes(each))
    .map(each => `${each}=~"$${each}"`)
    .join(', ')
  const definition = `label_values(${metric.name}${matchers === '' ? '' : `{${matchers}}`}, ${label})`
  return {
    type: 'query',
    name: label,
    label: `${label[0]?.toUpperCase() ?? ''}${label.slice(1)}`,
    datasource: datasourceRef(settings),
    definition,
    query: { query: definition, refId: 'Values' },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: ['All'], value: ['$__all'] },
    options: [],
    hide: 0,
  }
}
