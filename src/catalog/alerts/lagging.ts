import { MINUTE } from '../../base/index.ts'
import { alert } from '../alert.ts'
import { latest, promql, rate, sumBy } from '../expr.ts'
import { metrics } from '../metrics.ts'
import { fires, line, quiet } from '../scene.ts'
import { VALUE } from '../wording.ts'

export const lagging = alert({
  name: 'CeleriacLagging',
  slug: 'celeriac-lagging',
  severity: 'warning',
  component: 'celeriac',
  forMs: 5 * MINUTE,
  threshold: { value: 1, unit: 'seconds', direction: 'over' },
  parameters: {},
  labels: [],
  scopes: [],
  expr: ({ limit }) => promql`${latest(metrics.eventLoopLag)} > ${limit}`,
  summary: () => `Celeriac stands still for up to ${VALUE.seconds} at a time`,
  description: ({ limit, for: time }) =>
    `Between any two collections Celeriac was blocked for more than ${limit} at least once, for ${time}; ${VALUE.seconds} the last time. Events pile up, ages are too short, and alerts come late.`,
  panel: 'self-loop-lag',
  cloudwatch: null,
  runbook: {
    title: 'Celeriac cannot keep up',
    meaning: [
      'The process was blocked: it has more to do than its CPU allows, or the host does not give it any.',
      'What it tells meanwhile is late. What the broker drops because nobody reads is lost.',
    ],
    check: [
      { text: 'How much CPU does it use? 1 is a whole core.', query: rate(metrics.processCpu) },
      { text: 'How many events come?', query: sumBy(['broker'], rate(metrics.eventsTotal)) },
      { text: 'How many series are there?', query: latest(metrics.storeSeries) },
      { text: 'How long do rules take?', query: latest(metrics.ruleGroupDuration) },
      { text: 'Does the host have CPU to spare?', shell: 'top -b -n 1 | head -15' },
    ],
    act: [
      { text: 'A CPU limit of less than one core: raise it.' },
      { text: 'Many series: fewer task names or queues, or several Celeriacs, each with its brokers.' },
      {
        text: 'Rules of your own that read hours of data: make the window shorter, or record what they read.',
      },
    ],
    escalate: ['Events are dropped (CeleriacEventsDropped): numbers are then wrong, not only late.'],
    before: [
      {
        text: 'Memory near its limit makes blocks longer: the collector runs again and again.',
        query: latest(metrics.processRss),
      },
    ],
  },
  scenes: {
    fires: [
      fires('it is blocked for 2.5 seconds each time', 10, [line(metrics.eventLoopLag, {}, '2.5x60')], {
        labels: {},
        summary: 'Celeriac stands still for up to 2.5s at a time',
        description:
          'Between any two collections Celeriac was blocked for more than 1s at least once, for 5m; 2.5s the last time. Events pile up, ages are too short, and alerts come late.',
      }),
    ],
    quiet: [
      quiet('20 ms are usual', 10, [line(metrics.eventLoopLag, {}, '0.02x60')]),
      quiet('it has been blocked for two minutes', 10, [line(metrics.eventLoopLag, {}, '0.02x30 3x40')]),
    ],
  },
})
