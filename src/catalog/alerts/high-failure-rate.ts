import { HOUR, MINUTE } from '../../base/index.ts'
import { alert } from '../alert.ts'
import { either, increase, latest, on, promql, rate, series, sumBy, topk, when, type Where } from '../expr.ts'
import { metrics } from '../metrics.ts'
import { recorded } from '../recording-rules.ts'
import { fires, line, quiet } from '../scene.ts'
import type { Expr } from '../spec.ts'
import { VALUE } from '../wording.ts'

/** Twice the window of the ratio, so that a task that runs every two minutes can reach the minimum. */
const VOLUME_WINDOW_MS = 10 * MINUTE

const MINIMUM_FAILURES = 5

const task = (name: string, queue = 'reports') => ({ broker: 'default', task: name, queue })
const failing = (name: string, queue = 'reports') => ({ ...task(name, queue), exception: 'ValueError' })

const TASK = ['broker', 'task', 'queue'] as const

const failures = (where: Where<'task' | 'queue'>) => increase(metrics.taskFailed, where, VOLUME_WINDOW_MS)

/** Share of all finished runs of a broker that failed; what has limits of its own is judged by those alone, and left out. */
const brokerRatio = (where: Where<'task' | 'queue'>): Expr =>
  Object.keys(where).length === 0
    ? promql`1 - ${latest(recorded.successRate)}`
    : promql`
        ${sumBy(['broker'], rate(metrics.taskFailed, where))}
        / ${on('broker')}
        (${sumBy(['broker'], series(recorded.finished, where))} > 0)`

/** One rule raises this alert for a task of a queue and for a whole broker; the texts follow the labels that are there. */
const SUBJECT =
  '{{ if $labels.task }}task {{ $labels.task }} in queue {{ $labels.queue }}{{ else }}all tasks together{{ end }} on broker {{ $labels.broker }}'

/** Each task of a queue by itself, where enough failed to prove something (guide-flaws 9 and 10). */
const worstTasks = when(
  latest(recorded.failureRatio),
  on('broker', 'task', 'queue'),
  promql`${sumBy(['broker', 'task', 'queue'], increase(metrics.taskFailed, {}, VOLUME_WINDOW_MS))} >= ${MINIMUM_FAILURES}`,
)

