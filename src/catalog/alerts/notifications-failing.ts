import { MINUTE } from '../../base/index.ts'
import { alert } from '../alert.ts'
import { increase, on, promql, sumBy } from '../expr.ts'
import { metrics } from '../metrics.ts'
import { fires, line, quiet } from '../scene.ts'
import { label, VALUE } from '../wording.ts'

const WINDOW_MS = 15 * MINUTE
const receiver = { receiver: 'on-call', channel: 'slack' }
const failed = { ...receiver, reason: 'refused' }
const BY = ['receiver', 'channel'] as const

export const notificationsFailing = alert({
  name: 'CeleriacNotificationsFailing',
  slug: 'celeriac-notifications-failing',
  severity: 'critical',
  component: 'celeriac',
  forMs: 5 * MINUTE,
  threshold: { value: 2, unit: 'count', direction: 'over' },
  parameters: {},
  labels: ['receiver', 'channel'],
  scopes: [],
  expr: ({ limit }) => promql`
    ${sumBy(BY, increase(metrics.notificationsFailed, {}, WINDOW_MS))} > ${limit}
    unless ${on(...BY)}
    ${sumBy(BY, increase(metrics.notifications, {}, WINDOW_MS))} > 0`,
  summary: () =>
    `Nobody hears receiver ${label('receiver')} (${label('channel')}): ${VALUE.count} attempts failed`,
  description: ({ limit, for: time }) =>
    `In 15 minutes ${VALUE.count} attempts to notify receiver ${label('receiver')} by ${label('channel')} failed and none got through; more than ${limit} have for ${time}. Alerts that are meant for it reach nobody.`,
  panel: 'self-notifications-failed',
  cloudwatch: null,
  runbook: {
    title: 'Notifications do not get through',
    meaning: [
      'Celeriac tries to tell somebody, again and again, and the other side does not take it. Alerts exist, and nobody hears them this way.',
      'Other receivers still hear this one; give each route at least two.',
    ],
    check: [
      {
        text: 'Which receiver, and why?',
        query: sumBy(['receiver', 'channel', 'reason'], increase(metrics.notificationsFailed, {}, WINDOW_MS)),
      },
      {
        text: 'Did anything get through?',
        query: sumBy(['receiver', 'channel'], increase(metrics.notifications, {}, WINDOW_MS)),
      },
      {
        text: 'What did the other side answer?',
        shell: 'journalctl -u celeriac -n 100 --no-pager | grep -i notif',
      },
    ],
    act: [
      { text: 'Refused (401, 403, 404): the webhook or key was revoked. Make a new one.' },
      { text: 'Not reached: a proxy, a network policy, or the service is down; its status page knows.' },
      { text: 'Too many (429): group more, or repeat less often.' },
    ],
    escalate: ['Alerts are firing now: tell the person on call by other means.'],
    before: [
      {
        text: 'It got through until a day on which a key was changed.',
        query: sumBy(['receiver', 'channel'], increase(metrics.notifications, {}, WINDOW_MS)),
      },
    ],
  },
  scenes: {
    fires: [
      fires('every attempt is refused', 25, [line(metrics.notificationsFailed, failed, '0+0.25x120')], {
        labels: receiver,
        summary: 'Nobody hears receiver on-call (slack): 15 attempts failed',
        description:
          'In 15 minutes 15 attempts to notify receiver on-call by slack failed and none got through; more than 2 have for 5m. Alerts that are meant for it reach nobody.',
      }),
    ],
    quiet: [
      quiet('some fail and some get through', 25, [
        line(metrics.notificationsFailed, failed, '0+0.25x120'),
        line(metrics.notifications, receiver, '0+0.25x120'),
      ]),
      quiet('one attempt failed', 25, [line(metrics.notificationsFailed, failed, '0x60 1x60')]),
      quiet('they have failed for four minutes', 4, [line(metrics.notificationsFailed, failed, '0+1x120')]),
    ],
  },
})
