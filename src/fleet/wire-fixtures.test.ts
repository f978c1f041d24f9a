/** What real workers sent and answered, through the fleet: Celery 5.2.6 and 5.6.3 on Redis. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { decodeControlReply, decodeEventMessage } from '../celery/index.ts'
import type { InspectMethod } from './contract.ts'
import { createFleet } from './fleet.ts'
import { T0 } from './events.case.ts'

interface Fixture {
  readonly id: string
  readonly channel?: string
  readonly payload?: string
  readonly argv?: readonly string[]
}

const fixtures = (version: string): readonly Fixture[] =>
  readFileSync(new URL(`../../test/fixtures/wire/redis-celery-${version}.jsonl`, import.meta.url), 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Fixture)

const VERSIONS = ['5.2.6', '5.6.3']

test.each(VERSIONS)('every recorded event of Celery %s is counted once', version => {
  const fleet = createFleet()
  let events = 0
  let atMs = T0
  for (const { payload, channel } of fixtures(version)) {
    if (payload === undefined || channel?.includes('celeryev') !== true) continue
    const decoded = decodeEventMessage({ form: 'envelope', payload, receivedAtMs: (atMs += 1) })
    for (const event of decoded.events) {
      fleet.apply(event, atMs)
      if (event.type.startsWith('task-') && event.type !== 'task-cancelled') events++
    }
  }
  fleet.tick(atMs + 60_000)
  const told = fleet.drainChanges().filter(change => change.kind === 'task')
  expect(events).toBeGreaterThan(10)
  expect(told).toHaveLength(events)
  expect(told.find(change => change.event === 'succeeded')?.runtimeSeconds).toBeGreaterThan(0)
})

test.each(VERSIONS)('every recorded answer of Celery %s is understood', version => {
  const fleet = createFleet()
  const answers = (name: InspectMethod): void => {
    for (const { id, argv } of fixtures(version)) {
      if (!id.endsWith(`-reply-${name}`) || argv === undefined) continue
      const reply = decodeControlReply(argv[2] ?? '')
      const entries = reply.ok
        ? reply.value.replies.map(one => [one.node, one.ok ? one.value : undefined] as const)
        : []
      expect(entries.length).toBeGreaterThan(0)
      fleet.observe({ kind: 'inspect', method: name, replies: new Map(entries) }, T0)
    }
  }
  for (const method of ['stats', 'active_queues', 'active', 'reserved', 'scheduled'] as const) answers(method)
  const [worker] = fleet.workers(T0)
  expect(worker).toMatchObject({ state: 'up', pool: 'prefork' })
  expect(worker?.concurrency).toBeGreaterThan(0)
  expect(worker?.queues?.length).toBeGreaterThan(0)
  expect(worker?.active).toBeGreaterThan(0)
  expect(worker?.reserved).toBeGreaterThan(0)
  expect(worker?.scheduled).toBeGreaterThan(0)
})
