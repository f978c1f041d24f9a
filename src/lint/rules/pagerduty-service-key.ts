import { integrations } from '../artefacts/alertmanager.ts'
import type { LintRule } from '../contract.ts'
import { alertmanagerExample } from './examples.ts'

const CONFIG = (key: string): string => `route:
  receiver: pagerduty
receivers:
  - name: pagerduty
    pagerduty_configs:
      - ${key}: /etc/alertmanager/secrets/pagerduty
inhibit_rules:
  - source_matchers: [severity="critical"]
    target_matchers: [severity="warning"]
    equal: [alertname]
`

export const pagerdutyServiceKey: LintRule = {
  name: 'pagerduty-service-key',
  severity: 'info',
  title: '`service_key`, for integrations of the older kind',
  why: 'It is for PagerDuty\'s "Prometheus" integration and the Events API v1. The key of an Events API v2 integration, which PagerDuty offers today, goes into `routing_key`; in `service_key` it is refused and nobody is paged.',
  bad: alertmanagerExample(CONFIG('service_key_file')),
  good: alertmanagerExample(CONFIG('routing_key_file')),
  sources: ['https://prometheus.io/docs/alerting/latest/configuration/#pagerduty_config'],
  check({ alertmanagers }, report) {
    for (const { kind, tree } of alertmanagers.flatMap(integrations)) {
      const entry =
        kind === 'pagerduty' ? (tree.entry('service_key') ?? tree.entry('service_key_file')) : undefined
      if (entry === undefined) continue
      report({
        at: entry.keyPlace,
        within: tree.place,
        message: `${entry.key} is for the older kind of integration`,
        fix: entry.key.replace('service_key', 'routing_key'),
      })
    }
  },
}
