/** The objects that Prometheus Operator reads (prometheus-operator, API reference of monitoring.coreos.com). */
import { formatDuration } from '../../base/index.ts'
import { type KubernetesObject, objectMeta } from '../kubernetes-object.ts'
import { METRICS_PATH, NAME, NAME_LABEL, PORT_NAME, SERVICE_LABELS } from '../names.ts'
import { outsideGroups } from '../prometheus/meta.ts'
import { ruleFileGroup } from '../prometheus/rule-file.ts'
import type { EmitSettings } from '../settings.ts'

/**
 * kube-prometheus-stack's Prometheus takes only ServiceMonitors and PrometheusRules that carry the name of its own Helm release
 * (`serviceMonitorSelectorNilUsesHelmValues` and `ruleSelectorNilUsesHelmValues` are true by default; guide-flaw 33).
 */
export const RELEASE_LABEL = 'release'
export const DEFAULT_RELEASE = 'kube-prometheus-stack'

const selectedMeta = (settings: EmitSettings, name: string = NAME): KubernetesObject['metadata'] =>
  objectMeta(settings, name, { [RELEASE_LABEL]: DEFAULT_RELEASE })

/** Scrapes the Service of `serviceObject`, by its labels and the name of its port (guide-flaw 32). */
export const serviceMonitorObject = (settings: EmitSettings): KubernetesObject => ({
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'ServiceMonitor',
  metadata: selectedMeta(settings),
  spec: {
    jobLabel: NAME_LABEL,
    namespaceSelector: { matchNames: [settings.namespace] },
    selector: { matchLabels: SERVICE_LABELS },
    endpoints: [
      {
        port: PORT_NAME,
        path: METRICS_PATH,
        interval: formatDuration(settings.intervalMs),
        honorLabels: true,
      },
    ],
  },
})

/**
 * Recording rules, alerts and what watches Celeriac. Every alert says its namespace: the operator lets the routes of an
 * AlertmanagerConfig see only alerts of the namespace that it stands in.
 */
export const prometheusRuleObject = (settings: EmitSettings): KubernetesObject => ({
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'PrometheusRule',
  metadata: selectedMeta(settings),
  spec: {
    groups: outsideGroups(settings)
      .map(ruleFileGroup)
      .map(group => ({
        ...group,
        rules: group.rules.map(rule =>
          'alert' in rule ? { ...rule, labels: { ...rule.labels, namespace: settings.namespace } } : rule,
        ),
      })),
  },
})
