import type { LintRule } from '../contract.ts'
import { guardEdits, openDivisors } from '../promql/divisor.ts'
import { shown } from '../promql/inside.ts'

export const divisorMayBeZero: LintRule = {
  name: 'divisor-may-be-zero',
  severity: 'error',
  title: 'A division by a count that can be 0',
  why: 'In a total outage the count is 0, the quotient is +Inf, and an alert on saturation fires with "+Inf% busy" beside the one that matters. With `> 0` behind the divisor there is no quotient while there is nothing to divide by.',
  bad: [
    {
      path: 'load.rules.yml',
      text: `groups:
  - name: celery
    rules:
      - record: queue_name:celery_queue_length_per_worker:ratio
        expr: |
          sum by (queue_name) (celery_queue_length)
          / on (queue_name)
          sum by (queue_name) (celery_active_worker_count) # workers that consume
`,
    },
  ],
  good: [
    {
      path: 'load.rules.yml',
      text: `groups:
  - name: celery
    rules:
      - record: queue_name:celery_queue_length_per_worker:ratio
        expr: |
          sum by (queue_name) (celery_queue_length)
          / on (queue_name)
          (sum by (queue_name) (celery_active_worker_count) > 0) # workers that consume
`,
    },
  ],
  check(project, report) {
    for (const open of openDivisors(project, 'count')) {
      const { use, division, metric } = open
      report({
        at: use.expression.place(division.right.span),
        within: use.within,
        message: `${shown(division.right)} is 0 when ${metric.name} is, and the quotient is +Inf then`,
        ...guardEdits(open),
      })
    }
  },
}
