import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { task, type Suite } from './stage.case.ts'

/** What the server says of itself, and what is left in it. */
export function serverSuite({ traits, withWorld }: Suite): void {
  test('nothing is unacknowledged and no alarm is on in a fresh broker', () =>
    withWorld(async ({ broker }) => {
      expect(await broker.readServer()).toMatchObject({
        unacked: 0,
        unackedOldestAgeSeconds: traits.peeks ? 0 : null,
        unackedOverdue: traits.peeks ? 0 : null,
        alarms: [],
      })
    }))

  test('the server says how it is', () =>
    withWorld(async ({ broker }) => {
      let reading = await broker.readServer()
      // RabbitMQ counts connections every five seconds.
      for (const endMs = Date.now() + 20_000; reading.connectedClients === null && Date.now() < endMs;) {
        await sleep(200)
        reading = await broker.readServer()
      }
      expect(reading.version).toMatch(/\S/)
      expect(reading.connectedClients).toBeGreaterThanOrEqual(1)
      expect(reading.maxClients).toBeGreaterThan(1)
      expect(reading.memoryUsedBytes).toBeGreaterThanOrEqual(0)
      expect(reading.memoryMaxBytes).toBeGreaterThanOrEqual(0)
      expect(reading.evictedKeysTotal).toBe(traits.evicts ? 0 : null)
      expect(reading.maxmemoryPolicy).toBe(traits.evicts ? 'noeviction' : null)
      expect(reading.roundTripSeconds).toBeGreaterThanOrEqual(0)
      expect(reading.roundTripSeconds).toBeLessThan(5)
    }))

  test('what monitors and killed workers leave behind is counted by kind', () =>
    withWorld(async ({ broker, link }) => {
      // Elsewhere a queue does not tell whether anybody will come for it.
      if (!traits.redisNames) return
      const rows = async () =>
        new Map((await broker.readControlKeys())?.map(row => [`${row.kind} ${row.orphan}`, row]))
      expect([...(await rows()).values()].map(row => [row.keys, row.bytes])).toEqual(
        Array.from({ length: 6 }, () => [0, 0]),
      )
      for (const queue of [
        'celeryev.1',
        'celeryev.2',
        'w1@a.celery.pidbox',
        '7.reply.celery.pidbox',
        'reports',
      ])
        await link.publishTask(queue, task('x'))
      const after = await rows()
      expect(after.get('event true')).toMatchObject({ keys: 2 })
      expect(after.get('control true')).toMatchObject({ keys: 1 })
      expect(after.get('reply true')).toMatchObject({ keys: 1 })
      expect(after.get('reply false')).toMatchObject({ keys: 0, bytes: 0 })
      expect(after.get('event true')?.bytes).toBeGreaterThan(1_000)
    }))
}
