import { MINUTE } from '../../base/index.ts'
import { alert } from '../alert.ts'
import { deriv, latest, maxBy, on, promql, rate, sumBy } from '../expr.ts'
import { metrics } from '../metrics.ts'
import { recorded } from '../recording-rules.ts'
import { fires, line, quiet } from '../scene.ts'
import { label, VALUE } from '../wording.ts'

const reports = { broker: 'default', queue: 'reports' }

export const queueGrowing = alert({
  name: 'CeleryQueueGrowing',
  slug: 'celery-queue-growing',
  guide: 3,
  severity: 'warning',
  component: 'celery',
  forMs: 10 * MINUTE,
  threshold: { value: 0, unit: 'per_second', direction: 'over' },
  parameters: {
    minimumDepth: {
      value: 50,
      unit: 'count',
      help: 'Waiting tasks below which growth is nobody’s concern.',
    },
  },
  labels: ['broker', 'queue'],
  scopes: ['queue'],
  expr: ({ limit, where, parameters }) => promql`
    ${maxBy(['broker', 'queue'], deriv(metrics.queueDepth, where))} > ${limit}
    and ${on('broker', 'queue')} ${latest(metrics.queueDepth, where)} > ${parameters.minimumDepth}`,
  summary: () => `Queue ${label('queue')} grows by ${VALUE.per_second} tasks per second`,
  description: ({ for: time, parameters }) =>
    `More tasks have come to queue ${label('queue')} on broker ${label('broker')} than its workers took, for ${time} without a break, and more than ${parameters.minimumDepth} wait. It grows by ${VALUE.per_second} tasks per second.`,
  panel: 'waiting-by-queue',
  // CloudWatch's metric maths has RATE, which is not a least-squares slope, and cannot ask for depth at the same time.
  cloudwatch: null,
  runbook: {
    title: 'A queue is growing',
    meaning: [
      'For ten minutes more tasks have arrived than left. Unless that changes the backlog has no end.',
      'The number is the slope of the depth over five minutes, not a counter’s rate: a queue that saws up and down does not count.',
    ],
    check: [
      {
        text: 'What comes in, what goes out?',
        query: sumBy(['broker', 'queue'], rate(metrics.taskReceived)),
      },
      { text: 'Did workers go away?', query: latest(metrics.workerCount) },
      { text: 'Which workers consume the queue?', query: latest(metrics.queueConsumers) },
      { text: 'Are their pools full?', query: latest(recorded.busyRatio) },
      { text: 'Did the tasks become slower?', query: latest(recorded.runtimeAverage) },
      { text: 'Do tasks come back as retries?', query: latest(recorded.retriesPerTask) },
    ],
    act: [
      { text: 'More arrives than usual: find the producer, then add workers or slow it down.' },
      { text: 'Less leaves than usual: look at the slowest task and at what it waits for (database, API).' },
      {
        text: 'Work off one queue first: move a worker to it.',
        shell: 'celery -A <app> control add_consumer <queue> -d <worker>',
      },
    ],
    escalate: [
      'The oldest task is older than its callers wait.',
      'The cause is outside the workers: hand over to the owner of the slow dependency.',
    ],
    before: [
      {
        text: 'What arrives passed what leaves, some ten minutes ago: a producer woke up, or runs became longer.',
        query: latest(recorded.runtimeAverage),
      },
    ],
  },
  scenes: {
    fires: [
      fires(
        'depth rises by 6 a minute for 20 minutes',
        20,
        [line(metrics.queueDepth, reports, '60+1.5x80')],
        {
          labels: reports,
          summary: 'Queue reports grows by 0.10 tasks per second',
          description:
            'More tasks have come to queue reports on broker default than its workers took, for 10m without a break, and more than 50 wait. It grows by 0.10 tasks per second.',
        },
      ),
    ],
    quiet: [
      quiet('it has grown for nine minutes so far', 9, [line(metrics.queueDepth, reports, '60+1.5x80')]),
      quiet('a long queue drains', 20, [line(metrics.queueDepth, reports, '2000-10x80')]),
      quiet('a short queue grows by a task every five minutes', 20, [
        line(metrics.queueDepth, reports, '0+0.05x80'),
      ]),
      quiet('a deep queue stands still', 20, [line(metrics.queueDepth, reports, '500x80')]),
    ],
  },
})
