import { expect, test } from 'vitest'
import type { NotifiedAlert } from '../../../alerts/index.ts'
import { notification } from '../../receiver.case.ts'
import { webhookPayload } from './payload.ts'

test('a firing alert has no end: zero time, as Alertmanager writes it', () => {
  expect(JSON.parse(JSON.stringify(webhookPayload(notification(), 0)))).toEqual({
    receiver: 'ops',
    status: 'firing',
    alerts: [
      {
        status: 'firing',
        labels: {
          alertname: 'CeleryQueueDepthHigh',
          broker: 'default',
          queue: 'reports',
          severity: 'warning',
        },
        annotations: { summary: 'Queue reports holds 1234 messages' },
        startsAt: '2023-11-14T22:13:20Z',
        endsAt: '0001-01-01T00:00:00Z',
        generatorURL: 'http://celeriac.example/explore?e=x',
        fingerprint: '0123456789abcdef',
      },
    ],
    groupLabels: { alertname: 'CeleryQueueDepthHigh', broker: 'default' },
    commonLabels: {
      alertname: 'CeleryQueueDepthHigh',
      broker: 'default',
      queue: 'reports',
      severity: 'warning',
    },
    commonAnnotations: { summary: 'Queue reports holds 1234 messages' },
    externalURL: 'http://celeriac.example',
    version: '4',
    groupKey: '{}:{alertname="CeleryQueueDepthHigh", broker="default"}',
    truncatedAlerts: 0,
  })
})

test('alerts beyond the limit are counted, not sent', () => {
  const one = notification().alerts[0] as NotifiedAlert
  const payload = webhookPayload(notification({ alerts: [one, one, one] }), 2)
  expect(payload.alerts).toHaveLength(2)
  expect(payload.truncatedAlerts).toBe(1)
})
