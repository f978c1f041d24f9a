import { type Expr, unwrap } from '../../promql/index.ts'
import type { LintRule } from '../contract.ts'
import type { Use } from '../project.ts'
import { nodes, written } from '../promql/expression.ts'

/** Texts that tell the instances of a scrape apart, or take all labels. */
const TELLS_APART =
  /\$labels\s*\}|\.(?:instance|pod|host|hostname|node|job|server|To|member|replica)\b|labels\.\w+/
const LEGEND_TELLS_APART = /\{\{/

export const quantileByInstance: LintRule = {
  name: 'quantile-by-instance',
  severity: 'warning',
  title: '`histogram_quantile` of buckets that are not summed, told as if it were one',
  why: 'Without `sum by (le, …)` there is one quantile for every scraped instance: one alert and one line each, whose texts are the same. And a quantile of one instance is not that of the service. Sum the buckets by `le` and by the labels that the text names.',
  bad: [
    {
      path: 'slow.rules.yml',
      text: `groups:
  - name: celery
    rules:
      - alert: TasksSlow
        expr: histogram_quantile(0.95, rate(celery_task_runtime_bucket[5m])) > 5
        annotations:
          summary: Tasks are slow
`,
    },
  ],
  good: [
    {
      path: 'slow.rules.yml',
      text: `groups:
  - name: celery
    rules:
      - alert: TasksSlow
        expr: histogram_quantile(0.95, sum by (le, name) (rate(celery_task_runtime_bucket[5m]))) > 5
        annotations:
          summary: Task {{ $labels.name }} is slow
`,
    },
  ],
  sources: ['https://prometheus.io/docs/practices/histograms/#quantiles'],
  check({ uses }, report) {
    for (const use of uses) {
      const { expression, within } = use
      if (tellsApart(use)) continue
      for (const call of nodes(expression, 'call')) {
        const buckets = call.name === 'histogram_quantile' ? call.args[1] : undefined
        if (buckets === undefined || !isPlain(buckets)) continue
        report({
          at: expression.place(call.span),
          within,
          message: 'histogram_quantile() of buckets of each instance, which the text does not tell apart',
          fix: `histogram_quantile(…, sum by (le) (${written(expression, buckets.span)}))`,
        })
      }
    }
  },
}

/** Rates of buckets as they were scraped. */
function isPlain(expr: Expr): boolean {
  const inner = unwrap(expr)
  if (inner.type === 'call')
    return (
      ['rate', 'increase', 'irate'].includes(inner.name) &&
      inner.args[0] !== undefined &&
      isPlain(inner.args[0])
    )
  return inner.type === 'range' && inner.selector.name?.endsWith('_bucket') === true
}

function tellsApart({ rule, legend }: Use): boolean {
  if (rule === undefined) return LEGEND_TELLS_APART.test(legend?.text ?? '')
  // What a recorded series tells apart is decided where it is read.
  if (rule.kind === 'record') return true
  return (
    rule.annotations.length === 0 || rule.annotations.some(({ value }) => TELLS_APART.test(value.text ?? ''))
  )
}
