import { MINUTE } from '../../base/index.ts'
import { alert } from '../alert.ts'
import { latest, promql, series, sumBy } from '../expr.ts'
import { metrics } from '../metrics.ts'
import { recorded } from '../recording-rules.ts'
import { fires, line, quiet, type SceneSeries } from '../scene.ts'
import { label, VALUE } from '../wording.ts'

const broker = { broker: 'default' }

const worker = (name: string, up: string, concurrency: string, active: string): readonly SceneSeries[] => {
  const labels = { broker: 'default', worker: name }
  return [
    line(metrics.workerUp, labels, up),
    line(metrics.workerConcurrency, labels, concurrency),
    line(metrics.workerActive, labels, active),
  ]
}

export const workersSaturated = alert({
  name: 'CeleryWorkersSaturated',
  slug: 'celery-workers-saturated',
  guide: 5,
  severity: 'warning',
  component: 'celery',
  forMs: 5 * MINUTE,
  threshold: { value: 0.9, unit: 'ratio', direction: 'over' },
  parameters: {},
  labels: ['broker'],
  scopes: [],
  expr: ({ limit }) => promql`${latest(recorded.busyRatio)} > ${limit}`,
  summary: () => `Workers on broker ${label('broker')} are ${VALUE.ratio} busy`,
  description: ({ limit, for: time }) =>
    `More than ${limit} of the pool slots of broker ${label('broker')} have been busy for ${time}; ${VALUE.ratio} now. New tasks have to wait.`,
  panel: 'worker-busy',
  cloudwatch: {
    metric: 'WorkerBusyRatio',
    publishes: latest(recorded.busyRatio),
    dimensions: ['broker'],
    statistic: 'Average',
    periodSeconds: 300,
    evaluationPeriods: 1,
    datapointsToAlarm: 1,
    treatMissingData: 'ignore',
  },
  runbook: {
    title: 'Workers are saturated',
    meaning: [
      'Nearly every slot of every pool is busy, by the size each worker reports. Short tasks now queue behind long ones.',
      'Alone it is no fault: a batch may fill the pool on purpose. With a growing queue it is one.',
    ],
    check: [
      { text: 'Is somebody waiting?', query: latest(metrics.queueDepth) },
      { text: 'Is it every worker or a few?', query: latest(metrics.workerActive) },
      { text: 'Which task takes the time?', query: latest(recorded.runtimeAverage) },
      {
        text: 'Has a task hung? Look at time_start.',
        shell: 'celery -A <app> inspect active --timeout 5',
      },
      { text: 'Is there CPU to spare on the hosts?', query: latest(metrics.containerCpu) },
    ],
    act: [
      {
        text: 'CPU to spare (tasks wait for others): raise the concurrency.',
        shell: 'celery -A <app> control pool_grow <n> -d <worker>',
      },
      { text: 'No CPU to spare: add workers on other hosts.' },
      { text: 'One long task fills the pool: give it a queue and workers of its own.' },
      {
        text: 'A task hangs: end it, and give it a time limit.',
        shell: 'celery -A <app> control terminate SIGTERM <task id>',
      },
    ],
    escalate: ['The queue grows and no more workers can be had.'],
    before: [
      {
        text: 'The share rose with the rate of tasks (more work) or without it (slower work).',
        query: sumBy(['broker'], series(recorded.finished)),
      },
    ],
  },
  scenes: {
    fires: [
      fires(
        'two workers with pools of 2 and 8 have all slots busy',
        10,
        [...worker('small@a', '1x60', '2x60', '2x60'), ...worker('large@b', '1x60', '8x60', '8x60')],
        {
          labels: broker,
          summary: 'Workers on broker default are 100% busy',
          description:
            'More than 90% of the pool slots of broker default have been busy for 5m; 100% now. New tasks have to wait.',
        },
      ),
    ],
    quiet: [
      quiet('all slots have been busy for four minutes', 4, worker('large@b', '1x60', '8x60', '8x60')),
      quiet('a pool of 8 runs 4 tasks', 10, worker('large@b', '1x60', '8x60', '4x60')),
      quiet('no worker is up', 10, worker('large@b', '0x60', '8x60', '8x60')),
      quiet('the pool has no slot', 10, worker('large@b', '1x60', '0x60', '0x60')),
      quiet('a worker that was never asked for its size does not count', 10, [
        ...worker('large@b', '1x60', '8x60', '4x60'),
        line(metrics.workerUp, { broker: 'default', worker: 'new@c' }, '1x60'),
        line(metrics.workerActive, { broker: 'default', worker: 'new@c' }, '8x60'),
      ]),
    ],
  },
})
