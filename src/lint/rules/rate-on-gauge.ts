import type { LintRule } from '../contract.ts'
import { nodes, written } from '../promql/expression.ts'
import { selectorsIn } from '../promql/inside.ts'

/** What a function for counters is on gauges; irate has no counterpart. */
const COUNTERPART: Readonly<Record<string, string | undefined>> = {
  rate: 'deriv',
  increase: 'delta',
  irate: undefined,
}

export const rateOnGauge: LintRule = {
  name: 'rate-on-gauge',
  severity: 'error',
  title: '`rate`, `irate` or `increase` of a gauge',
  why: 'These functions take every fall of a value for a restart of a counter and add what came before. A queue that drains in a saw-tooth, 60 tasks down and 20 up, is reported as growing. Use `deriv` for the slope of a gauge and `delta` for its change.',
  bad: [
    {
      path: 'queue.rules.yml',
      text: `groups:
  - name: celery
    rules:
      - alert: QueueGrowing
        expr: sum by (queue) (rate(celery_queue_depth[5m])) > 1
`,
    },
  ],
  good: [
    {
      path: 'queue.rules.yml',
      text: `groups:
  - name: celery
    rules:
      - alert: QueueGrowing
        expr: sum by (queue) (deriv(celery_queue_depth[5m])) > 1
`,
    },
  ],
  sources: ['https://prometheus.io/docs/prometheus/latest/querying/functions/#rate'],
  check({ uses, metrics, recorded }, report) {
    for (const { expression, within } of uses) {
      for (const call of nodes(expression, 'call')) {
        const [arg] = call.args
        if (!Object.hasOwn(COUNTERPART, call.name) || arg?.type !== 'range') continue
        const gauge = selectorsIn(arg).find(
          ({ name }) => name !== undefined && !recorded.has(name) && metrics.get(name)?.kind === 'gauge',
        )
        if (gauge?.name === undefined) continue
        const counterpart = COUNTERPART[call.name]
        const at = expression.place(call.span)
        report({
          at,
          within,
          message: `${call.name}() of ${gauge.name}, which is a gauge (${metrics.get(gauge.name)?.origin})`,
          ...(counterpart === undefined
            ? {}
            : {
                fix: `${counterpart}${written(expression, call.span).slice(call.name.length)}`,
                edits: [{ start: at.start, end: at.start + call.name.length, text: counterpart }],
              }),
        })
      }
    }
  },
}
