import type { LintRule } from '../contract.ts'
import { dashboardExample } from './examples.ts'

export const grafanaPanelAlert: LintRule = {
  name: 'grafana-panel-alert',
  severity: 'error',
  title: 'An alert inside a panel',
  why: 'Alerts of panels are legacy alerting, removed in Grafana 11: the field is ignored, so the alert that the file shows does not exist. Write an alerting rule for Prometheus, or a Grafana-managed one in a file of its own.',
  bad: dashboardExample({ panel: { alert: { name: 'Queue deep', frequency: '1m' } } }),
  good: dashboardExample(),
  sources: ['https://grafana.com/docs/grafana/latest/whatsnew/whats-new-in-v11-0/'],
  check({ dashboards }, report) {
    for (const { tree, title } of dashboards.flatMap(({ panels }) => panels)) {
      const alert = tree.entry('alert')
      if (alert === undefined || alert.value.kind !== 'map') continue
      const name = alert.value.get('name')?.text
      report({
        at: alert.keyPlace,
        within: tree.place,
        message: `panel ${JSON.stringify(title)} holds an alert${name === undefined ? '' : ` ${JSON.stringify(name)}`} that Grafana ignores`,
        fix: 'Take it out, and write an alerting rule with the same query.',
      })
    }
  },
}
