import type { LintRule } from '../contract.ts'
import { dashboardExample } from './examples.ts'

export const grafanaDashboardFields: LintRule = {
  name: 'grafana-dashboard-fields',
  severity: 'warning',
  title: 'A dashboard without `schemaVersion`',
  why: 'Grafana migrates a dashboard from the schema that it names. One that names none is taken for the oldest, and every migration since is run over fields that never were that old; the result differs by version of Grafana.',
  bad: dashboardExample({ dashboard: { schemaVersion: undefined } }),
  good: dashboardExample(),
  sources: ['https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/'],
  check({ dashboards }, report) {
    for (const { tree } of dashboards) {
      if (tree.has('schemaVersion')) continue
      const title = tree.get('title')
      report({
        at: title?.place ?? tree.place,
        message: `dashboard ${JSON.stringify(title?.text ?? '')} names no schemaVersion`,
        fix: '"schemaVersion": 39',
      })
    }
  },
}
