/** What happens to tasks: how many, how they end, how long they run and wait. */
import { HOUR } from '../../base/index.ts'
import { increase, latest, maxBy, promql, quantile, rate, series, sumBy, topk } from '../expr.ts'
import { metrics } from '../metrics.ts'
import { recorded } from '../recording-rules.ts'
import type { Expr, Metric } from '../spec.ts'
import { gaugeChart, panel, perSecondHeard, TASK, whileHeard } from './panel.ts'

const NAMED = '{{task}} ({{queue}})'

const perSecond = (of: Metric<string, 'broker' | 'task' | 'queue', 'counter'>): Expr =>
  perSecondHeard(sumBy(['broker'], rate(of)))

const withinAnHour = (of: Metric<string, 'broker' | 'task' | 'queue', 'counter'>): Expr =>
  promql`${sumBy(TASK, increase(of, {}, HOUR))} > 0`

export const taskPanels = {
  taskStates: panel({
    id: 'task-states',
    title: 'Tasks by what happened to them',
    subtitle: 'per second, 5 minutes',
    kind: 'chart',
    unit: 'per_second',
    queries: [
      { expr: perSecond(metrics.taskSent), legend: 'sent' },
      { expr: perSecond(metrics.taskReceived), legend: 'received' },
      { expr: perSecond(metrics.taskStarted), legend: 'started' },
      { expr: perSecond(metrics.taskSucceeded), legend: 'succeeded' },
      { expr: perSecondHeard(sumBy(['broker'], rate(metrics.taskFailed))), legend: 'failed' },
      { expr: perSecond(metrics.taskRetry), legend: 'retried' },
      { expr: perSecond(metrics.taskRejected), legend: 'rejected' },
      { expr: perSecond(metrics.taskRevoked), legend: 'revoked' },
    ],
  }),
  finishedByTask: panel({
    id: 'finished-by-task',
    title: 'Finished by task',
    subtitle: 'succeeded or failed, per second',
    kind: 'chart',
    unit: 'per_second',
    queries: [{ expr: perSecondHeard(series(recorded.finished)), legend: NAMED }],
  }),
  failedByException: panel({
    id: 'failed-by-exception',
    title: 'Failures by exception',
    subtitle: 'per second, 5 minutes',
    kind: 'chart',
    unit: 'per_second',
    queries: [
      {
        expr: perSecondHeard(sumBy(['broker', 'task', 'exception'], rate(metrics.taskFailed))),
        legend: '{{task}} {{exception}}',
      },
    ],
  }),
  runtimeAverageByTask: panel({
    id: 'runtime-average-by-task',
    title: 'Mean run time by task',
    subtitle: 'runs that succeeded, 5 minutes',
    kind: 'chart',
    unit: 'seconds',
    queries: [{ expr: whileHeard(latest(recorded.runtimeAverage)), legend: NAMED }],
  }),
  runtimeMedianByTask: panel({
    id: 'runtime-median-by-task',
    title: 'Median run time by task',
    subtitle: 'p50, 5 minutes',
    kind: 'chart',
    unit: 'seconds',
    queries: [{ expr: whileHeard(quantile(0.5, metrics.taskRuntime, TASK)), legend: NAMED }],
  }),
  waitByTask: panel({
    id: 'wait-by-task',
    title: 'Wait by task',
    subtitle: 'publish to start, p95',
    kind: 'chart',
    unit: 'seconds',
    queries: [{ expr: whileHeard(quantile(0.95, metrics.taskWait, TASK)), legend: NAMED }],
    limit: 'CeleryQueueWaitHigh',
  }),
  waitQuantiles: panel({
    id: 'wait-quantiles',
    title: 'Wait (p50, p95, p99)',
    subtitle: 'publish to start, all tasks together',
    kind: 'chart',
    unit: 'seconds',
    queries: [0.5, 0.95, 0.99].map(q => ({
      expr: whileHeard(quantile(q, metrics.taskWait, ['broker'])),
      legend: `p${q * 100}`,
    })),
    limit: 'CeleryQueueWaitHigh',
  }),
  runningOldest: gaugeChart(
    'running-oldest',
    'Longest running now',
    'age of the oldest unfinished run of each task',
    metrics.taskRunningOldest,
    '{{task}}',
  ),
  redelivered: panel({
    id: 'redelivered',
    title: 'Delivered again',
    subtitle: 'within an hour, without a retry',
    kind: 'chart',
    unit: 'count',
    queries: [
      { expr: withinAnHour(metrics.taskRedelivered), legend: NAMED },
      {
        expr: promql`${maxBy(TASK, series(metrics.taskRedeliveriesMax))} > 0`,
        legend: `most of one task: ${NAMED}`,
      },
    ],
  }),
  orphaned: panel({
    id: 'orphaned',
    title: 'Left behind by workers that vanished',
    subtitle: 'within an hour, unfinished since',
    kind: 'chart',
    unit: 'count',
    queries: [{ expr: withinAnHour(metrics.taskOrphaned), legend: NAMED }],
  }),
  slowestTasks: panel({
    id: 'slowest-tasks',
    title: 'Slowest tasks',
    subtitle: 'p95 within an hour',
    kind: 'table',
    unit: 'seconds',
    queries: [{ expr: topk(10, quantile(0.95, metrics.taskRuntime, TASK, {}, HOUR)), legend: NAMED }],
  }),
} as const
