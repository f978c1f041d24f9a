import { MINUTE } from '../../base/index.ts'
import { alert } from '../alert.ts'
import { latest, promql } from '../expr.ts'
import { metrics } from '../metrics.ts'
import { recorded } from '../recording-rules.ts'
import { fires, line, quiet } from '../scene.ts'
import { label, VALUE } from '../wording.ts'

const reports = { broker: 'default', queue: 'reports' }
const other = { broker: 'default', queue: 'default' }

export const queueDepthHigh = alert({
  name: 'CeleryQueueDepthHigh',
  slug: 'celery-queue-depth-high',
  guide: 1,
  severity: 'warning',
  component: 'celery',
  forMs: 5 * MINUTE,
  threshold: { value: 100, unit: 'count', direction: 'over' },
  parameters: {},
  labels: ['broker', 'queue'],
  scopes: ['queue'],
  expr: ({ limit, where }) => promql`${latest(metrics.queueDepth, where)} > ${limit}`,
  summary: () => `Queue ${label('queue')} has ${VALUE.count} tasks waiting`,
  description: ({ limit, for: time }) =>
    `Queue ${label('queue')} on broker ${label('broker')} has held more than ${limit} waiting tasks for ${time}; ${VALUE.count} wait now.`,
  panel: 'waiting-by-queue',
  cloudwatch: {
    metric: 'QueueDepth',
    publishes: latest(metrics.queueDepth),
    dimensions: ['broker', 'queue'],
    statistic: 'Maximum',
    periodSeconds: 60,
    evaluationPeriods: 5,
    datapointsToAlarm: 5,
    treatMissingData: 'ignore',
  },
  runbook: {
    title: 'A queue is too deep',
    meaning: [
      'More tasks wait in the broker than the limit allows. Whoever asked for them waits longer than usual.',
      'Tasks that workers have prefetched and tasks with an ETA are not in this number; the true backlog is larger.',
    ],
    check: [
      {
        text: 'Which queues are deep, and is it one or all?',
        query: latest(metrics.queueDepth),
      },
      {
        text: 'Does the queue have consumers? 0 means nobody will ever work it off.',
        query: latest(metrics.queueConsumers),
      },
      {
        text: 'Are the workers busy? Near 1 they need help; near 0 they are stuck.',
        query: latest(recorded.busyRatio),
      },
      {
        text: 'Did a task become slower? Compare with an hour ago.',
        query: latest(recorded.runtimeAverage),
      },
      {
        text: 'What is at work now, and for how long?',
        shell: 'celery -A <app> inspect active --timeout 5',
      },
    ],
    act: [
      {
        text: 'No consumers: start a worker for the queue, or correct the route that fills it.',
        shell: 'celery -A <app> worker -Q <queue> -n extra@%h',
      },
      { text: 'Workers busy: add workers, or raise the concurrency of those with CPU to spare.' },
      {
        text: 'Workers idle although they consume: restart them one by one. Celery can lose its consumer after a reconnect.',
      },
      {
        text: 'A burst that is already draining: leave it, and raise the limit of this queue if it comes every day.',
      },
      {
        text: 'A producer in a loop: stop the producer first. Do not purge a queue before somebody says its tasks may be lost.',
      },
    ],
    escalate: [
      'The queue still grows 15 minutes after workers were added.',
      'The broker runs short of memory (RedisMemoryHigh).',
      'Tasks must be thrown away: the owner of the task decides.',
    ],
    before: [
      {
        text: 'A burst: depth jumped within a minute and falls since. Sustained: it climbs in a straight line.',
        query: latest(metrics.queueDepth),
      },
      {
        text: 'Minutes earlier busy workers came near 1, or consumers of the queue went away.',
        query: latest(recorded.busyRatio),
      },
    ],
  },
  scenes: {
    fires: [
      fires(
        'two queues hold more than 100 tasks, not only the one called reports',
        10,
        [line(metrics.queueDepth, reports, '150x60'), line(metrics.queueDepth, other, '300000x60')],
        {
          labels: reports,
          summary: 'Queue reports has 150 tasks waiting',
          description:
            'Queue reports on broker default has held more than 100 waiting tasks for 5m; 150 wait now.',
        },
        {
          labels: other,
          summary: 'Queue default has 300k tasks waiting',
          description:
            'Queue default on broker default has held more than 100 waiting tasks for 5m; 300k wait now.',
        },
      ),
    ],
    quiet: [
      quiet('exactly 100 tasks wait', 10, [line(metrics.queueDepth, reports, '100x60')]),
      quiet('a burst of four minutes so far', 8, [line(metrics.queueDepth, reports, '5x15 900x60')]),
      quiet('the depth is no longer known', 10, [line(metrics.queueDepth, reports, '150x10 stale')]),
    ],
  },
})
