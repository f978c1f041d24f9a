import { type Expr, selectors } from '../../promql/index.ts'
import type { LintRule } from '../contract.ts'
import type { Project } from '../project.ts'
import { nodes } from '../promql/expression.ts'
import { limitOf, selectorsIn, shown } from '../promql/inside.ts'

const LIVENESS =
  /^(?:celery_worker_count|celery_workers?|celery_worker_up|celery_active_worker_count|celery_active_consumer_count|celery_active_process_count|celery_queue_consumers|celery_broker_up|redis_up)$/

export const absenceUnseen: LintRule = {
  name: 'absence-unseen',
  severity: 'warning',
  title: 'Nothing tells when the number that says all is down is gone itself',
  why: '`celery_worker_count == 0` needs a series. When the exporter, its scrape or its broker is gone there is none: every alert goes quiet, and that looks like health. Have one alert on `up == 0` or `absent(…)` of what is scraped, and a Watchdog that always fires for the way behind it.',
  bad: [
    {
      path: 'workers.rules.yml',
      text: `groups:
  - name: celery
    rules:
      - alert: NoWorkers
        expr: sum(celery_active_worker_count) == 0
        for: 1m
`,
    },
  ],
  good: [
    {
      path: 'workers.rules.yml',
      text: `groups:
  - name: celery
    rules:
      - alert: NoWorkers
        expr: sum(celery_active_worker_count) == 0
        for: 1m
      - alert: CeleryNotSeen
        expr: absent(celery_active_worker_count)
        for: 5m
`,
    },
  ],
  sources: ['https://prometheus.io/docs/prometheus/latest/querying/functions/#absent'],
  check(project, report) {
    if (
      project.alerts.some(({ expression }) => expression.tree !== undefined && seesAbsence(expression.tree))
    )
      return
    const alerts = project.alerts.filter(alert => alert.expression.tree !== undefined)
    for (const alert of alerts) {
      const { expression } = alert
      const limit = nodes(expression, 'binary')
        .map(limitOf)
        .find(found => found !== undefined && saysDown(found.op, found.value))
      const metric = limit === undefined ? undefined : livenessIn(limit.of, project)
      if (limit === undefined || metric === undefined) continue
      report({
        at: expression.place(limit.node.span),
        within: alert.place,
        message: `${alert.name} (${shown(limit.node)}) is silent when ${metric} is missing, and no alert in these files asks for absent() or up`,
        fix: `- alert: ${alert.name}Unseen\n  expr: absent(${metric})\n  for: 5m`,
      })
    }
  },
}

const saysDown = (op: string, value: number): boolean =>
  (op === '==' && value === 0) || (op === '<' && value === 1) || (op === '<=' && value === 0)

function livenessIn(expr: Expr, { metrics }: Project): string | undefined {
  const name = selectorsIn(expr)
    .flatMap(selector => selector.name ?? [])
    .find(each => LIVENESS.test(each))
  return name === undefined || metrics.get(name)?.kind === 'counter' ? undefined : name
}

const seesAbsence = (expr: Expr): boolean =>
  nodes({ tree: expr }, 'call').some(({ name }) => name.startsWith('absent')) ||
  selectors(expr).some(({ metric }) => metric === 'up')
