import { expect, test } from 'vitest'
import { createFleet } from './index.ts'
import { serverState } from './events.case.ts'

const queue = (depth: number, oldest: string, consumers: number | null = null) => ({
  queue: 'reports',
  depth,
  heads: consumers === null ? [oldest] : null,
  newest: null,
  deliveredTotal: null,
  unacked: null,
  consumers,
})

/** A fleet whose only question nobody answered, a reading each 5 seconds, and the number of workers it then tells. */
function count(blockedConsumers: number | null | undefined, readings: readonly ReturnType<typeof queue>[]) {
  const fleet = createFleet()
  fleet.observe({ kind: 'broker-connected' }, 0)
  fleet.observe({ kind: 'inspect', method: 'stats', askedAtMs: 1, replies: new Map() }, 1001)
  readings.forEach((reading, i) => {
    const atMs = 2000 + i * 5000
    fleet.observe({ kind: 'queues', queues: [reading] }, atMs)
    if (blockedConsumers !== undefined)
      fleet.observe({ kind: 'server', server: serverState({ blockedConsumers }) }, atMs)
    fleet.tick(atMs)
  })
  return fleet.totals(2000 + readings.length * 5000).workers
}

test('nobody answered and nobody waits for messages: there are no workers', () => {
  expect(count(0, [queue(0, '')])).toBe(0)
})

test('somebody waits for messages: how many workers there are is not known', () => {
  expect(count(2, [queue(0, '')])).toBeNull()
  expect(count(2, [queue(5, 'a'), queue(5, 'b'), queue(5, 'c'), queue(5, 'd')])).toBeNull()
  expect(count(2, [queue(5, 'a'), queue(4, 'a'), queue(3, 'a'), queue(2, 'a')])).toBeNull()
})

test('a queue keeps its messages: whoever waits, waits elsewhere', () => {
  expect(count(2, [queue(5, 'a'), queue(5, 'a'), queue(7, 'a')])).toBe(0)
})

test('a server that says nothing leaves it open', () => {
  expect(count(null, [queue(0, '')])).toBeNull()
})

test('RabbitMQ knows the consumers of a queue', () => {
  expect(count(null, [queue(0, '', 0)])).toBe(0)
  expect(count(null, [queue(0, '', 1)])).toBeNull()
})
