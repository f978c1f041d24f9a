import { MINUTE } from '../../base/index.ts'
import { alert } from '../alert.ts'
import { latest, promql } from '../expr.ts'
import { metrics } from '../metrics.ts'
import { recorded } from '../recording-rules.ts'
import { fires, line, quiet } from '../scene.ts'
import { label, VALUE } from '../wording.ts'

const broker = { broker: 'default' }

export const lowRedundancy = alert({
  name: 'CeleryLowRedundancy',
  slug: 'celery-low-redundancy',
  guide: 4,
  severity: 'warning',
  component: 'celery',
  forMs: 5 * MINUTE,
  threshold: { value: 2, unit: 'count', direction: 'under' },
  parameters: {},
  labels: ['broker'],
  scopes: [],
  // Without any worker CeleryNoWorkers speaks, and this one keeps silent (guide-flaw 7).
  expr: ({ limit }) => promql`(${latest(metrics.workerCount)} > 0) < ${limit}`,
  summary: () => `Celery workers up on broker ${label('broker')}: ${VALUE.count}`,
  description: ({ limit, for: time }) =>
    `Fewer than ${limit} workers of broker ${label('broker')} have been up for ${time} (now ${VALUE.count}). If the next one fails, work stops.`,
  panel: 'worker-count',
  cloudwatch: {
    metric: 'WorkerCount',
    publishes: latest(metrics.workerCount),
    dimensions: ['broker'],
    statistic: 'Maximum',
    periodSeconds: 60,
    evaluationPeriods: 5,
    datapointsToAlarm: 5,
    treatMissingData: 'ignore',
  },
  runbook: {
    title: 'Too few workers for a failure',
    meaning: [
      'Work goes on, but there are fewer workers than the limit: one more failure and it stops or backs up.',
      'Workers are counted, not their processes: one worker with 16 processes is still one.',
    ],
    check: [
      { text: 'Which workers are missing?', query: latest(metrics.workerUp) },
      { text: 'Are those that are left full?', query: latest(recorded.busyRatio) },
      {
        text: 'Which queues lost consumers?',
        query: latest(metrics.queueConsumers),
      },
      { text: 'Who answers?', shell: 'celery -A <app> inspect ping --timeout 5' },
    ],
    act: [
      { text: 'Start the missing worker; read its last log lines first, or it will go the same way.' },
      {
        text: 'Scaled down on purpose, at night for instance: set the limit to what you run, or a silence for the hours.',
      },
      { text: 'Two workers share one node name: give each its own with -n, they overwrite each other.' },
    ],
    escalate: ['The worker ends again after each start.', 'The remaining workers are saturated.'],
    before: [
      {
        text: 'A worker vanished (no goodbye) or stopped (a deploy, scaling down).',
        query: latest(metrics.workers),
      },
    ],
  },
  scenes: {
    fires: [
      fires('one of two workers is lost', 15, [line(metrics.workerCount, broker, '2x20 1x60')], {
        labels: broker,
        summary: 'Celery workers up on broker default: 1',
        description:
          'Fewer than 2 workers of broker default have been up for 5m (now 1). If the next one fails, work stops.',
      }),
    ],
    quiet: [
      quiet('one of two workers restarts', 18, [line(metrics.workerCount, broker, '2x60 1x60')]),
      quiet('two workers are up', 15, [line(metrics.workerCount, broker, '2x80')]),
      quiet('no worker is up; another alert says so', 15, [line(metrics.workerCount, broker, '0x80')]),
      quiet('the count is unknown', 15, [line(metrics.workerCount, broker, '1x10 stale')]),
    ],
  },
})
