import type { LintRule } from '../contract.ts'

export const promqlSyntax: LintRule = {
  name: 'promql-syntax',
  severity: 'error',
  title: 'An expression that is not PromQL',
  why: 'Prometheus refuses the whole file, and goes on with the rules that it had before, or with none.',
  bad: [
    {
      path: 'broken.rules.yml',
      text: `groups:
  - name: celery
    rules:
      - alert: QueueDeep
        expr: sum by (queue_name (celery_queue_length) > 100
`,
    },
  ],
  good: [
    {
      path: 'broken.rules.yml',
      text: `groups:
  - name: celery
    rules:
      - alert: QueueDeep
        expr: sum by (queue_name) (celery_queue_length) > 100
`,
    },
  ],
  check({ uses }, report) {
    for (const { expression, within } of uses) {
      if (expression.error === undefined) continue
      const { at, reason, hint } = expression.error
      report({ at, within, message: reason, ...(hint === undefined ? {} : { fix: hint }) })
    }
  },
}
