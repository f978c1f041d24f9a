import type { LintRule } from '../contract.ts'
import { dashboardExample } from './examples.ts'

/** Panels that ask no data source. */
export const WITHOUT_DATA: ReadonlySet<string> = new Set([
  'row',
  'text',
  'news',
  'dashlist',
  'alertlist',
  'welcome',
])

export const grafanaDatasource: LintRule = {
  name: 'grafana-datasource',
  severity: 'warning',
  title: 'A panel that names no data source',
  why: 'It asks whatever is the default data source of the Grafana it lands in: Loki, a test database, the Prometheus of another cluster. Name one, best as a variable (`${datasource}`) that people can choose.',
  bad: dashboardExample({ panel: { datasource: undefined } }),
  good: dashboardExample(),
  check({ dashboards }, report) {
    for (const { tree, title, type, targets } of dashboards.flatMap(({ panels }) => panels)) {
      if (WITHOUT_DATA.has(type) || tree.has('datasource') || targets.length === 0) continue
      if (targets.every(target => target.tree.has('datasource'))) continue
      report({
        at: tree.get('title')?.place ?? tree.place,
        within: tree.place,
        message: `panel ${JSON.stringify(title)} asks the default data source`,
        fix: '"datasource": {"type": "prometheus", "uid": "${datasource}"}',
      })
    }
  },
}
