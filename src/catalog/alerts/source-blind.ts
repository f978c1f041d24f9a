import { MINUTE } from '../../base/index.ts'
import { alert } from '../alert.ts'
import { increase, latest, on, promql, secondsSince, sumBy, when } from '../expr.ts'
import { metrics } from '../metrics.ts'
import { fires, line, quiet } from '../scene.ts'
import { label } from '../wording.ts'

const events = { broker: 'default', source: 'events' }
const broker = { broker: 'default' }

export const sourceBlind = alert({
  name: 'CeleriacSourceBlind',
  slug: 'celeriac-source-blind',
  severity: 'warning',
  component: 'celeriac',
  forMs: 5 * MINUTE,
  threshold: { value: 1, unit: 'count', direction: 'under' },
  parameters: {},
  labels: ['broker', 'source'],
  scopes: [],
  // A source that never told anything is a setting, which `celeriac check` names; a lost broker has an alert of its own.
  expr: ({ limit }) =>
    when(
      when(
        promql`${latest(metrics.sourceUp)} < ${limit}`,
        on('broker', 'source'),
        promql`${latest(metrics.sourceLastSuccess)} > 0`,
      ),
      on('broker'),
      promql`${latest(metrics.brokerUp)} == 1`,
    ),
  summary: () => `Celeriac no longer learns from ${label('source')} of broker ${label('broker')}`,
  description: ({ for: time }) =>
    `Nothing has come from ${label('source')} of broker ${label('broker')} for ${time}, although the broker is connected. Numbers and alerts that rest on it are unknown: they neither fire nor resolve.`,
  panel: 'self-sources',
  cloudwatch: null,
  runbook: {
    title: 'A source is lost',
    meaning: [
      'Celeriac learns from three sources: events that workers send, answers of workers when asked, and the broker itself. One that used to tell something has fallen silent.',
      'Nothing is resolved by that: alerts that rest on it stay as they were.',
    ],
    check: [
      { text: 'Which source, of which broker?', query: latest(metrics.sourceUp) },
      { text: 'For how long?', query: secondsSince(latest(metrics.sourceLastSuccess)) },
      {
        text: 'Events: were they cut off?',
        query: sumBy(['broker', 'reason'], increase(metrics.eventGaps, {}, 15 * MINUTE)),
      },
      { text: 'Are workers there at all?', query: latest(metrics.workers) },
      { text: 'What can be seen, and which setting is missing?', shell: 'celeriac check --broker <url>' },
    ],
    act: [
      {
        text: 'Events: a deploy left out -E (worker_send_task_events) or set --without-heartbeat. Put it back.',
      },
      {
        text: 'Answers: worker_enable_remote_control was switched off, or all workers are too busy to answer.',
      },
      { text: 'Broker: the user of Celeriac lost a right; its log names the command that was refused.' },
      { text: 'Redis closes the subscription: raise client-output-buffer-limit for pubsub.' },
    ],
    escalate: ['It is the only source and nobody watches the fleet: check queues and workers by hand.'],
    before: [
      {
        text: 'Gaps in what was heard came more often.',
        query: sumBy(['broker'], increase(metrics.eventGapSeconds, {}, 15 * MINUTE)),
      },
    ],
  },
  scenes: {
    fires: [
      fires(
        'events stop while the broker is connected',
        15,
        [
          line(metrics.sourceUp, events, '1x20 0x60'),
          line(metrics.sourceLastSuccess, events, '1700000000x80'),
          line(metrics.brokerUp, broker, '1x80'),
        ],
        {
          labels: events,
          summary: 'Celeriac no longer learns from events of broker default',
          description:
            'Nothing has come from events of broker default for 5m, although the broker is connected. Numbers and alerts that rest on it are unknown: they neither fire nor resolve.',
        },
      ),
    ],
    quiet: [
      quiet('events have stopped for four minutes', 9, [
        line(metrics.sourceUp, events, '1x20 0x60'),
        line(metrics.sourceLastSuccess, events, '1700000000x80'),
        line(metrics.brokerUp, broker, '1x80'),
      ]),
      quiet('the broker is lost; another alert says so', 15, [
        line(metrics.sourceUp, events, '1x20 0x60'),
        line(metrics.sourceLastSuccess, events, '1700000000x80'),
        line(metrics.brokerUp, broker, '1x20 0x60'),
      ]),
      quiet('workers never sent events', 15, [
        line(metrics.sourceUp, events, '0x80'),
        line(metrics.brokerUp, broker, '1x80'),
      ]),
    ],
  },
})
