import { MINUTE } from '../../base/index.ts'
import { alert } from '../alert.ts'
import { latest, promql, quantile } from '../expr.ts'
import { metrics } from '../metrics.ts'
import { recorded } from '../recording-rules.ts'
import { fires, observations, quiet } from '../scene.ts'
import { label, VALUE } from '../wording.ts'

const task = (name: string) => ({ broker: 'default', task: name, queue: 'reports' })

export const queueWaitHigh = alert({
  name: 'CeleryQueueWaitHigh',
  slug: 'celery-queue-wait-high',
  guide: 2,
  severity: 'warning',
  component: 'celery',
  forMs: 5 * MINUTE,
  threshold: { value: 30, unit: 'seconds', direction: 'over' },
  parameters: {},
  labels: ['broker', 'queue'],
  scopes: ['queue'],
  expr: ({ limit, where }) =>
    promql`${quantile(0.95, metrics.taskWait, ['broker', 'queue'], where)} > ${limit}`,
  summary: () => `Tasks wait long in queue ${label('queue')}: p95 ${VALUE.seconds}`,
  description: ({ limit, for: time }) =>
    `One task in twenty waits longer than ${VALUE.seconds} in queue ${label('queue')} on broker ${label('broker')} before it starts. The limit of ${limit} has been passed for ${time}.`,
  panel: 'wait-by-queue',
  cloudwatch: {
    metric: 'QueueWaitP95',
    publishes: quantile(0.95, metrics.taskWait, ['broker', 'queue']),
    dimensions: ['broker', 'queue'],
    statistic: 'Maximum',
    periodSeconds: 60,
    evaluationPeriods: 5,
    datapointsToAlarm: 5,
    treatMissingData: 'notBreaching',
  },
  runbook: {
    title: 'Tasks wait too long',
    meaning: [
      'From publishing to start, the slowest twentieth of tasks waits longer than the limit. This is what users feel.',
      'ETA and countdown are not counted. Time in a worker’s prefetch buffer is: a queue can look empty while tasks wait there.',
      'Only tasks that did start are measured; if none starts any more, look at the age of the oldest.',
    ],
    check: [
      { text: 'How old is the oldest task?', query: latest(metrics.queueOldestTaskAge) },
      { text: 'Is the queue deep?', query: latest(metrics.queueDepth) },
      { text: 'Do workers hold tasks they have not started?', query: latest(metrics.workerReserved) },
      { text: 'Are the pools full?', query: latest(recorded.busyRatio) },
      {
        text: 'Which task waits?',
        query: quantile(0.95, metrics.taskWait, ['broker', 'task', 'queue']),
      },
    ],
    act: [
      { text: 'Deep queue and full pools: add workers.' },
      {
        text: 'Shallow queue and much reserved: set worker_prefetch_multiplier = 1, or acks_late and worker_disable_prefetch (Celery 5.6, Redis).',
      },
      { text: 'Short tasks wait behind long ones: separate queues.' },
      {
        text: 'Waits of exact minutes or hours on all tasks: a clock is wrong on the sender’s or the worker’s host.',
      },
    ],
    escalate: ['Waits pass what was promised to users.'],
    before: [
      {
        text: 'Depth rises before waits do: a wait is known only when its task starts.',
        query: latest(metrics.queueDepth),
      },
    ],
  },
  scenes: {
    fires: [
      fires(
        'two tasks of one queue wait 50 seconds',
        15,
        [
          ...observations(metrics.taskWait, task('a'), 80, { seconds: 50, perStep: 2 }),
          ...observations(metrics.taskWait, task('b'), 80, { seconds: 50, perStep: 2 }),
        ],
        {
          labels: { broker: 'default', queue: 'reports' },
          summary: 'Tasks wait long in queue reports: p95 59.25s',
          description:
            'One task in twenty waits longer than 59.25s in queue reports on broker default before it starts. The limit of 30s has been passed for 5m.',
        },
      ),
    ],
    quiet: [
      quiet(
        'tasks have waited long for four minutes',
        4,
        observations(metrics.taskWait, task('a'), 80, { seconds: 50, perStep: 2 }),
      ),
      quiet('tasks wait four seconds', 15, [
        ...observations(metrics.taskWait, task('a'), 80, { seconds: 4, perStep: 2 }),
      ]),
      quiet('one task in a hundred waits long', 15, [
        ...observations(metrics.taskWait, task('a'), 80, { seconds: 4, perStep: 99 }),
        ...observations(metrics.taskWait, task('b'), 80, { seconds: 50, perStep: 1 }),
      ]),
    ],
  },
})
