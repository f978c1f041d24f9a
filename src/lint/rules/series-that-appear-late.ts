import { type Expr, unwrap } from '../../promql/index.ts'
import type { LintRule } from '../contract.ts'
import type { Project } from '../project.ts'
import { nodes } from '../promql/expression.ts'
import { selectorsIn, shown } from '../promql/inside.ts'

export const seriesThatAppearLate: LintRule = {
  name: 'series-that-appear-late',
  severity: 'error',
  title: 'A sum of counters of which one may not exist yet',
  why: 'The series of a counter with labels appears when the thing first happens. While every task fails from the start there is no series of successes, `succeeded + failed` is empty, the ratio is empty, and the alert that should fire is silent. Give the missing side 0: `or 0 * …`, or `or vector(0)` without labels.',
  bad: [
    {
      path: 'tasks.rules.yml',
      text: `groups:
  - name: celery
    rules:
      - record: name:celery_task_finished:rate5m
        expr: |
          sum by (name) (rate(celery_task_succeeded_total[5m]))
          +
          sum by (name) (rate(celery_task_failed_total[5m]))
`,
    },
  ],
  good: [
    {
      path: 'tasks.rules.yml',
      text: `groups:
  - name: celery
    rules:
      - record: name:celery_task_finished:rate5m
        expr: |
          (sum by (name) (rate(celery_task_succeeded_total[5m])) or 0 * sum by (name) (rate(celery_task_failed_total[5m])))
          +
          (sum by (name) (rate(celery_task_failed_total[5m])) or 0 * sum by (name) (rate(celery_task_succeeded_total[5m])))
`,
    },
  ],
  sources: ['https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics'],
  check(project, report) {
    for (const { expression, within } of project.uses) {
      for (const node of nodes(expression, 'binary')) {
        if (node.op !== '+' && node.op !== '-') continue
        const [left, right] = [bareCounter(node.left, project), bareCounter(node.right, project)]
        if (left === undefined || right === undefined || left === right) continue
        report({
          at: expression.place(node.span),
          within,
          message: `${left} ${node.op} ${right} is empty until both have a series`,
          fix: `(${shown(node.left)} or 0 * ${shown(node.right)}) ${node.op} (${shown(node.right)} or 0 * ${shown(node.left)})`,
        })
      }
    }
  },
}

/** The counter that appears late whose rate or increase an expression is, with nothing in its place when it is missing. */
function bareCounter(expr: Expr, project: Project): string | undefined {
  const inner = unwrap(expr)
  if (inner.type === 'aggregate') return bareCounter(inner.expr, project)
  if (inner.type !== 'call' || !['rate', 'increase', 'irate'].includes(inner.name)) return undefined
  const [selector] = selectorsIn(inner)
  const metric = selector?.name === undefined ? undefined : project.metrics.get(selector.name)
  return metric?.appearsLate === true ? selector?.name : undefined
}
