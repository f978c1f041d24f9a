import { afterAll, expect, test } from 'vitest'
import { type Clock, memoryLog, silentLog } from '../../src/base/index.ts'
import { createBroker, createFleetLink } from '../../src/broker/index.ts'
import { type CeleryEvent, decodeEventMessage } from '../../src/celery/index.ts'
import { createSimulatedFleet, demoProfile, queuesOf, seededRandom } from '../../src/simulate/index.ts'
import { startRedis } from '../servers/redis.ts'

const clock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
}
const cleanups: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup()
})

/** Resolves when `holds`, rejects after `timeoutMs`. */
async function until(what: string, holds: () => boolean, timeoutMs = 20_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

test('the simulated fleet lives on a real Redis, outlives its restart and leaves no task behind', async () => {
  const redis = await startRedis()
  cleanups.push(() => redis.stop())
  const events: CeleryEvent[] = []
  let problems = 0
  const broker = createBroker({ name: 'default', url: redis.url, clock, log: silentLog })
  broker.start({
    eventMessage(message) {
      const decoded = decodeEventMessage(message)
      events.push(...decoded.events)
      problems += decoded.problems.length
    },
    stateChanged() {},
    gapEnded() {},
  })
  cleanups.push(() => broker.stop())
  await broker.ready(10_000)

  const profile = demoProfile({ queuePrefix: 'sim-', incidents: false })
  const log = memoryLog()
  const fleet = createSimulatedFleet({
    link: createFleetLink({ url: redis.url, clock, log }),
    clock,
    random: seededRandom(5),
    profile,
    log,
  })
  await fleet.start()
  cleanups.push(() => fleet.stop())
  const ends = (): number => events.filter(event => event.type === 'task-succeeded').length
  await until('tasks succeed', () => ends() > 60)
  expect(problems).toBe(0)
  expect(events.filter(event => 'name' in event).every(event => 'name' in event && event.name !== '')).toBe(
    true,
  )

  const nodes = new Set(profile.workers.map(worker => worker.node))
  const replies = await broker.control({ method: 'stats' }, { timeoutMs: 5000, expect: nodes })
  expect(new Set(replies.map(reply => reply.node))).toEqual(nodes)
  const queues = queuesOf(profile)
  expect([...(await broker.discoverQueues())].sort()).toEqual(expect.arrayContaining([...queues].sort()))

  await redis.kill()
  await until('the loss is told', () =>
    log.lines.some(line => line.message.includes('cannot reach the broker')),
  )
  await redis.restart()
  const before = ends()
  await until('tasks succeed again', () => ends() > before + 60)
  await broker.ready(5000)
  expect(await broker.control({ method: 'ping' }, { timeoutMs: 5000, expect: nodes })).toHaveLength(16)

  await fleet.stop()
  const readings = await broker.readQueues(queues)
  expect(readings.reduce((sum, reading) => sum + reading.depth, 0)).toBe(0)
  await until(
    'goodbyes',
    () => new Set(events.filter(e => e.type === 'worker-offline').map(e => e.hostname)).size === 16,
  )
})
