import { type Expr, parse, print } from '../../promql/index.ts'
import type { LintRule } from '../contract.ts'
import { CELERIAC_RECORDED } from '../knowledge/index.ts'

export const recordedName: LintRule = {
  name: 'recorded-name',
  severity: 'info',
  title: 'A recorded series that is named like a metric',
  why: 'Recorded series are called `level:metric:operation`, so that everybody sees which labels are left and what was done, and no exporter can ever expose the same name beside it. The series that Celeriac records under the names of well-known guides are left alone.',
  bad: [
    {
      path: 'load.rules.yml',
      text: `groups:
  - name: celery
    rules:
      - record: celery_tasks_active_total
        expr: sum by (hostname) (celery_worker_tasks_active)
`,
    },
  ],
  good: [
    {
      path: 'load.rules.yml',
      text: `groups:
  - name: celery
    rules:
      - record: hostname:celery_worker_tasks_active:sum
        expr: sum by (hostname) (celery_worker_tasks_active)
`,
    },
  ],
  sources: ['https://prometheus.io/docs/practices/rules/'],
  check({ rules }, report) {
    for (const { kind, name, namePlace, place, expression } of rules) {
      if (kind !== 'record' || name.includes(':') || isOurs(name, expression.tree)) continue
      report({
        at: namePlace,
        within: place,
        message: `${name} is recorded and looks like a metric that somebody exposes`,
        fix: `${levelOf(expression.tree)}:${name}`,
      })
    }
  },
}

function isOurs(name: string, tree: Expr | undefined): boolean {
  const text = CELERIAC_RECORDED.get(name)
  return text !== undefined && tree !== undefined && print(parse(text)) === print(tree)
}

/** The labels that are left, when the expression says so. */
function levelOf(tree: Expr | undefined): string {
  const labels = tree?.type === 'aggregate' && tree.grouping?.without === false ? tree.grouping.labels : []
  return labels.length === 0 ? 'job' : labels.join('_')
}
