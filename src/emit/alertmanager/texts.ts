/** Texts of notifications, as Go templates of Alertmanager (alerting/docs/notifications.md). */

const FIRING_COUNT = '{{ if eq .Status "firing" }} {{ .Alerts.Firing | len }}{{ end }}'

/** `FIRING 2 CeleryQueueDepthHigh (default)`. */
export const TITLE = `{{ .Status | toUpper }}${FIRING_COUNT} {{ .CommonLabels.alertname }}{{ if .CommonLabels.broker }} ({{ .CommonLabels.broker }}){{ end }}`

/** One line an alert, firing ones first, each told apart from those that ended (guide-flaw 62). */
export const SLACK_TEXT = [
  '{{ range .Alerts.Firing }}• *{{ .Annotations.summary }}* [{{ .Labels.severity }}]',
  '  {{ .Annotations.description }}{{ if .Annotations.runbook_url }} <{{ .Annotations.runbook_url }}|Runbook>{{ end }}',
  '{{ end }}{{ range .Alerts.Resolved }}• Resolved: {{ .Annotations.summary }}',
  '{{ end }}',
].join('\n')

export const SLACK_COLOR =
  '{{ if ne .Status "firing" }}good{{ else if eq .CommonLabels.severity "critical" }}danger{{ else }}warning{{ end }}'

/** What the phone shows. */
export const PAGERDUTY_DESCRIPTION =
  '{{ range $i, $alert := .Alerts.Firing }}{{ if $i }}; {{ end }}{{ $alert.Annotations.summary }}{{ end }}'

const list = (alerts: string): string =>
  `{{ range ${alerts} }}{{ .Annotations.summary }}: {{ .Annotations.description }}\n{{ end }}`

export const PAGERDUTY_DETAILS = {
  firing: list('.Alerts.Firing'),
  resolved: list('.Alerts.Resolved'),
  runbook: '{{ .CommonAnnotations.runbook_url }}',
} as const

export const SEVERITY =
  '{{ if .CommonLabels.severity }}{{ .CommonLabels.severity }}{{ else }}critical{{ end }}'
