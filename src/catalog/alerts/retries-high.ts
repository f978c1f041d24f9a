import { HOUR, MINUTE } from '../../base/index.ts'
import { alert } from '../alert.ts'
import { increase, latest, on, promql, rate, sumBy, when } from '../expr.ts'
import { metrics } from '../metrics.ts'
import { recorded, RETRY_WINDOW_MS } from '../recording-rules.ts'
import { fires, line, quiet } from '../scene.ts'
import { label, VALUE } from '../wording.ts'

const task = { broker: 'default', task: 'mail.send', queue: 'reports' }

export const retriesHigh = alert({
  name: 'CeleryRetriesHigh',
  slug: 'celery-retries-high',
  guide: 10,
  severity: 'warning',
  component: 'celery',
  forMs: 5 * MINUTE,
  threshold: { value: 2, unit: 'count', direction: 'over' },
  parameters: {
    minimumRetries: {
      value: 10,
      unit: 'count',
      help: 'Retries within 15 minutes below which the average proves nothing.',
    },
  },
  labels: ['broker', 'task', 'queue'],
  scopes: ['queue', 'task'],
  expr: ({ limit, where, parameters }) =>
    when(
      promql`${latest(recorded.retriesPerTask, where)} > ${limit}`,
      on('broker', 'task', 'queue'),
      promql`${sumBy(['broker', 'task', 'queue'], increase(metrics.taskRetry, where, RETRY_WINDOW_MS))} >= ${parameters.minimumRetries}`,
    ),
  summary: () =>
    `Task ${label('task')} in queue ${label('queue')} is retried ${VALUE.count} times for each task that ends`,
  description: ({ limit, for: time, parameters }) =>
    `Over 15 minutes task ${label('task')} in queue ${label('queue')} on broker ${label('broker')} was retried ${VALUE.count} times for each one that ended. More than ${limit} have been seen for ${time}, with at least ${parameters.minimumRetries} retries.`,
  panel: 'retries-by-task',
  cloudwatch: {
    metric: 'RetriesPerTask',
    publishes: latest(recorded.retriesPerTask),
    dimensions: ['broker', 'task', 'queue'],
    statistic: 'Maximum',
    periodSeconds: 60,
    evaluationPeriods: 5,
    datapointsToAlarm: 5,
    treatMissingData: 'notBreaching',
  },
  runbook: {
    title: 'A task retries too much',
    meaning: [
      'For each task that succeeded or gave up there were more retries than the limit. Work is done several times, and each retry waits in a worker until its time.',
      'Where no task ended at all, the retries of the window are counted as those of one task.',
    ],
    check: [
      { text: 'Which task?', query: latest(recorded.retriesPerTask) },
      { text: 'Rising or steady?', query: sumBy(['broker', 'task', 'queue'], rate(metrics.taskRetry)) },
      {
        text: 'Do they fail in the end?',
        query: sumBy(['broker', 'task', 'queue', 'exception'], increase(metrics.taskFailed, {}, HOUR)),
      },
      { text: 'How many wait in workers for their next try?', query: latest(metrics.workerScheduled) },
      { text: 'Why do they retry?', shell: 'journalctl -u <unit> | grep "Retry in"' },
    ],
    act: [
      {
        text: 'What the task calls is down or throttles: repair or ask for more; lower the rate meanwhile.',
        shell: 'celery -A <app> control rate_limit <task> 10/m',
      },
      { text: 'An error that will never pass (bad input): do not retry on it.' },
      { text: 'Retries come too fast: retry_backoff and retry_jitter.' },
      { text: 'celery.chord_unlock retries: a member of a chord was lost. Find it, or forget the chord.' },
    ],
    escalate: ['The retries overload what they call.', 'The dependency that fails belongs to another team.'],
    before: [
      {
        text: 'The first retries come seconds after what the task calls began to fail.',
        query: sumBy(['broker', 'task', 'queue'], rate(metrics.taskRetry)),
      },
    ],
  },
  scenes: {
    fires: [
      fires(
        'four retries for each task that succeeds',
        25,
        [line(metrics.taskRetry, task, '0+4x120'), line(metrics.taskSucceeded, task, '0+1x120')],
        {
          labels: task,
          summary: 'Task mail.send in queue reports is retried 4 times for each task that ends',
          description:
            'Over 15 minutes task mail.send in queue reports on broker default was retried 4 times for each one that ended. More than 2 have been seen for 5m, with at least 10 retries.',
        },
      ),
      fires('nothing ends, everything is retried', 25, [line(metrics.taskRetry, task, '0+1x120')], {
        labels: task,
        summary: 'Task mail.send in queue reports is retried 60 times for each task that ends',
        description:
          'Over 15 minutes task mail.send in queue reports on broker default was retried 60 times for each one that ended. More than 2 have been seen for 5m, with at least 10 retries.',
      }),
    ],
    quiet: [
      quiet('retries began four minutes ago', 4, [line(metrics.taskRetry, task, '0+4x120')]),
      quiet('one retry for each task', 25, [
        line(metrics.taskRetry, task, '0+1x120'),
        line(metrics.taskSucceeded, task, '0+1x120'),
      ]),
      quiet('three retries of one task in 15 minutes', 25, [
        line(metrics.taskRetry, task, '0x60 1x4 2x4 3x60'),
      ]),
    ],
  },
})
