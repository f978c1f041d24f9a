/** The guide's eight panels and those of the Overview. A limit is the threshold of the alert it names. */
import { HOUR } from '../../base/index.ts'
import {
  atLeast,
  deriv,
  increase,
  latest,
  maxBy,
  on,
  promql,
  quantile,
  rate,
  series,
  sumBy,
  topk,
} from '../expr.ts'
import { metrics } from '../metrics.ts'
import { recorded } from '../recording-rules.ts'
import type { Expr } from '../spec.ts'
import { panel, perSecondHeard, QUEUE, received, TASK, whileHeard } from './panel.ts'

/** Tasks that come to a queue: those that left it and what it grew by, or those sent to it where nothing was received yet. */
const arriving = promql`
  ${atLeast(
    0,
    promql`
      (${perSecondHeard(received(QUEUE))})
      + ${on(...QUEUE)}
      ${maxBy(QUEUE, deriv(metrics.queueDepth))}`,
  )}
  or ${on(...QUEUE)}
  (${perSecondHeard(sumBy(QUEUE, rate(metrics.taskSent)))})`

const finished = perSecondHeard(sumBy(['broker'], series(recorded.finished)))
const failed = perSecondHeard(sumBy(['broker'], rate(metrics.taskFailed)))

const runtimeP = (q: number): Expr => whileHeard(quantile(q, metrics.taskRuntime, ['broker']))

