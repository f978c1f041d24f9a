/** Workers: how many, how full, what they hold, what they use. */
import { HOUR } from '../../base/index.ts'
import { increase, latest, maxBy, on, promql, rate, sumBy } from '../expr.ts'
import { metrics } from '../metrics.ts'
import { gaugeChart, panel, UP, WORKER } from './panel.ts'

const NAMED = '{{worker}}'

export const workerPanels = {
  workersByState: panel({
    id: 'workers-by-state',
    title: 'Workers by state',
    subtitle: 'up, suspect, vanished, stopped; without a heartbeat',
    kind: 'chart',
    unit: 'count',
    queries: [{ expr: latest(metrics.workers), legend: '{{state}}' }],
  }),
  workerUp: gaugeChart('worker-up', 'Up', '1 while a worker is heard', metrics.workerUp, NAMED, {
    words: UP,
  }),
  workerConsuming: gaugeChart(
    'worker-consuming',
    'Consuming',
    '0 means alive and taking nothing',
    metrics.workerConsuming,
    NAMED,
    { words: { 1: 'consumes', 0: 'takes nothing' } },
  ),
  workerBusyEach: panel({
    id: 'worker-busy-each',
    title: 'Busy share of each pool',
    subtitle: 'executing tasks over pool slots',
    kind: 'chart',
    unit: 'ratio',
    queries: [
      {
        expr: promql`${latest(metrics.workerActive)} / ${on(...WORKER)} (${latest(metrics.workerConcurrency)} > 0)`,
        legend: NAMED,
      },
    ],
  }),
  workerPool: gaugeChart('worker-pool', 'Pool size', 'slots', metrics.workerConcurrency, NAMED),
  workerActive: gaugeChart('worker-active', 'Executing', 'tasks on each worker', metrics.workerActive, NAMED),
  workerReserved: gaugeChart(
    'worker-reserved',
    'Prefetched',
    'tasks held and not started',
    metrics.workerReserved,
    NAMED,
  ),
  workerScheduled: gaugeChart(
    'worker-scheduled',
    'Held for later',
    'tasks with an ETA or countdown in each worker',
    metrics.workerScheduled,
    NAMED,
  ),
  workerPrefetch: gaugeChart(
    'worker-prefetch',
    'Prefetch limit',
    'messages a worker may hold; every ETA task adds one',
    metrics.workerPrefetch,
    NAMED,
  ),
  workerTaskRate: panel({
    id: 'worker-task-rate',
    title: 'Tasks taken by each worker',
    subtitle: 'per second, by its heartbeats',
    kind: 'chart',
    unit: 'per_second',
    queries: [{ expr: maxBy(WORKER, rate(metrics.workerProcessed)), legend: NAMED }],
  }),
  workerMemoryBytes: gaugeChart(
    'worker-memory-bytes',
    'Memory of each worker',
    'with its pool processes',
    metrics.workerMemory,
    NAMED,
  ),
  workerMemoryShare: panel({
    id: 'worker-memory-share',
    title: 'Memory over its limit',
    subtitle: 'share of what each worker may use',
    kind: 'chart',
    unit: 'ratio',
    queries: [
      {
        expr: promql`${latest(metrics.workerMemory)} / ${on(...WORKER)} (${latest(metrics.workerMemoryLimit)} > 0)`,
        legend: NAMED,
      },
    ],
  }),
  workerClockSkew: gaugeChart(
    'worker-clock-skew',
    'Clock skew',
    'behind ours; negative when ahead',
    metrics.workerClockSkew,
    NAMED,
  ),
  workersVanished: panel({
    id: 'workers-vanished',
    title: 'Workers that vanished',
    subtitle: 'within an hour, without a goodbye',
    kind: 'chart',
    unit: 'count',
    queries: [{ expr: maxBy(['broker'], increase(metrics.workerVanished, {}, HOUR)), legend: '{{broker}}' }],
  }),
  eventsLost: panel({
    id: 'events-lost',
    title: 'Task starts that no event told of',
    subtitle: 'within an hour, by what workers count',
    kind: 'chart',
    unit: 'count',
    queries: [{ expr: sumBy(WORKER, increase(metrics.eventsLost, {}, HOUR)), legend: NAMED }],
  }),
  tasksHeld: panel({
    id: 'tasks-held',
    title: 'Held by workers',
    subtitle: 'executing, prefetched, waiting for their time',
    kind: 'chart',
    unit: 'count',
    queries: [
      { expr: latest(metrics.activeTasks), legend: 'executing' },
      { expr: latest(metrics.reservedTasks), legend: 'prefetched' },
      { expr: latest(metrics.scheduledTasks), legend: 'for later' },
    ],
  }),
} as const
