import { type Expr, unwrap } from '../../promql/index.ts'
import type { LintRule } from '../contract.ts'
import type { KnownMetric } from '../knowledge/index.ts'
import type { Project } from '../project.ts'
import { nodes } from '../promql/expression.ts'
import { limitOf, selectorsIn } from '../promql/inside.ts'

export const thresholdOutsideBuckets: LintRule = {
  name: 'threshold-outside-buckets',
  severity: 'error',
  title: 'A quantile compared with a value that its histogram cannot reach',
  why: "A quantile that falls into the last bucket is that bucket's lower bound: with prometheus_client's default buckets it is never more than 10 s. `p95 > 60` can not become true, even when every task takes an hour. Give the histogram buckets on both sides of the limit.",
  bad: [
    {
      path: 'exporter.py',
      text: `runtime = Histogram('report_seconds', 'Time to make a report', ['task'])
`,
    },
    {
      path: 'reports.rules.yml',
      text: `groups:
  - name: reports
    rules:
      - alert: ReportsSlow
        expr: histogram_quantile(0.95, sum by (le, task) (rate(report_seconds_bucket[5m]))) > 60
`,
    },
  ],
  good: [
    {
      path: 'exporter.py',
      text: `runtime = Histogram('report_seconds', 'Time to make a report', ['task'], buckets=(1, 5, 15, 30, 60, 120, 600))
`,
    },
    {
      path: 'reports.rules.yml',
      text: `groups:
  - name: reports
    rules:
      - alert: ReportsSlow
        expr: histogram_quantile(0.95, sum by (le, task) (rate(report_seconds_bucket[5m]))) > 60
`,
    },
  ],
  sources: ['https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile'],
  check(project, report) {
    for (const { expression, within } of project.uses) {
      for (const node of nodes(expression, 'binary')) {
        const limit = limitOf(node)
        const histogram = limit === undefined ? undefined : quantileOf(limit.of, project)
        const last = histogram?.buckets?.at(-1)
        if (limit === undefined || histogram === undefined || last === undefined) continue
        if (limit.op !== '>' && limit.op !== '>=') continue
        if (limit.op === '>' ? limit.value < last : limit.value <= last) continue
        report({
          at: expression.place(node.span),
          within,
          message: `a quantile of ${histogram.name} is never ${limit.op} ${limit.value}: its last bucket ends at ${last} (${histogram.origin})`,
          fix: `Declare ${histogram.name} with buckets beyond ${limit.value}, such as ${limit.value / 2}, ${limit.value}, ${limit.value * 2}, ${limit.value * 10}.`,
        })
      }
    }
  },
}

function quantileOf(expr: Expr, { metrics }: Project): KnownMetric | undefined {
  const inner = unwrap(expr)
  if (inner.type !== 'call' || inner.name !== 'histogram_quantile') return undefined
  const name = selectorsIn(inner).find(selector => selector.name?.endsWith('_bucket') === true)?.name
  return name === undefined ? undefined : metrics.get(name)
}
