import { routesBelow } from '../artefacts/alertmanager.ts'
import type { LintRule } from '../contract.ts'
import type { Project } from '../project.ts'
import { labelsUsed } from '../../promql/index.ts'
import { alertmanagerExample } from './examples.ts'

const RULES = {
  path: 'celery.rules.yml',
  text: `groups:
  - name: celery
    rules:
      - alert: QueueDeep
        expr: sum by (queue_name) (celery_queue_length) > 100
        labels:
          severity: warning
`,
}
const CONFIG = (labels: string): string => `route:
  receiver: webhook
  group_by: [${labels}]
receivers:
  - name: webhook
    webhook_configs:
      - url: http://127.0.0.1:8080/
inhibit_rules:
  - source_matchers: [severity="critical"]
    target_matchers: [severity="warning"]
    equal: [alertname]
`
/** Labels that a scrape, a Prometheus or Alertmanager itself adds. */
const GIVEN: ReadonlySet<string> = new Set([
  'alertname',
  '...',
  'job',
  'instance',
  'namespace',
  'pod',
  'container',
  'node',
  'prometheus',
  'prometheus_replica',
  'endpoint',
])

export const alertmanagerGroupBy: LintRule = {
  name: 'alertmanager-group-by',
  severity: 'warning',
  title: 'Grouping by a label that no alert has',
  why: 'A label that is missing everywhere groups nothing. What looks like a group for each cluster and service is one group for each alert name, over all fleets: one message, and the second fleet in trouble is a line in it.',
  bad: [RULES, ...alertmanagerExample(CONFIG('alertname, cluster'))],
  good: [RULES, ...alertmanagerExample(CONFIG('alertname, queue_name'))],
  sources: ['https://prometheus.io/docs/alerting/latest/configuration/#route'],
  check(project, report) {
    if (project.alerts.length === 0) return
    const set = labelsOfAlerts(project)
    for (const { route: root } of project.alertmanagers) {
      if (root === undefined) continue
      for (const { route } of routesBelow(root)) {
        const given = route.get('group_by')
        const odd = (given?.items ?? []).filter(
          item => item.scalar !== undefined && !set.has(item.scalar) && !GIVEN.has(item.scalar),
        )
        if (given === undefined || odd.length === 0) continue
        report({
          at: given.place,
          within: route.place,
          message: `no alert in these files has ${odd.map(item => item.scalar).join(' or ')}, and no Prometheus configuration here adds it`,
          fix: `group_by: [${[...given.items.filter(item => !odd.includes(item)).flatMap(item => item.scalar ?? []), ...suggested(project)].join(', ')}]`,
        })
      }
    }
  },
}

/** Labels that rules set or leave, and external labels. */
function labelsOfAlerts({ alerts, recorded, metrics, scrapeConfigs, objects }: Project): ReadonlySet<string> {
  const labels = new Set<string>()
  for (const { expression, labels: own } of [...alerts, ...recorded.values()]) {
    for (const label of Object.keys(own)) labels.add(label)
    if (expression.tree === undefined) continue
    for (const label of labelsUsed(expression.tree)) labels.add(label)
  }
  for (const alert of alerts) {
    const names = [...alert.expression.source.text.matchAll(/[a-zA-Z_:][\w:]*/g)].map(match => match[0])
    for (const name of names) for (const label of metrics.get(name)?.labels ?? []) labels.add(label)
  }
  for (const config of scrapeConfigs) {
    for (const { key } of config.get('global', 'external_labels')?.entries ?? []) labels.add(key)
    for (const match of config.place.source.text.matchAll(/target_label:\s*["']?(\w+)/g))
      labels.add(match[1] ?? '')
    for (const job of config.get('scrape_configs')?.items ?? [])
      for (const target of job.get('static_configs')?.items ?? [])
        for (const { key } of target.get('labels')?.entries ?? []) labels.add(key)
  }
  for (const { kind, tree } of objects)
    if (kind === 'Prometheus')
      for (const { key } of tree.get('spec', 'externalLabels')?.entries ?? []) labels.add(key)
  return labels
}

const suggested = ({ alerts }: Project): readonly string[] => {
  const common = new Set(alerts.flatMap(({ labels }) => Object.keys(labels)))
  return ['component', 'broker', 'queue'].filter(label => common.has(label))
}
