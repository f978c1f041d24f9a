import { MINUTE } from '../../base/index.ts'
import { alert } from '../alert.ts'
import { latest, promql } from '../expr.ts'
import { metrics } from '../metrics.ts'
import { recorded } from '../recording-rules.ts'
import { fires, line, quiet } from '../scene.ts'
import { label, VALUE } from '../wording.ts'

const container = { broker: 'default', container: 'worker-1', worker: 'celery@worker-1' }

export const workerCpuHigh = alert({
  name: 'WorkerCpuHigh',
  slug: 'worker-cpu-high',
  guide: 11,
  severity: 'warning',
  component: 'worker',
  forMs: 5 * MINUTE,
  threshold: { value: 80, unit: 'percent', direction: 'over' },
  parameters: {},
  labels: ['broker', 'container', 'worker'],
  scopes: [],
  expr: ({ limit }) => promql`${latest(metrics.containerCpu)} > ${limit}`,
  summary: () =>
    `CPU of ${label('container')} is at ${VALUE.percent}{{ with $labels.worker }} (worker {{ . }}){{ end }}`,
  description: ({ limit, for: time }) =>
    `Container ${label('container')} of broker ${label('broker')} has used more than ${limit} of its CPU for ${time}; ${VALUE.percent} now.`,
  panel: 'worker-cpu',
  cloudwatch: {
    metric: 'WorkerCpu',
    publishes: latest(metrics.containerCpu),
    dimensions: ['broker', 'container'],
    statistic: 'Maximum',
    periodSeconds: 60,
    evaluationPeriods: 5,
    datapointsToAlarm: 5,
    treatMissingData: 'ignore',
  },
  runbook: {
    title: 'A worker uses most of its CPU',
    meaning: [
      'A worker’s container (or pod, unit, process group) is near its CPU limit. Its tasks become slower, and its heartbeats may come late.',
    ],
    check: [
      { text: 'One worker or all?', query: latest(metrics.containerCpu) },
      { text: 'Is its pool full?', query: latest(metrics.workerActive) },
      { text: 'Did tasks become slower?', query: latest(recorded.runtimeAverage) },
      { text: 'What does it compute?', shell: 'py-spy top --pid <pid of the pool process>' },
    ],
    act: [
      { text: 'All workers, and tasks are slower: add workers, or give each more CPU.' },
      { text: 'All workers, and nobody waits: it is a batch; leave it, raise the limit.' },
      {
        text: 'One worker alone: find its task; a loop without end needs to be terminated.',
        shell: 'celery -A <app> control terminate SIGTERM <task id>',
      },
      { text: 'More processes than cores: lower the concurrency.' },
    ],
    escalate: ['CeleryQueueWaitHigh or CelerySlowProcessing fires as well and no capacity is left.'],
    before: [
      {
        text: 'More tasks at once on this worker, or the same tasks with heavier input.',
        query: latest(metrics.workerActive),
      },
    ],
  },
  scenes: {
    fires: [
      fires('a worker is at 95 %', 10, [line(metrics.containerCpu, container, '95x60')], {
        labels: container,
        summary: 'CPU of worker-1 is at 95% (worker celery@worker-1)',
        description:
          'Container worker-1 of broker default has used more than 80% of its CPU for 5m; 95% now.',
      }),
    ],
    quiet: [
      quiet('a worker is at 60 %', 10, [line(metrics.containerCpu, container, '60x60')]),
      quiet('a peak of three minutes so far', 8, [line(metrics.containerCpu, container, '20x20 99x60')]),
    ],
  },
})
