import type { LintRule } from '../contract.ts'
import { dashboardExample } from './examples.ts'

export const grafanaUid: LintRule = {
  name: 'grafana-uid',
  severity: 'warning',
  title: 'A dashboard without `uid`',
  why: 'Grafana makes a new one at every import: links from alerts and runbooks break, and copies pile up.',
  bad: dashboardExample({ dashboard: { uid: undefined } }),
  good: dashboardExample(),
  check({ dashboards }, report) {
    for (const { tree } of dashboards) {
      if ((tree.get('uid')?.text ?? '') !== '') continue
      const title = tree.get('title')
      report({
        at: title?.place ?? tree.place,
        message: `dashboard ${JSON.stringify(title?.text ?? '')} has no uid`,
        fix: `"uid": "${slugOf(title?.text ?? 'dashboard')}"`,
      })
    }
  },
}

const MAX_UID_LENGTH = 40

const slugOf = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, MAX_UID_LENGTH)
    .replaceAll(/^-|-$/g, '')
