import type { LintRule } from '../contract.ts'
import { dashboardExample } from './examples.ts'

const WITH_NUMBERS: ReadonlySet<string> = new Set([
  'timeseries',
  'graph',
  'stat',
  'singlestat',
  'gauge',
  'bargauge',
])

export const grafanaUnit: LintRule = {
  name: 'grafana-unit',
  severity: 'info',
  title: 'A panel of numbers without a unit',
  why: '`7516192768` on a wall is read by nobody at three in the morning; `7 GiB` is. Where a number has no unit, `short` says so.',
  bad: dashboardExample({ panel: { fieldConfig: { defaults: {}, overrides: [] } } }),
  good: dashboardExample(),
  check({ dashboards }, report) {
    for (const { tree, title, type } of dashboards.flatMap(({ panels }) => panels)) {
      if (!WITH_NUMBERS.has(type) || tree.has('yaxes') || tree.has('format')) continue
      if (tree.get('fieldConfig', 'defaults')?.has('unit') === true) continue
      const overrides = tree.get('fieldConfig', 'overrides')?.items ?? []
      if (
        overrides.some(override =>
          (override.get('properties')?.items ?? []).some(property => property.get('id')?.text === 'unit'),
        )
      )
        continue
      report({
        at: tree.get('title')?.place ?? tree.place,
        within: tree.place,
        message: `panel ${JSON.stringify(title)} shows numbers without a unit`,
        fix: '"fieldConfig": {"defaults": {"unit": "short"}}',
      })
    }
  },
}
