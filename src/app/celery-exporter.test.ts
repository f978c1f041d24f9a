import { expect, test } from 'vitest'
import type { BrokerState } from '../broker/index.ts'
import { celeryExporterHealth } from './celery-exporter.ts'

const broker = (address: string, state: BrokerState['state']) => ({
  address,
  state: (state === 'connecting'
    ? { state, sinceMs: 0, attempt: 1, error: undefined }
    : { state, sinceMs: 0, serverVersion: undefined }) as BrokerState,
})

test.each([
  [[broker('redis://a', 'connected')], true, 'Connected to the broker redis://a'],
  [[broker('redis://a', 'connecting')], false, 'Not connected to the broker redis://a'],
  [
    [broker('redis://a', 'connecting'), broker('redis://b', 'connected')],
    true,
    'Connected to the broker redis://b; not connected to redis://a',
  ],
  [
    [broker('redis://a', 'connecting'), broker('redis://b', 'stopped')],
    false,
    'Not connected to the broker redis://a, redis://b',
  ],
  [[], false, 'No broker is configured.'],
])('health is as good as the page: %#', (brokers, ok, text) => {
  expect(celeryExporterHealth(brokers, true)).toEqual({ ok, text })
})

test('a collection that is stuck is no health, however well the broker is connected', () => {
  expect(celeryExporterHealth([broker('redis://a', 'connected')], false).ok).toBe(false)
})
