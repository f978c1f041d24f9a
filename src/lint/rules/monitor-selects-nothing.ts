import { answersSelector, type KubernetesObject, podTemplate } from '../artefacts/kubernetes.ts'
import type { LintRule } from '../contract.ts'
import type { Tree } from '../text/tree.ts'

const SERVICE = (app: string): string => `apiVersion: v1
kind: Service
metadata:
  name: celery-exporter
  namespace: monitoring
  labels:
    app: ${app}
spec:
  ports:
    - name: metrics
      port: 9808
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: celery
  namespace: monitoring
spec:
  selector:
    matchLabels:
      app: celery
  endpoints:
    - port: metrics
`

export const monitorSelectsNothing: LintRule = {
  name: 'monitor-selects-nothing',
  severity: 'error',
  title: 'A ServiceMonitor or PodMonitor that selects none of the Services or workloads given with it',
  why: 'Labels are compared letter by letter. A monitor that selects nothing is no error anywhere: there is simply no target, no metric, and no alert.',
  bad: [{ path: 'monitor.yaml', text: SERVICE('celery-exporter') }],
  good: [{ path: 'monitor.yaml', text: SERVICE('celery') }],
  sources: ['https://prometheus-operator.dev/docs/developer/getting-started/'],
  check({ objects }, report) {
    for (const monitor of objects) {
      const isService = monitor.kind === 'ServiceMonitor'
      if (!isService && monitor.kind !== 'PodMonitor') continue
      const selector = monitor.tree.get('spec', 'selector')
      const candidates = candidatesOf(monitor, objects, isService)
      if (candidates.length === 0 || selector === undefined) continue
      const selected = candidates.filter(({ labels }) => answersSelector(selector, labels))
      if (selected.length === 0) {
        const [first] = candidates
        report({
          at: selector.place,
          within: monitor.tree.place,
          message: `${monitor.kind} ${monitor.name} selects ${wordsOf(selector)}; ${
            candidates.length === 1 ? 'the only' : 'none of the'
          } ${isService ? 'Service' : 'workload'}${candidates.length === 1 ? ` here, ${first?.name},` : 's here'} ${
            candidates.length === 1 ? `has ${labelWords(first?.labels ?? {})}` : 'has it'
          }`,
          fix: `matchLabels: { ${labelWords(commonLabels(first?.labels ?? {}))} }`,
        })
        continue
      }
      const ports = new Set(selected.flatMap(each => each.ports))
      for (const endpoint of monitor.tree.get('spec', isService ? 'endpoints' : 'podMetricsEndpoints')
        ?.items ?? []) {
        const port = endpoint.get('port')
        if (
          port?.text === undefined ||
          ports.has(port.text) ||
          selected.some(each => each.ports.length === 0)
        )
          continue
        report({
          at: port.place,
          within: monitor.tree.place,
          message: `${monitor.kind} ${monitor.name} scrapes port ${port.text}, which ${selected[0]?.name} does not have (it has ${[...ports].join(', ')})`,
          fix: `port: ${[...ports][0]}`,
        })
      }
    }
  },
}

interface Candidate {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Names of ports; empty when none has a name. */
  readonly ports: readonly string[]
}

/** What a monitor may select: Services, or the pods of workloads, in its namespaces. */
function candidatesOf(
  monitor: KubernetesObject,
  objects: readonly KubernetesObject[],
  isService: boolean,
): readonly Candidate[] {
  const namespaces = monitor.tree.get('spec', 'namespaceSelector')
  const any = namespaces?.get('any')?.boolean === true
  const wanted =
    namespaces?.get('matchNames')?.texts ??
    (monitor.namespace === undefined ? undefined : [monitor.namespace])
  const visible = objects.filter(
    ({ namespace }) => any || wanted === undefined || namespace === undefined || wanted.includes(namespace),
  )
  if (isService)
    return visible
      .filter(({ kind }) => kind === 'Service')
      .map(({ name, labels, tree }) => ({ name, labels, ports: portNames(tree.get('spec', 'ports')) }))
  return visible.flatMap(object => {
    const template = podTemplate(object)
    const labels = template?.get('metadata', 'labels')?.record
    if (template === undefined || labels === undefined || !template.has('spec')) return []
    const containers = template.get('spec', 'containers')?.items ?? []
    return [{ name: object.name, labels, ports: containers.flatMap(each => portNames(each.get('ports'))) }]
  })
}

const portNames = (ports: Tree | undefined): readonly string[] =>
  (ports?.items ?? []).flatMap(port => port.get('name')?.scalar ?? [])

const labelWords = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}: ${value}`)
    .join(', ') || 'no labels'

const wordsOf = (selector: Tree): string => labelWords(selector.get('matchLabels')?.record ?? {})

/** The labels that say what a thing is, not which version of it. */
const commonLabels = (labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(labels).filter(([key]) => !/version|chart|managed-by|helm/.test(key)))
