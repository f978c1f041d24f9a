import { HOUR, MINUTE } from '../../base/index.ts'
import { alert } from '../alert.ts'
import { increase, latest, promql, sumBy, topk } from '../expr.ts'
import { metrics } from '../metrics.ts'
import { fires, line, quiet } from '../scene.ts'
import { label, VALUE } from '../wording.ts'

const runtime = { metric: 'celery_task_runtime_seconds' }

export const seriesDropped = alert({
  name: 'CeleriacSeriesDropped',
  slug: 'celeriac-series-dropped',
  severity: 'warning',
  component: 'celeriac',
  forMs: 5 * MINUTE,
  threshold: { value: 0, unit: 'count', direction: 'over' },
  parameters: {},
  labels: ['metric'],
  scopes: [],
  expr: ({ limit }) =>
    promql`${sumBy(['metric'], increase(metrics.seriesDropped, {}, 10 * MINUTE))} > ${limit}`,
  summary: () => `Celeriac refuses samples of ${label('metric')}: ${VALUE.count} in 10 minutes`,
  description: ({ for: time }) =>
    `Metric ${label('metric')} has reached its cap of series; ${VALUE.count} samples of new ones were refused in 10 minutes, and some for ${time}. New tasks or queues are missing from it; those known before go on.`,
  panel: 'self-series-dropped',
  cloudwatch: null,
  runbook: {
    title: 'A metric has too many series',
    meaning: [
      'Every new combination of labels is a series and takes memory, so each metric has a cap. What comes after it is refused and counted.',
      'Mostly a name that should be fixed is made at run time: a queue for each user, a task name with an id in it.',
    ],
    check: [
      {
        text: 'Which metric?',
        query: topk(10, sumBy(['metric'], increase(metrics.seriesDropped, {}, HOUR))),
      },
      { text: 'How many series are there in all?', query: latest(metrics.storeSeries) },
      { text: 'Were tasks, workers or queues forgotten?', query: increase(metrics.tableEvictions, {}, HOUR) },
    ],
    act: [
      { text: 'Names made at run time: give queues and tasks fixed names.' },
      { text: 'A fleet that is this large: let several Celeriacs watch it, each with its brokers.' },
      {
        text: 'It was a test that made thousands of names: restart Celeriac, series that are not used are gone then.',
      },
    ],
    escalate: ['An alert that you rely on reads this metric: what is new is not watched.'],
    before: [{ text: 'Series grew steadily for hours, not in a step.', query: latest(metrics.storeSeries) }],
  },
  scenes: {
    fires: [
      fires('new series are refused all the time', 15, [line(metrics.seriesDropped, runtime, '0+4x80')], {
        labels: runtime,
        summary: 'Celeriac refuses samples of celery_task_runtime_seconds: 160 in 10 minutes',
        description:
          'Metric celery_task_runtime_seconds has reached its cap of series; 160 samples of new ones were refused in 10 minutes, and some for 5m. New tasks or queues are missing from it; those known before go on.',
      }),
    ],
    quiet: [
      quiet('some were refused long ago', 15, [line(metrics.seriesDropped, runtime, '500x80')]),
      quiet('some have been refused for four minutes', 4, [line(metrics.seriesDropped, runtime, '0+4x80')]),
    ],
  },
})
