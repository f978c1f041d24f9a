import { unwrap } from '../../promql/index.ts'
import type { LintRule } from '../contract.ts'
import { nodes, written } from '../promql/expression.ts'
import { selectorsIn } from '../promql/inside.ts'
import { dashboardExample } from './examples.ts'

export const containerAverage: LintRule = {
  name: 'container-average',
  severity: 'warning',
  title: 'An average of container metrics that holds the pause container and the pod itself',
  why: 'The kubelet exposes a series for each container, one for the pause container and one for the pod as a whole. Their mean says nothing: a pod at 100 % shows 66.7 %. Sum, and leave out what is no container: `sum by (pod) (…{container!=""})`.',
  bad: dashboardExample({
    target: { expr: 'avg by (pod) (rate(container_cpu_usage_seconds_total{pod=~"worker.*"}[5m]))' },
  }),
  good: dashboardExample({
    target: {
      expr: 'sum by (pod) (rate(container_cpu_usage_seconds_total{pod=~"worker.*", container!=""}[5m]))',
    },
  }),
  sources: ['https://kubernetes.io/docs/reference/instrumentation/cadvisor/'],
  check({ uses }, report) {
    for (const { expression, within } of uses) {
      for (const node of nodes(expression, 'aggregate')) {
        if (node.op !== 'avg') continue
        const inner = unwrap(node.expr)
        const selector =
          inner.type === 'selector' || inner.type === 'call' ? selectorsIn(inner)[0] : undefined
        if (
          selector?.name === undefined ||
          !/^container_(?:cpu_usage_seconds_total|memory_\w+_bytes)$/.test(selector.name)
        )
          continue
        const tells = selector.matchers.some(({ name }) =>
          ['container', 'container_name', 'image', 'name'].includes(name),
        )
        if (tells || !selector.matchers.some(({ name }) => name === 'pod' || name === 'namespace')) continue
        if (node.grouping?.without === false && node.grouping.labels.includes('container')) continue
        report({
          at: expression.place(node.span),
          within,
          message: `avg of ${selector.name} counts the pod's own series and its pause container in`,
          fix: written(expression, node.span).replace(/^avg/, 'sum').replace(/\}/, ',container!=""}'),
        })
      }
    }
  },
}