export const overviewPanels = {
  oldestMessage: panel({
    id: 'oldest-message',
    title: 'Oldest message',
    subtitle: 'longest wait of a task not yet started',
    kind: 'tile',
    unit: 'seconds',
    queries: [{ expr: latest(metrics.queueOldestTaskAge), legend: '{{queue}}' }],
    reduce: { by: 'max', subject: 'queue' },
    limit: 'CeleryQueueWaitHigh',
  }),
  waiting: panel({
    id: 'waiting',
    title: 'Waiting',
    subtitle: 'tasks in the deepest queue',
    kind: 'tile',
    unit: 'count',
    queries: [{ expr: latest(metrics.queueDepth), legend: '{{queue}}' }],
    reduce: { by: 'max', subject: 'queue' },
    limit: 'CeleryQueueDepthHigh',
  }),
  taskRate: panel({
    id: 'task-rate',
    title: 'Task rate',
    subtitle: 'tasks finished per second',
    kind: 'tile',
    unit: 'per_second',
    queries: [{ expr: finished, legend: 'finished' }],
    reduce: { by: 'sum', subject: null },
  }),
  failureRatioNow: panel({
    id: 'failure-ratio-now',
    title: 'Failure ratio',
    subtitle: 'share of finished tasks that failed, 5 minutes',
    kind: 'tile',
    unit: 'ratio',
    queries: [{ expr: whileHeard(promql`1 - ${latest(recorded.successRate)}`), legend: 'failed' }],
    reduce: { by: 'max', subject: 'broker' },
    limit: 'CeleryHighFailureRate',
  }),
  runtimeP95: panel({
    id: 'runtime-p95',
    title: 'Runtime p95',
    subtitle: 'slowest task, 5 minutes',
    kind: 'tile',
    unit: 'seconds',
    queries: [{ expr: whileHeard(quantile(0.95, metrics.taskRuntime, TASK)), legend: '{{task}}' }],
    reduce: { by: 'max', subject: 'task' },
    limit: 'CelerySlowProcessing',
  }),
  workersOnline: panel({
    id: 'workers-online',
    title: 'Workers online',
    subtitle: 'workers up',
    kind: 'tile',
    unit: 'count',
    queries: [{ expr: latest(metrics.workerCount), legend: '{{broker}}' }],
    reduce: { by: 'min', subject: 'broker' },
    limit: 'CeleryLowRedundancy',
  }),

  oldestByQueue: panel({
    id: 'oldest-by-queue',
    title: 'Oldest message by queue',
    subtitle: 'age of the oldest task not yet started',
    kind: 'chart',
    unit: 'seconds',
    queries: [{ expr: latest(metrics.queueOldestTaskAge), legend: '{{queue}}' }],
    limit: 'CeleryQueueWaitHigh',
  }),
  waitingByQueue: panel({
    id: 'waiting-by-queue',
    title: 'Queue depth over time',
    subtitle: 'tasks waiting in the broker',
    kind: 'chart',
    unit: 'count',
    queries: [{ expr: latest(metrics.queueDepth), legend: '{{queue}}' }],
    limit: 'CeleryQueueDepthHigh',
    guide: 1,
  }),
  tasksInOut: panel({
    id: 'tasks-in-out',
    title: 'Tasks in and out',
    subtitle: 'tasks per second',
    kind: 'chart',
    unit: 'per_second',
    queries: [
      { expr: perSecondHeard(received(['broker'])), legend: 'received' },
      { expr: finished, legend: 'finished' },
      { expr: failed, legend: 'failed' },
    ],
  }),
  waitByQueue: panel({
    id: 'wait-by-queue',
    title: 'Wait by queue',
    subtitle: 'publish to start, p95',
    kind: 'chart',
    unit: 'seconds',
    queries: [{ expr: whileHeard(quantile(0.95, metrics.taskWait, QUEUE)), legend: '{{queue}}' }],
    limit: 'CeleryQueueWaitHigh',
  }),
  workerCount: panel({
    id: 'worker-count',
    title: 'Worker count',
    subtitle: 'workers up',
    kind: 'chart',
    unit: 'count',
    queries: [{ expr: latest(metrics.workerCount), legend: '{{broker}}' }],
    limit: 'CeleryLowRedundancy',
    guide: 2,
  }),
  successRate: panel({
    id: 'success-rate',
    title: 'Task success rate',
    subtitle: 'share of finished tasks that succeeded, 5 minutes',
    kind: 'gauge',
    unit: 'ratio',
    queries: [{ expr: whileHeard(latest(recorded.successRate)), legend: '{{broker}}' }],
    // The guide's colours; CeleryHighFailureRate watches the other side, what fails.
    steps: [
      { from: 0, is: 'bad' },
      { from: 0.9, is: 'near' },
      { from: 0.95, is: 'good' },
    ],
    guide: 3,
  }),
  failureRatio: panel({
    id: 'failure-ratio',
    title: 'Failure ratio by task',
    subtitle: 'share of finished tasks that failed, 5 minutes',
    kind: 'chart',
    unit: 'ratio',
    queries: [{ expr: whileHeard(latest(recorded.failureRatio)), legend: '{{task}} ({{queue}})' }],
    limit: 'CeleryHighFailureRate',
  }),
  processingTime: panel({
    id: 'processing-time',
    title: 'Task processing time (p50, p95, p99)',
    subtitle: 'all tasks together',
    kind: 'chart',
    unit: 'seconds',
    queries: [
      { expr: runtimeP(0.5), legend: 'p50' },
      { expr: runtimeP(0.95), legend: 'p95' },
      { expr: runtimeP(0.99), legend: 'p99' },
    ],
    limit: 'CelerySlowProcessing',
    guide: 4,
  }),
  runtimeByTask: panel({
    id: 'runtime-by-task',
    title: 'Run time by task',
    subtitle: 'p95, 5 minutes',
    kind: 'chart',
    unit: 'seconds',
    queries: [
      { expr: whileHeard(quantile(0.95, metrics.taskRuntime, TASK)), legend: '{{task}} ({{queue}})' },
    ],
    limit: 'CelerySlowProcessing',
  }),
  workerCpu: panel({
    id: 'worker-cpu',
    title: 'Worker CPU usage',
    subtitle: 'percent of the limit',
    kind: 'chart',
    unit: 'percent',
    queries: [{ expr: latest(metrics.containerCpu), legend: '{{container}}' }],
    limit: 'WorkerCpuHigh',
    guide: 5,
  }),
  workerMemory: panel({
    id: 'worker-memory',
    title: 'Worker memory usage',
    subtitle: 'working set, percent of the limit',
    kind: 'chart',
    unit: 'percent',
    queries: [{ expr: latest(metrics.containerMemory), legend: '{{container}}' }],
    limit: 'WorkerMemoryHigh',
    guide: 6,
  }),
  activeTasks: panel({
    id: 'active-tasks',
    title: 'Active tasks',
    subtitle: 'executing now',
    kind: 'chart',
    unit: 'count',
    queries: [{ expr: latest(metrics.activeTasks), legend: '{{broker}}' }],
    guide: 7,
  }),
  completedFailed: panel({
    id: 'completed-failed',
    title: 'Tasks completed and failed',
    subtitle: 'tasks per second',
    kind: 'chart',
    unit: 'per_second',
    queries: [
      { expr: perSecondHeard(sumBy(['broker'], rate(metrics.taskSucceeded))), legend: 'succeeded' },
      { expr: failed, legend: 'failed' },
    ],
    guide: 8,
  }),
  workerBusy: panel({
    id: 'worker-busy',
    title: 'Busy workers',
    subtitle: 'busy pool slots over all',
    kind: 'chart',
    unit: 'ratio',
    queries: [{ expr: latest(recorded.busyRatio), legend: '{{broker}}' }],
    limit: 'CeleryWorkersSaturated',
  }),
  tasksPerWorker: panel({
    id: 'tasks-per-worker',
    title: 'Tasks on each worker',
    subtitle: 'executing tasks over workers up',
    kind: 'chart',
    unit: 'count',
    queries: [{ expr: latest(recorded.tasksPerWorker), legend: '{{broker}}' }],
    limit: 'CeleryTasksPerWorkerHigh',
  }),
  retriesByTask: panel({
    id: 'retries-by-task',
    title: 'Retries for each task that ended',
    subtitle: '15 minutes',
    kind: 'chart',
    unit: 'count',
    queries: [{ expr: whileHeard(latest(recorded.retriesPerTask)), legend: '{{task}} ({{queue}})' }],
    limit: 'CeleryRetriesHigh',
  }),
  redisMemory: panel({
    id: 'redis-memory',
    title: 'Redis memory',
    subtitle: 'share of maxmemory; nothing without a limit',
    kind: 'chart',
    unit: 'ratio',
    queries: [
      {
        expr: promql`${latest(metrics.redisMemoryUsed)} / ${on('broker')} (${latest(metrics.redisMemoryMax)} > 0)`,
        legend: '{{broker}}',
      },
    ],
    limit: 'RedisMemoryHigh',
  }),
  redisConnections: panel({
    id: 'redis-connections',
    title: 'Redis connections',
    subtitle: 'share of maxclients',
    kind: 'chart',
    unit: 'ratio',
    queries: [
      {
        expr: promql`${latest(metrics.redisConnectedClients)} / ${on('broker')} (${latest(metrics.redisMaxClients)} > 0)`,
        legend: '{{broker}}',
      },
    ],
    limit: 'RedisConnectionsSaturated',
  }),

  queueIn: panel({
    id: 'queue-in',
    title: 'Into each queue',
    subtitle: 'tasks per second',
    kind: 'table',
    unit: 'per_second',
    queries: [{ expr: arriving, legend: '{{queue}}' }],
  }),
  queueOut: panel({
    id: 'queue-out',
    title: 'Out of each queue',
    subtitle: 'tasks received by workers per second',
    kind: 'table',
    unit: 'per_second',
    queries: [{ expr: perSecondHeard(received(QUEUE)), legend: '{{queue}}' }],
  }),
  failingTasks: panel({
    id: 'failing-tasks',
    title: 'Failing most',
    subtitle: 'failures within an hour, by exception',
    kind: 'table',
    unit: 'count',
    queries: [
      {
        expr: promql`${topk(10, sumBy(['broker', 'task', 'exception'], increase(metrics.taskFailed, {}, HOUR)))} > 0`,
        legend: '{{task}} {{exception}}',
      },
    ],
  }),
  taskRuns: panel({
    id: 'task-runs',
    title: 'Runs of each task',
    subtitle: 'finished within an hour',
    kind: 'table',
    unit: 'count',
    queries: [
      {
        expr: sumBy(['broker', 'task'], increase(metrics.taskSucceeded, {}, HOUR)),
        legend: '{{task}} succeeded',
      },
      { expr: sumBy(['broker', 'task'], increase(metrics.taskFailed, {}, HOUR)), legend: '{{task}} failed' },
    ],
  }),
} as const
