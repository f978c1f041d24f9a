import type { LintRule } from '../contract.ts'
import { dashboardExample } from './examples.ts'

const [bare] = dashboardExample()

export const grafanaWrapped: LintRule = {
  name: 'grafana-wrapped',
  severity: 'error',
  title: 'A dashboard wrapped in the body of an API request',
  why: '`{"dashboard": …}` is what `POST /api/dashboards/db` takes. Provisioning from files and the import page take the dashboard itself, see no title at the top, and refuse: "Dashboard title cannot be empty".',
  bad: [{ path: 'dashboard.json', text: `{"dashboard": ${bare?.text.trimEnd()}}\n` }],
  good: dashboardExample(),
  sources: ['https://grafana.com/docs/grafana/latest/administration/provisioning/#dashboards'],
  check({ dashboards }, report) {
    for (const { tree, wrapper } of dashboards) {
      if (wrapper === undefined) continue
      const entry = wrapper.entry('dashboard')
      const { place } = wrapper
      report({
        at: entry?.keyPlace ?? place,
        message: 'the file is a request body around a dashboard, not a dashboard',
        fix: 'Write what is inside "dashboard" at the top of the file.',
        ...(wrapper.entries.length === 1
          ? {
              edits: [
                { start: place.start, end: tree.place.start, text: '' },
                { start: tree.place.end, end: place.end, text: '' },
              ],
            }
          : {}),
      })
    }
  },
}
