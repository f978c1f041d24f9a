/** The catalog for a cluster with Prometheus Operator: nothing has to be edited for kube-prometheus-stack to take it up. */
import type { EmittedFile } from '../file.ts'
import { header } from '../header.ts'
import { type KubernetesObject, serviceObject } from '../kubernetes-object.ts'
import type { EmitSettings } from '../settings.ts'
import type { Target } from '../target.ts'
import { toYaml, type YamlNote, yamlStream } from '../yaml.ts'
import { alertmanagerConfigObject, SECRET_NAME } from './alertmanager-config.ts'
import { DEFAULT_RELEASE, prometheusRuleObject, RELEASE_LABEL, serviceMonitorObject } from './objects.ts'
import { SECRET_KEYS } from '../alertmanager/routing.ts'

function emitOperator(settings: EmitSettings): readonly EmittedFile[] {
  const file = (
    path: string,
    what: string,
    object: KubernetesObject,
    notes: readonly YamlNote[] = [],
  ): EmittedFile => ({
    path,
    content: toYaml(header(settings, what, `kubectl apply -f ${path}`), object, notes),
  })
  const release: YamlNote = [
    ['metadata', 'labels', RELEASE_LABEL],
    `The Helm release of kube-prometheus-stack, whose Prometheus takes no other objects: helm list -A tells its name.\nAnother one: --label ${RELEASE_LABEL}=NAME`,
  ]
  return [
    file(
      'service.yaml',
      'The Service of Celeriac: the UI, the API and the metrics on one port.',
      serviceObject(settings),
      [[['spec', 'selector'], 'Labels of the pods; others: --selector NAME=VALUE']],
    ),
    file(
      'servicemonitor.yaml',
      'Lets Prometheus scrape Celeriac through service.yaml.',
      serviceMonitorObject(settings),
      [
        release,
        [
          ['spec', 'jobLabel'],
          'The job is the value of this label of the Service; the alerts on Celeriac look for it.',
        ],
        [['spec', 'selector'], 'Labels of service.yaml.'],
        [
          ['spec', 'endpoints', 0, 'honorLabels'],
          'Celeriac tells of containers and queues of others: its labels win over those of the scrape.',
        ],
      ],
    ),
    file(
      'prometheusrule.yaml',
      'Recorded series, alerts on Celery fleets, and alerts on Celeriac itself.',
      prometheusRuleObject(settings),
      [release],
    ),
    file(
      'alertmanagerconfig.yaml',
      [
        'Routes: critical alerts to PagerDuty and Slack, all others to Slack.',
        `It reads a Secret, which you make of two files that hold nothing but the secret itself:`,
        `  kubectl -n ${settings.namespace} create secret generic ${SECRET_NAME} \\`,
        ...Object.values(SECRET_KEYS).map(
          (key, i, all) => `    --from-file=${key}${i < all.length - 1 ? ' \\' : ''}`,
        ),
        'kube-prometheus-stack takes every AlertmanagerConfig of every namespace by default.',
      ].join('\n'),
      alertmanagerConfigObject(settings),
    ),
  ]
}

export const operatorTarget: Target = {
  name: 'operator',
  description: `objects for Prometheus Operator: Service, ServiceMonitor, PrometheusRule, AlertmanagerConfig (label release=${DEFAULT_RELEASE})`,
  uses: ['config', 'namespace', 'label', 'selector', 'pagerdutyUrl', 'watchdogUrl'],
  files: emitOperator,
  print: settings => yamlStream(emitOperator(settings).map(({ content }) => content)),
}
