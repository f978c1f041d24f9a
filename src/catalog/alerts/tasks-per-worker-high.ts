import { MINUTE } from '../../base/index.ts'
import { alert } from '../alert.ts'
import { latest, promql } from '../expr.ts'
import { metrics } from '../metrics.ts'
import { recorded } from '../recording-rules.ts'
import { fires, line, quiet } from '../scene.ts'
import { label, VALUE } from '../wording.ts'

const broker = { broker: 'default' }

export const tasksPerWorkerHigh = alert({
  name: 'CeleryTasksPerWorkerHigh',
  slug: 'celery-tasks-per-worker-high',
  guide: 6,
  severity: 'warning',
  component: 'celery',
  // The guide names no time for the rule; its CloudWatch alarm takes two periods of five minutes.
  forMs: 10 * MINUTE,
  threshold: { value: 10, unit: 'count', direction: 'over' },
  parameters: {},
  labels: ['broker'],
  scopes: [],
  expr: ({ limit }) => promql`${latest(recorded.tasksPerWorker)} > ${limit}`,
  summary: () => `Each worker on broker ${label('broker')} runs ${VALUE.count} tasks`,
  description: ({ limit, for: time }) =>
    `On average more than ${limit} tasks have been executing on each worker of broker ${label('broker')} for ${time}; ${VALUE.count} now.`,
  panel: 'tasks-per-worker',
  cloudwatch: {
    metric: 'TasksPerWorker',
    publishes: latest(recorded.tasksPerWorker),
    dimensions: ['broker'],
    statistic: 'Average',
    periodSeconds: 300,
    evaluationPeriods: 2,
    datapointsToAlarm: 2,
    treatMissingData: 'ignore',
  },
  runbook: {
    title: 'Many tasks on each worker',
    meaning: [
      'Executing tasks over workers that are up: the load rests on few shoulders. The loss of one worker interrupts that many tasks.',
      'With pools larger than the limit this is normal under load; set the limit to your pool size.',
    ],
    check: [
      { text: 'Is the load even?', query: latest(metrics.workerActive) },
      { text: 'How large are the pools?', query: latest(metrics.workerConcurrency) },
      { text: 'Were workers lost?', query: latest(metrics.workerCount) },
      { text: 'Do tasks wait as well?', query: latest(recorded.queueDepthPerWorker) },
    ],
    act: [
      { text: 'Workers were lost: bring them back.' },
      { text: 'Load grew: add workers.' },
      { text: 'A gevent or eventlet pool of hundreds: raise the limit.' },
      {
        text: 'One worker has nearly everything: the others do not consume that queue, or it prefetched too much.',
      },
    ],
    escalate: ['No further workers can be had and CeleryQueueWaitHigh fires too.'],
    before: [
      {
        text: 'Workers went away while the work stayed, or tasks became longer.',
        query: latest(metrics.workerCount),
      },
    ],
  },
  scenes: {
    fires: [
      fires(
        'two workers run 30 tasks',
        20,
        [line(metrics.activeTasks, broker, '30x100'), line(metrics.workerCount, broker, '2x100')],
        {
          labels: broker,
          summary: 'Each worker on broker default runs 15 tasks',
          description:
            'On average more than 10 tasks have been executing on each worker of broker default for 10m; 15 now.',
        },
      ),
    ],
    quiet: [
      quiet('two workers have run 30 tasks for nine minutes', 9, [
        line(metrics.activeTasks, broker, '30x100'),
        line(metrics.workerCount, broker, '2x100'),
      ]),
      quiet('two workers run 8 tasks while 500 wait', 20, [
        line(metrics.activeTasks, broker, '8x100'),
        line(metrics.workerCount, broker, '2x100'),
        line(metrics.queueDepth, { broker: 'default', queue: 'reports' }, '500x100'),
      ]),
      quiet('no worker is up', 20, [
        line(metrics.activeTasks, broker, '30x100'),
        line(metrics.workerCount, broker, '0x100'),
      ]),
    ],
  },
})
