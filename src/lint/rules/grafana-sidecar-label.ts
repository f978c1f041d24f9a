import type { LintRule } from '../contract.ts'
import type { DashboardView } from '../artefacts/grafana.ts'
import type { ShellCommand } from '../text/shell.ts'

const CONFIG_MAP = (labels: string): string => `apiVersion: v1
kind: ConfigMap
metadata:
  name: celery-dashboard${labels}
data:
  celery.json: |
    {
      "uid": "celery", "title": "Celery", "schemaVersion": 39,
      "panels": [
        {
          "type": "timeseries", "title": "Queues", "gridPos": {"h": 8, "w": 12, "x": 0, "y": 0},
          "datasource": {"type": "prometheus", "uid": "prometheus"}, "fieldConfig": {"defaults": {"unit": "short"}},
          "targets": [{"refId": "A", "expr": "celery_queue_length"}]
        }
      ]
    }
`

export const grafanaSidecarLabel: LintRule = {
  name: 'grafana-sidecar-label',
  severity: 'error',
  title: 'A ConfigMap with a dashboard that no sidecar will load',
  why: "The sidecar of Grafana's chart, and so of kube-prometheus-stack, loads ConfigMaps with the label `grafana_dashboard` only. Without it the ConfigMap exists and the dashboard never appears.",
  bad: [{ path: 'dashboard.yaml', text: CONFIG_MAP('') }],
  good: [{ path: 'dashboard.yaml', text: CONFIG_MAP('\n  labels:\n    grafana_dashboard: "1"') }],
  sources: [
    'https://github.com/grafana/helm-charts/blob/main/charts/grafana/README.md#sidecar-for-dashboards',
  ],
  check({ dashboards, commands, objects }, report) {
    const mounted = objects.some(
      ({ tree }) =>
        tree.get('spec', 'template') !== undefined && tree.place.source.text.includes('/dashboards'),
    )
    const reported = new Set<DashboardView['configMap']>()
    for (const { configMap } of dashboards) {
      if (configMap === undefined || reported.has(configMap) || mounted) continue
      if (Object.keys(configMap.labels).some(label => label.includes('dashboard'))) continue
      reported.add(configMap)
      const name = configMap.tree.get('metadata', 'name')
      report({
        at: name?.place ?? configMap.tree.place,
        within: configMap.tree.place,
        message: `ConfigMap ${configMap.name} holds a dashboard and has no label grafana_dashboard`,
        fix: 'metadata:\n  labels:\n    grafana_dashboard: "1"',
      })
    }
    for (const command of commands) {
      const name = createdDashboard(command)
      if (name === undefined || commands.some(other => labels(other, name))) continue
      report({
        at: command.place,
        message: `ConfigMap ${name} is made from a dashboard and gets no label grafana_dashboard`,
        fix: `kubectl label configmap ${name} grafana_dashboard=1${namespaceOf(command)}`,
      })
    }
  },
}

/** The ConfigMap that a command makes out of a file that is a dashboard by its name. */
function createdDashboard({ words }: ShellCommand): string | undefined {
  const texts = words.map(({ text }) => text)
  const at = texts.indexOf('kubectl')
  if (at < 0 || texts[at + 1] !== 'create' || !/^(?:configmap|cm)$/.test(texts[at + 2] ?? ''))
    return undefined
  const hasDashboard =
    texts.some(text => /^--from-file(?:=|$)/.test(text)) &&
    texts.some(text => /dashboard\S*\.json/.test(text))
  return hasDashboard ? texts[at + 3] : undefined
}

const labels = ({ words }: ShellCommand, name: string): boolean => {
  const texts = words.map(({ text }) => text)
  return (
    texts.includes('label') &&
    texts.includes(name) &&
    texts.some(text => text.startsWith('grafana_dashboard'))
  )
}

const namespaceOf = ({ words }: ShellCommand): string => {
  const word = words.find(({ text }) => /^(?:--namespace|-n)=/.test(text))
  return word === undefined ? '' : ` ${word.text}`
}
