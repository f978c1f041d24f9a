import type { Dashboard } from '../../catalog/index.ts'
import type { EmitSettings } from '../settings.ts'
import { place } from './layout.ts'
import { type Annotation, type DashboardLink, type GrafanaDashboard, SCHEMA_VERSION } from './model.ts'
import { dataPanel, panelNumber } from './panel.ts'
import { datasourceRef, variables } from './variables.ts'

/** The tag by which the dashboards find each other. */
const TAG = 'celeriac'

/** Alerts that fired, as marks on every chart: of the chosen brokers, and of no broker, which are those on Celeriac itself. */
const alertMarks = (settings: EmitSettings): Annotation => ({
  name: 'Alerts',
  datasource: datasourceRef(settings),
  enable: true,
  hide: false,
  iconColor: 'red',
  expr: 'ALERTS{alertstate="firing", component=~"celery|redis|worker|celeriac", severity=~"critical|warning", broker=~"$broker"}',
  step: '60s',
  titleFormat: '{{alertname}}',
  textFormat: '{{severity}} {{broker}} {{queue}} {{task}} {{worker}}',
  tagKeys: 'severity',
})

/** What people mark themselves; Grafana expects it in every dashboard. */
const ownMarks: Annotation = {
  name: 'Annotations & Alerts',
  datasource: { type: 'grafana', uid: '-- Grafana --' },
  enable: true,
  hide: true,
  iconColor: 'rgba(0, 211, 255, 1)',
  builtIn: 1,
  type: 'dashboard',
}

const links = (settings: EmitSettings): readonly DashboardLink[] => [
  {
    type: 'dashboards',
    title: 'Celery',
    tags: [TAG],
    url: '',
    icon: 'external link',
    tooltip: 'The other dashboards, for the same choice and time',
    asDropdown: true,
    includeVars: true,
    keepTime: true,
    targetBlank: false,
  },
  {
    type: 'link',
    title: 'Celeriac',
    tags: [],
    url: settings.externalUrl,
    icon: 'external link',
    tooltip: 'Alerts, tasks and runbooks',
    asDropdown: false,
    includeVars: false,
    keepTime: false,
    targetBlank: true,
  },
]

/** A dashboard of the catalog in the classic model, bare: as files of provisioning and the import form both take it (guide-flaw 39). */
export function grafanaDashboard(settings: EmitSettings, board: Dashboard): GrafanaDashboard {
  let top = 0
  const panels = board.rows.flatMap(row => {
    const placed = place(row.panels, top)
    top = placed.bottom
    return [
      {
        id: panelNumber(`row ${row.title}`),
        type: 'row' as const,
        title: row.title,
        collapsed: false as const,
        gridPos: placed.title,
        panels: [],
      },
      ...row.panels.flatMap((panel, i) => {
        const at = placed.panels[i]
        return at === undefined ? [] : [dataPanel(settings, panel, board.variables, at)]
      }),
    ]
  })
  return {
    uid: board.slug,
    title: board.title,
    description: board.description,
    tags: ['celery', TAG],
    schemaVersion: SCHEMA_VERSION,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    timezone: 'browser',
    time: { from: 'now-3h', to: 'now' },
    templating: { list: variables(settings, board.variables) },
    annotations: { list: [ownMarks, alertMarks(settings)] },
    links: links(settings),
    panels,
  }
}
