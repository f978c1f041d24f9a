import { MINUTE } from '../../base/index.ts'
import { alert } from '../alert.ts'
import { latest, promql } from '../expr.ts'
import { metrics } from '../metrics.ts'
import { fires, line, quiet } from '../scene.ts'
import { label, VALUE } from '../wording.ts'

const container = { broker: 'default', container: 'worker-1', worker: 'celery@worker-1' }

export const workerMemoryHigh = alert({
  name: 'WorkerMemoryHigh',
  slug: 'worker-memory-high',
  guide: 12,
  severity: 'warning',
  component: 'worker',
  // The guide names no time. Short, because the kernel does not wait; not 0, because a peak at the end of a task is common.
  forMs: 2 * MINUTE,
  threshold: { value: 85, unit: 'percent', direction: 'over' },
  parameters: {},
  labels: ['broker', 'container', 'worker'],
  scopes: [],
  expr: ({ limit }) => promql`${latest(metrics.containerMemory)} > ${limit}`,
  summary: () =>
    `Memory of ${label('container')} is at ${VALUE.percent}{{ with $labels.worker }} (worker {{ . }}){{ end }}`,
  description: ({ limit, for: time }) =>
    `Container ${label('container')} of broker ${label('broker')} has used more than ${limit} of its memory for ${time}; ${VALUE.percent} now. At 100% the kernel kills it, and its tasks with it.`,
  panel: 'worker-memory',
  cloudwatch: {
    metric: 'WorkerMemory',
    publishes: latest(metrics.containerMemory),
    dimensions: ['broker', 'container'],
    statistic: 'Maximum',
    periodSeconds: 60,
    evaluationPeriods: 2,
    datapointsToAlarm: 2,
    treatMissingData: 'ignore',
  },
  runbook: {
    title: 'A worker is near its memory limit',
    meaning: [
      'The working set of a worker’s container is close to its limit. When it is reached the kernel kills a process: a task ends with WorkerLostError, or the whole worker is gone.',
      'Page cache is not counted; it can be given back.',
    ],
    check: [
      {
        text: 'A slope or a step? A slope is a leak, a step is one large task.',
        query: latest(metrics.containerMemory),
      },
      {
        text: 'Does it hold many tasks for later? Each ETA task stays in memory.',
        query: latest(metrics.workerScheduled),
      },
      { text: 'Has it prefetched much?', query: latest(metrics.workerReserved) },
      { text: 'Which process is large?', shell: 'ps -o pid,rss,args --sort=-rss -C celery | head' },
    ],
    act: [
      {
        text: 'A leak: recycle pool processes.',
        shell: 'celery -A <app> worker --max-memory-per-child=<KiB> --max-tasks-per-child=<n>',
      },
      { text: 'One large task: a queue and a worker with more memory for it.' },
      {
        text: 'Thousands of ETA tasks: keep far-off work in a database, and cap worker_eta_task_limit (Celery 5.6).',
      },
      {
        text: 'Restart the worker warmly before the kernel does it.',
        shell: 'celery -A <app> control shutdown -d <worker>',
      },
    ],
    escalate: ['Tasks die with WorkerLostError.', 'The host itself runs out of memory.'],
    before: [
      {
        text: 'A slope over hours is a leak; saw teeth are a pool that is recycled, and well.',
        query: latest(metrics.workerMemory),
      },
    ],
  },
  scenes: {
    fires: [
      fires('a worker is at 93 %', 10, [line(metrics.containerMemory, container, '93x60')], {
        labels: container,
        summary: 'Memory of worker-1 is at 93% (worker celery@worker-1)',
        description:
          'Container worker-1 of broker default has used more than 85% of its memory for 2m; 93% now. At 100% the kernel kills it, and its tasks with it.',
      }),
    ],
    quiet: [
      quiet('a worker is at 70 %', 10, [line(metrics.containerMemory, container, '70x60')]),
      quiet('a peak of a minute so far', 10, [line(metrics.containerMemory, container, '50x35 95x40')]),
    ],
  },
})
