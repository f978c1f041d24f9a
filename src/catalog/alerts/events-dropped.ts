import { MINUTE } from '../../base/index.ts'
import { alert } from '../alert.ts'
import { increase, latest, promql, rate, sumBy } from '../expr.ts'
import { metrics } from '../metrics.ts'
import { fires, line, quiet } from '../scene.ts'
import { label, VALUE } from '../wording.ts'

const broker = { broker: 'default' }

export const eventsDropped = alert({
  name: 'CeleriacEventsDropped',
  slug: 'celeriac-events-dropped',
  severity: 'warning',
  component: 'celeriac',
  forMs: 5 * MINUTE,
  threshold: { value: 0, unit: 'count', direction: 'over' },
  parameters: {},
  labels: ['broker'],
  scopes: [],
  expr: ({ limit }) =>
    promql`${sumBy(['broker'], increase(metrics.eventsDropped, {}, 10 * MINUTE))} > ${limit}`,
  summary: () => `Celeriac drops events of broker ${label('broker')}: ${VALUE.count} messages in 10 minutes`,
  description: ({ for: time }) =>
    `More events come from broker ${label('broker')} than Celeriac can take: ${VALUE.count} messages were dropped unread in 10 minutes, and some for ${time}. Counts of tasks are too low meanwhile.`,
  panel: 'self-events-dropped',
  cloudwatch: null,
  runbook: {
    title: 'Events are dropped',
    meaning: [
      'The buffer between the broker and Celeriac is full, so that messages are thrown away unread: better than to run out of memory.',
      'Counters, rates and run times miss what was in them. Queues, workers and the broker are read on other ways and stay right.',
    ],
    check: [
      { text: 'How many events come?', query: sumBy(['broker'], rate(metrics.eventsTotal)) },
      { text: 'Is Celeriac blocked?', query: latest(metrics.eventLoopLag) },
      { text: 'How much CPU does it use? 1 is a whole core.', query: rate(metrics.processCpu) },
    ],
    act: [
      { text: 'A CPU limit of less than one core: raise it.' },
      { text: 'More than one process can take: let several Celeriacs watch, each with its brokers.' },
    ],
    escalate: ['It goes on and alerts on failures are relied on: they see only a part.'],
    before: [
      { text: 'The rate of events rose, or blocks became longer.', query: latest(metrics.eventLoopLag) },
    ],
  },
  scenes: {
    fires: [
      fires('messages are dropped all the time', 15, [line(metrics.eventsDropped, broker, '0+10x80')], {
        labels: broker,
        summary: 'Celeriac drops events of broker default: 400 messages in 10 minutes',
        description:
          'More events come from broker default than Celeriac can take: 400 messages were dropped unread in 10 minutes, and some for 5m. Counts of tasks are too low meanwhile.',
      }),
    ],
    quiet: [
      quiet('some were dropped long ago', 15, [line(metrics.eventsDropped, broker, '70x80')]),
      quiet('some have been dropped for four minutes', 4, [line(metrics.eventsDropped, broker, '0+10x80')]),
    ],
  },
})
