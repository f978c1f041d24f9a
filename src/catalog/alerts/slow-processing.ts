import { MINUTE } from '../../base/index.ts'
import { alert } from '../alert.ts'
import { latest, promql, quantile, rate, sumBy } from '../expr.ts'
import { metrics } from '../metrics.ts'
import { recorded } from '../recording-rules.ts'
import { fires, observations, quiet } from '../scene.ts'
import { label, VALUE } from '../wording.ts'

const slow = { broker: 'default', task: 'report.render', queue: 'reports' }

export const slowProcessing = alert({
  name: 'CelerySlowProcessing',
  slug: 'celery-slow-processing',
  guide: 7,
  severity: 'warning',
  component: 'celery',
  forMs: 10 * MINUTE,
  threshold: { value: 60, unit: 'seconds', direction: 'over' },
  parameters: {},
  labels: ['broker', 'task', 'queue'],
  scopes: ['queue', 'task'],
  expr: ({ limit, where }) =>
    promql`${quantile(0.95, metrics.taskRuntime, ['broker', 'task', 'queue'], where)} > ${limit}`,
  summary: () => `Task ${label('task')} in queue ${label('queue')} is slow: p95 ${VALUE.seconds}`,
  description: ({ limit, for: time }) =>
    `One run in twenty of task ${label('task')} in queue ${label('queue')} on broker ${label('broker')} takes longer than ${VALUE.seconds}. The limit of ${limit} has been passed for ${time}.`,
  panel: 'runtime-by-task',
  cloudwatch: {
    metric: 'TaskRuntimeP95',
    publishes: quantile(0.95, metrics.taskRuntime, ['broker', 'task', 'queue']),
    dimensions: ['broker', 'task', 'queue'],
    statistic: 'Maximum',
    periodSeconds: 60,
    evaluationPeriods: 10,
    datapointsToAlarm: 10,
    treatMissingData: 'notBreaching',
  },
  runbook: {
    title: 'A task is slow',
    meaning: [
      'The slowest twentieth of a task’s successful runs takes longer than the limit.',
      'Only runs that succeeded are measured. A run that still goes on, or was ended by a time limit, is not in this number.',
    ],
    check: [
      {
        text: 'Which tasks are slow?',
        query: quantile(0.95, metrics.taskRuntime, ['broker', 'task', 'queue']),
      },
      {
        text: 'All runs, or only the slowest? Compare with the median.',
        query: quantile(0.5, metrics.taskRuntime, ['broker', 'task', 'queue']),
      },
      {
        text: 'Are there more of them than usual?',
        query: sumBy(['broker', 'task', 'queue'], rate(metrics.taskStarted)),
      },
      { text: 'Is the host out of CPU?', query: latest(metrics.containerCpu) },
      { text: 'Does it fill the pool?', query: latest(recorded.busyRatio) },
      { text: 'Where is it right now?', shell: 'py-spy dump --pid <pid of the pool process>' },
    ],
    act: [
      { text: 'A dependency is slow: look there first; more workers make it worse.' },
      { text: 'Input grew: split the task, or give large inputs a queue of their own.' },
      { text: 'The host is full: lower the concurrency or move the worker.' },
      { text: 'It has always been so: set the limit to what its callers need.' },
    ],
    escalate: [
      'Callers time out.',
      'Runs come near the broker’s limit for unacknowledged tasks (Redis visibility_timeout, one hour): they will be run twice.',
    ],
    before: [
      {
        text: 'The mean moves first when all runs slow down; p95 alone when a few large inputs come.',
        query: latest(recorded.runtimeAverage),
      },
    ],
  },
  scenes: {
    fires: [
      fires(
        'every run takes 75 seconds',
        25,
        observations(metrics.taskRuntime, slow, 120, { seconds: 75, perStep: 2 }),
        {
          labels: slow,
          summary: 'Task report.render in queue reports is slow: p95 1m 28s',
          description:
            'One run in twenty of task report.render in queue reports on broker default takes longer than 1m 28s. The limit of 1m has been passed for 10m.',
        },
      ),
      fires(
        'runs of half an hour, far beyond the default buckets of clients',
        25,
        observations(
          metrics.taskRuntime,
          slow,
          120,
          { seconds: 1500, perStep: 6 },
          { seconds: 2000, perStep: 7 },
        ),
        {
          labels: slow,
          summary: 'Task report.render in queue reports is slow: p95 57m 12s',
          description:
            'One run in twenty of task report.render in queue reports on broker default takes longer than 57m 12s. The limit of 1m has been passed for 10m.',
        },
      ),
    ],
    quiet: [
      quiet(
        'runs have been slow for eight minutes',
        8,
        observations(metrics.taskRuntime, slow, 120, { seconds: 75, perStep: 2 }),
      ),
      quiet(
        'runs take 40 seconds',
        25,
        observations(metrics.taskRuntime, slow, 120, { seconds: 40, perStep: 2 }),
      ),
      quiet(
        'nothing ran lately',
        25,
        observations(metrics.taskRuntime, slow, 120, { seconds: 75, perStep: 0 }),
      ),
    ],
  },
})
