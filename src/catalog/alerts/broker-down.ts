import { HOUR, MINUTE } from '../../base/index.ts'
import { alert } from '../alert.ts'
import { increase, latest, promql, sumBy } from '../expr.ts'
import { metrics } from '../metrics.ts'
import { fires, line, quiet } from '../scene.ts'
import { label } from '../wording.ts'

const broker = { broker: 'default' }

export const brokerDown = alert({
  name: 'CeleryBrokerDown',
  slug: 'celery-broker-down',
  severity: 'critical',
  component: 'celery',
  forMs: MINUTE,
  threshold: { value: 1, unit: 'count', direction: 'under' },
  parameters: {},
  labels: ['broker'],
  scopes: [],
  expr: ({ limit }) => promql`${latest(metrics.brokerUp)} < ${limit}`,
  summary: () => `Broker ${label('broker')} cannot be reached`,
  description: ({ for: time }) =>
    `Celeriac has not been connected to broker ${label('broker')} for ${time}. If workers and senders cannot reach it either, nothing is sent and nothing is done; numbers of this broker are unknown meanwhile.`,
  panel: 'broker-up',
  cloudwatch: {
    metric: 'BrokerUp',
    publishes: latest(metrics.brokerUp),
    dimensions: ['broker'],
    statistic: 'Maximum',
    periodSeconds: 60,
    evaluationPeriods: 3,
    datapointsToAlarm: 2,
    treatMissingData: 'ignore',
  },
  runbook: {
    title: 'The broker is lost',
    meaning: [
      'The connection of Celeriac to the broker is gone and does not come back. Workers usually lose theirs at the same time.',
      'Other alerts of this broker neither fire nor resolve meanwhile: what they watch is unknown.',
    ],
    check: [
      { text: 'Since when, and does it come and go?', query: latest(metrics.brokerUp) },
      {
        text: 'How often did Celeriac connect within an hour?',
        query: sumBy(['broker'], increase(metrics.brokerConnects, {}, HOUR)),
      },
      {
        text: 'Does it answer from here?',
        shell: 'redis-cli -h <broker host> ping   # or: rabbitmqctl status',
      },
      {
        text: 'Does it answer a worker’s host? If so, only Celeriac is cut off.',
        shell: 'nc -vz <broker host> <port>',
      },
      {
        text: 'What did it say last?',
        shell: 'journalctl -u redis -n 100 --no-pager   # or: kubectl logs <pod> --previous',
      },
    ],
    act: [
      { text: 'It is gone: start it. Read why it ended first: memory and full disks come back.' },
      { text: 'It refuses the connection: password, TLS, maxclients, a network policy.' },
      { text: 'It moved: give Celeriac and the workers its new address.' },
      {
        text: 'It is back: watch the workers for ten minutes. Celery workers may be alive afterwards and take nothing; restart those.',
      },
    ],
    escalate: [
      'The broker does not come back within 15 minutes.',
      'Its data is lost: tasks that waited are too.',
    ],
    before: [
      {
        text: 'Round trips became longer, or memory reached its limit.',
        query: latest(metrics.brokerRoundtrip),
      },
    ],
  },
  scenes: {
    fires: [
      fires('the broker is lost', 10, [line(metrics.brokerUp, broker, '1x20 0x40')], {
        labels: broker,
        summary: 'Broker default cannot be reached',
        description:
          'Celeriac has not been connected to broker default for 1m. If workers and senders cannot reach it either, nothing is sent and nothing is done; numbers of this broker are unknown meanwhile.',
      }),
    ],
    quiet: [
      quiet('the broker is connected', 10, [line(metrics.brokerUp, broker, '1x60')]),
      quiet('the broker restarts, 45 seconds so far', 10, [line(metrics.brokerUp, broker, '1x36 0x40')]),
    ],
  },
})
