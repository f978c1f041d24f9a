import { integrations } from '../artefacts/alertmanager.ts'
import type { LintRule } from '../contract.ts'
import { alertmanagerExample } from './examples.ts'

const CONFIG = (text: string): string => `route:
  receiver: slack
receivers:
  - name: slack
    slack_configs:
      - channel: '#alerts'
        api_url_file: /etc/alertmanager/slack
        text: '${text}'
inhibit_rules:
  - source_matchers: [severity="critical"]
    target_matchers: [severity="warning"]
    equal: [alertname]
`
/** A loop over alerts whose body is nothing but one value. */
const RUN_TOGETHER = /\{\{-?\s*range\s+\.Alerts(?:\.Firing)?\s*-?\}\}\{\{[^{}]*\}\}\{\{-?\s*end\s*-?\}\}/

export const alertmanagerTextRunsTogether: LintRule = {
  name: 'alertmanager-text-runs-together',
  severity: 'warning',
  title: 'Texts of several alerts without anything between them',
  why: 'Alerts come in groups. "First problemSecond problem" is what people read, and nothing says that the second is over already.',
  bad: alertmanagerExample(CONFIG('{{ range .Alerts }}{{ .Annotations.description }}{{ end }}')),
  good: alertmanagerExample(
    CONFIG('{{ range .Alerts }}• {{ .Status }}: {{ .Annotations.description }}\n\n{{ end }}'),
  ),
  check({ alertmanagers }, report) {
    for (const { tree } of alertmanagers.flatMap(integrations)) {
      for (const { key, value } of tree.entries) {
        if (value.text === undefined || !RUN_TOGETHER.test(value.text)) continue
        report({
          at: value.place,
          within: tree.place,
          message: `${key} joins the texts of alerts with nothing between`,
          fix: '{{ range .Alerts }}• {{ .Status }}: {{ .Annotations.description }}{{ "\\n" }}{{ end }}',
        })
      }
    }
  },
}