export const highFailureRate = alert({
  name: 'CeleryHighFailureRate',
  slug: 'celery-high-failure-rate',
  guide: 9,
  severity: 'critical',
  component: 'celery',
  forMs: 5 * MINUTE,
  threshold: { value: 0.05, unit: 'ratio', direction: 'over' },
  parameters: {
    minimumFailures: {
      value: MINIMUM_FAILURES,
      unit: 'count',
      help: 'Failures within 10 minutes below which a ratio proves nothing.',
    },
  },
  labels: ['broker', 'task', 'queue'],
  scopes: ['queue', 'task'],
  expr: ({ limit, where, rest, parameters }) =>
    either([
      when(
        promql`${latest(recorded.failureRatio, where)} > ${limit}`,
        on(...TASK),
        promql`${sumBy(TASK, failures(where))} >= ${parameters.minimumFailures}`,
      ),
      ...(rest
        ? [
            when(
              promql`${brokerRatio(where)} > ${limit}`,
              on('broker'),
              promql`${sumBy(['broker'], failures(where))} >= ${parameters.minimumFailures}`,
            ),
          ]
        : []),
    ]),
  summary: () => `${VALUE.ratio} of runs fail: ${SUBJECT}`,
  description: ({ limit, for: time, parameters }) =>
    `Over 5 minutes ${VALUE.ratio} of finished runs failed: ${SUBJECT}. More than ${limit} have failed for ${time}, with at least ${parameters.minimumFailures} failures in 10 minutes.`,
  panel: 'failure-ratio',
  cloudwatch: {
    metric: 'TaskFailureRatio',
    publishes: worstTasks,
    dimensions: ['broker', 'task', 'queue'],
    statistic: 'Maximum',
    periodSeconds: 60,
    evaluationPeriods: 5,
    datapointsToAlarm: 5,
    treatMissingData: 'notBreaching',
  },
  runbook: {
    title: 'Many tasks fail',
    meaning: [
      'A larger share of finished tasks failed than the limit allows: of one task in one queue, of all tasks of a broker, or of both.',
      'Retries are not failures; a task counts once it gave up. A task that fails every time is found although others succeed.',
    ],
    check: [
      {
        text: 'Which task, and with which exception?',
        query: topk(
          10,
          sumBy(['broker', 'task', 'queue', 'exception'], increase(metrics.taskFailed, {}, HOUR)),
        ),
      },
      { text: 'What share of each task fails?', query: latest(recorded.failureRatio) },
      {
        text: 'Since when? Compare with deploys and with changes of what the task talks to.',
        query: latest(recorded.successRate),
      },
      { text: 'Do they also retry?', query: sumBy(['broker', 'task', 'queue'], rate(metrics.taskRetry)) },
      { text: 'Read one traceback.', shell: 'journalctl -u <unit> | grep -A 30 "raised unexpected"' },
    ],
    act: [
      { text: 'It began with a deploy: roll back.' },
      { text: 'NotRegistered: a worker runs older code than its callers. Deploy workers before callers.' },
      {
        text: 'WorkerLostError or TimeLimitExceeded: memory or time runs out. Lower concurrency, raise the limit, or find the input that does it.',
      },
      {
        text: 'A dependency is down: stop the callers or let the task retry with backoff, so that work is kept.',
      },
      { text: 'Afterwards: send the failed work again. Failed tasks do not come back by themselves.' },
    ],
    escalate: [
      'Users lose results: tell the owner of the task at once.',
      'The dependency that fails belongs to another team.',
    ],
    before: [
      {
        text: 'A step from one minute to the next is a deploy or a dependency; a slope is a resource that runs out.',
        query: latest(recorded.failureRatio),
      },
      {
        text: 'Retries often rise before failures do: tasks give up last.',
        query: latest(recorded.retriesPerTask),
      },
    ],
  },
  scenes: {
    fires: [
      fires(
        'a task fails every time beside a thousand times more healthy runs',
        15,
        [
          line(metrics.taskFailed, failing('billing.charge'), '0+1x80'),
          line(metrics.taskSucceeded, task('health.ping', 'default'), '0+1000x80'),
        ],
        {
          labels: task('billing.charge'),
          summary: '100% of runs fail: task billing.charge in queue reports on broker default',
          description:
            'Over 5 minutes 100% of finished runs failed: task billing.charge in queue reports on broker default. More than 5% have failed for 5m, with at least 5 failures in 10 minutes.',
        },
      ),
      fires(
        'many tasks fail too rarely for each, often enough together',
        15,
        [
          ...['a', 'b', 'c', 'd'].map(name => line(metrics.taskFailed, failing(name), '0+0.1x80')),
          line(metrics.taskSucceeded, task('ping'), '0+1x80'),
        ],
        {
          labels: { broker: 'default' },
          summary: '28.57% of runs fail: all tasks together on broker default',
          description:
            'Over 5 minutes 28.57% of finished runs failed: all tasks together on broker default. More than 5% have failed for 5m, with at least 5 failures in 10 minutes.',
        },
      ),
    ],
    quiet: [
      quiet('it began four minutes ago', 4, [line(metrics.taskFailed, failing('report.render'), '0+1x80')]),
      quiet('one of five runs fails in ten minutes', 15, [
        line(metrics.taskFailed, failing('report.render'), '0x30 1x50'),
        line(metrics.taskSucceeded, task('report.render'), '0+0.1x80'),
      ]),
      quiet('4 % of many runs fail', 15, [
        line(metrics.taskFailed, failing('report.render'), '0+4x80'),
        line(metrics.taskSucceeded, task('report.render'), '0+96x80'),
      ]),
      quiet('nothing runs after old failures', 15, [
        line(metrics.taskFailed, failing('report.render'), '500x80'),
        line(metrics.taskSucceeded, task('report.render'), '5x80'),
      ]),
    ],
  },
})
