import { routesBelow } from '../artefacts/alertmanager.ts'
import type { LintRule } from '../contract.ts'
import { alertmanagerExample } from './examples.ts'

const CONFIG = (more: string): string => `route:
  receiver: slack
  routes:
    - matchers: [severity="critical"]
      receiver: pagerduty
      continue: true${more}
receivers:
  - name: slack
    slack_configs:
      - channel: '#alerts'
        api_url_file: /etc/alertmanager/slack
  - name: pagerduty
    pagerduty_configs:
      - routing_key_file: /etc/alertmanager/pagerduty
inhibit_rules:
  - source_matchers: [severity="critical"]
    target_matchers: [severity="warning"]
    equal: [alertname]
`

export const alertmanagerContinue: LintRule = {
  name: 'alertmanager-continue',
  severity: 'error',
  title: '`continue: true` on the last route of its level',
  why: "An alert goes on to the next sibling that matches, and there is none. The parent's receiver is used only when no child matches. So a critical alert that was meant for PagerDuty and Slack reaches PagerDuty alone. Write a second child that takes it to the other receiver.",
  bad: alertmanagerExample(CONFIG('')),
  good: alertmanagerExample(CONFIG('\n    - matchers: [severity="critical"]\n      receiver: slack')),
  sources: ['https://prometheus.io/docs/alerting/latest/configuration/#route'],
  check({ alertmanagers }, report) {
    for (const { route: root } of alertmanagers) {
      if (root === undefined) continue
      const inherited = root.get('receiver')?.scalar ?? ''
      for (const { route, siblings } of routesBelow(root)) {
        const flag = route.get('continue')
        if (route === root || flag?.boolean !== true || siblings.at(-1) !== route) continue
        const receiver = route.get('receiver')?.scalar ?? inherited
        report({
          at: flag.place,
          within: route.place,
          message: `continue: true, but no route follows: what matches reaches ${receiver} only, never ${inherited}`,
          fix: `A further route below it with the same matchers and receiver: ${inherited}`,
        })
      }
    }
  },
}
