import { type Expr, unwrap } from '../../promql/index.ts'
import type { LintRule } from '../contract.ts'
import { nodes } from '../promql/expression.ts'
import { numberIn, selectorsIn, shown } from '../promql/inside.ts'

const WORKERS = /(?:^|_)workers?(?:_count|_total|_up)?$|_worker_count$/

export const hardCodedPoolSize: LintRule = {
  name: 'hard-coded-pool-size',
  severity: 'warning',
  title: 'A divisor of workers times a constant',
  why: 'The number of processes of a worker is its `--concurrency`, which differs by machine and changes. With a constant of 4, half-idle workers with 8 processes read 100 % and page, and workers with 2 processes that are full read 50 % and never do. Divide by the pool size that workers report.',
  bad: [
    {
      path: 'load.rules.yml',
      text: `groups:
  - name: celery
    rules:
      - record: broker:celery_worker_busy:ratio
        expr: sum(celery_worker_tasks_active) / (count(celery_worker_up == 1) * 4)
`,
    },
  ],
  good: [
    {
      path: 'load.rules.yml',
      text: `groups:
  - name: celery
    rules:
      - record: broker:celery_worker_busy:ratio
        expr: sum by (broker) (celery_worker_active_tasks) / on (broker) (sum by (broker) (celery_worker_concurrency) > 0)
`,
    },
  ],
  check({ uses }, report) {
    for (const { expression, within } of uses) {
      for (const node of nodes(expression, 'binary')) {
        if (node.op !== '/') continue
        const product = unwrap(node.right)
        if (product.type !== 'binary' || product.op !== '*') continue
        const constant = poolSize(product.left) ?? poolSize(product.right)
        if (constant === undefined || !countsWorkers(product)) continue
        report({
          at: expression.place(product.span),
          within,
          message: `${shown(product)} takes every worker to have ${constant} processes`,
          fix: 'Divide by what workers report: sum by (broker) (celery_worker_concurrency) with Celeriac, sum by (queue_name) (celery_active_process_count) with celery-exporter.',
        })
      }
    }
  },
}

function poolSize(expr: Expr): number | undefined {
  const value = numberIn(expr)
  return value !== undefined && Number.isInteger(value) && value >= 2 && value < 1000 ? value : undefined
}

const countsWorkers = (expr: Expr): boolean =>
  selectorsIn(expr).some(({ name }) => name !== undefined && WORKERS.test(name))
