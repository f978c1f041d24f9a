import type { LintRule } from '../contract.ts'
import type { RuleView } from '../artefacts/rules.ts'
import type { Project } from '../project.ts'
import { nodes } from '../promql/expression.ts'

const QUEUE_LABELS: readonly string[] = ['queue', 'queue_name']
const CELERY_QUEUE = /^celery_queue_|^celery_active_(?:consumer|worker|process)_count$|^celery_.*queue/

export const singleQueue: LintRule = {
  name: 'single-queue',
  severity: 'warning',
  title: 'Alerts that watch one queue of a metric that knows all of them',
  why: 'A queue that is not named is not watched: 300,000 tasks may wait in `default` while `reports` is well. Watch all queues, and give those that differ limits of their own.',
  bad: [
    {
      path: 'queue.rules.yml',
      text: `groups:
  - name: celery
    rules:
      - alert: QueueDeep
        expr: celery_queue_length{queue_name="reports"} > 100
`,
    },
  ],
  good: [
    {
      path: 'queue.rules.yml',
      text: `groups:
  - name: celery
    rules:
      - alert: QueueDeep
        expr: celery_queue_length{queue_name!="reports"} > 1000 or celery_queue_length{queue_name="reports"} > 100
`,
    },
  ],
  check(project, report) {
    const watched = new Set(project.alerts.flatMap(alert => metricsOfAllQueues(alert, project)))
    for (const alert of project.alerts) {
      const { expression } = alert
      const one = nodes(expression, 'selector').flatMap(selector => {
        const { name, matchers, span } = selector
        const matcher = matchers.find(each => QUEUE_LABELS.includes(each.name) && each.op === '=')
        return name !== undefined && matcher !== undefined && isOfQueues(name, project) && !watched.has(name)
          ? [{ name, matcher, span }]
          : []
      })[0]
      if (one === undefined) continue
      report({
        at: expression.place(one.span),
        within: alert.place,
        message: `${alert.name} watches ${one.matcher.name}="${one.matcher.value}" only, and no alert watches the other queues of ${one.name}`,
        fix: `${one.name} without a queue, or a second choice: … or ${one.name}{${one.matcher.name}!="${one.matcher.value}"} > …`,
      })
    }
  },
}

const isOfQueues = (name: string, { metrics }: Project): boolean =>
  CELERY_QUEUE.test(name) || (metrics.get(name)?.labels ?? []).some(label => label === 'queue')

/** Metrics that an alert reads without naming one queue. */
const metricsOfAllQueues = ({ expression }: RuleView, project: Project): readonly string[] =>
  nodes(expression, 'selector').flatMap(({ name, matchers }) =>
    name !== undefined &&
    isOfQueues(name, project) &&
    !matchers.some(each => QUEUE_LABELS.includes(each.name) && each.op === '=')
      ? [name]
      : [],
  )
