import type { LintRule } from '../contract.ts'
import { dashboardExample } from './examples.ts'

export const grafanaGridPosition: LintRule = {
  name: 'grafana-grid-position',
  severity: 'warning',
  title: 'A panel without a place',
  why: 'Panels without `gridPos` are stacked on one another in the corner, or laid out anew by each version of Grafana.',
  bad: dashboardExample({ panel: { gridPos: undefined } }),
  good: dashboardExample(),
  check({ dashboards }, report) {
    for (const { tree: dashboard, panels } of dashboards) {
      // Rows of old dashboards lay out their panels by span.
      if (dashboard.has('rows')) continue
      panels.forEach(({ tree, title }, i) => {
        if (tree.has('gridPos') || tree.has('span')) return
        const gridPos = { h: 8, w: 12, x: (i % 2) * 12, y: Math.floor(i / 2) * 8 }
        report({
          at: tree.get('title')?.place ?? tree.place,
          within: tree.place,
          message: `panel ${JSON.stringify(title)} has no gridPos`,
          fix: `"gridPos": ${JSON.stringify(gridPos)}`,
        })
      })
    }
  },
}
