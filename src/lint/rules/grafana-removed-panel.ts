import type { LintRule } from '../contract.ts'
import { dashboardExample } from './examples.ts'

/** Panel types that left with Angular (Grafana 12), and what took their place. */
const REPLACED: Readonly<Record<string, string>> = {
  graph: 'timeseries',
  singlestat: 'stat',
  'grafana-singlestat-panel': 'stat',
  'table-old': 'table',
  'grafana-piechart-panel': 'piechart',
  'grafana-worldmap-panel': 'geomap',
}
/** Settings of the old panels that mean nothing to the new ones: with them a change of the type is not enough. */
const OLD_SETTINGS: readonly string[] = [
  'yaxes',
  'xaxis',
  'seriesOverrides',
  'aliasColors',
  'lines',
  'fill',
  'thresholds',
  'legend',
  'tooltip',
  'format',
  'sparkline',
  'styles',
  'alert',
]

export const grafanaRemovedPanel: LintRule = {
  name: 'grafana-removed-panel',
  severity: 'error',
  title: 'A panel of a type that Grafana no longer has',
  why: 'Angular panels were switched off in Grafana 11 and removed in 12. What is left migrates them in the browser of whoever looks, and loses units, legends and thresholds on the way.',
  bad: dashboardExample({ panel: { type: 'graph' } }),
  good: dashboardExample(),
  sources: ['https://grafana.com/docs/grafana/latest/developers/angular_deprecation/'],
  check({ dashboards }, report) {
    for (const { tree, type, title } of dashboards.flatMap(({ panels }) => panels)) {
      const by = REPLACED[type]
      const at = tree.get('type')
      if (by === undefined || at === undefined) continue
      const { source, start, end } = at.place
      report({
        at: at.place,
        within: tree.place,
        message: `panel ${JSON.stringify(title)} is of type ${type}, which Grafana 12 does not have`,
        fix: `"type": "${by}"`,
        ...(OLD_SETTINGS.some(key => tree.has(key))
          ? {}
          : { edits: [{ start, end, text: source.text.slice(start, end).replace(type, by) }] }),
      })
    }
  },
}
