/** The built program while its broker is away: counters go on, and what could not be heard is said. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { silentLog } from '../../src/base/index.ts'
import { realClock } from '../../src/broker/suite/stage.case.ts'
import { createFleetLink } from '../../src/broker/index.ts'
import type { ExposedSample } from '../../src/metrics/index.ts'
import { eventually, startCeleriac } from '../servers/celeriac.ts'
import { startRabbitmq } from '../servers/rabbitmq.ts'
import { startRedis } from '../servers/redis.ts'

/** Set to run the longer outages as well: `OUTAGES=long npx vitest run test/program/outages.test.ts`. */
const LONG = process.env['OUTAGES'] === 'long'
/** A server that came back is seen within two seconds; the rest is for a busy machine. */
const SEEN_WITHIN_MS = 2_000
const TOLERANCE_MS = 3_000
const EVENTS = 10

/** A server that can be taken away; `comeBack` resolves with when it accepts connections, epoch ms. */
interface Server {
  readonly url: string
  takeAway(): Promise<void> | void
  comeBack(): Promise<number>
  stop(): Promise<void>
}

/** RabbitMQ takes seconds to start after it was killed: they are the outage's, not ours. */
const SERVERS: Readonly<Record<string, () => Promise<Server>>> = {
  'a Redis that is killed': async () => {
    const server = await startRedis()
    return {
      url: server.url,
      takeAway: () => server.kill(),
      comeBack: () => server.restart().then(() => Date.now()),
      stop: () => server.stop(),
    }
  },
  'a Redis that hangs': async () => {
    const server = await startRedis()
    return {
      url: server.url,
      takeAway: () => server.pause(),
      comeBack: () => {
        server.resume()
        return Promise.resolve(Date.now())
      },
      stop: () => server.stop(),
    }
  },
  'a RabbitMQ that is killed': async () => {
    const server = await startRabbitmq()
    return {
      url: server.url,
      takeAway: () => server.kill(),
      comeBack: () => server.restart().then(() => server.acceptsSinceMs),
      stop: () => server.stop(),
    }
  },
}

const OUTAGES: readonly (readonly [what: string, seconds: number])[] = [
  ['a Redis that is killed', 5],
  ['a RabbitMQ that is killed', 5],
  ...(LONG
    ? ([
        ['a Redis that is killed', 40],
        ['a Redis that hangs', 20],
        ['a RabbitMQ that is killed', 40],
      ] as const)
    : []),
]

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
}, 60_000)

const received = (uuid: string): Record<string, unknown> => ({
  hostname: 'w1@hostA',
  utcoffset: 0,
  pid: 1,
  clock: 1,
  uuid,
  name: 'shop.sync',
  timestamp: Date.now() / 1000,
  type: 'task-received',
})

const sum = (samples: readonly ExposedSample[], name: string): number =>
  samples.filter(sample => sample.name === name).reduce((total, { value }) => total + value, 0)

test.each(OUTAGES)(
  '%s for %d s is a gap that is told, and the counters go on',
  async (what, seconds) => {
    const server = await SERVERS[what]!()
    cleanups.push(() => server.stop())
    const celeriac = await startCeleriac(['start', '--broker', server.url])
    cleanups.push(() => celeriac.stop())
    const isUp = async (): Promise<boolean> => sum(await celeriac.scrape(), 'celery_broker_up') === 1
    const counted = async (): Promise<number> => sum(await celeriac.scrape(), 'celery_task_received_total')

    const link = createFleetLink({ url: server.url, clock: realClock, log: silentLog })
    cleanups.push(() => link.close())
    const publish = async (prefix: string): Promise<void> => {
      await link.connect()
      for (let i = 0; i < EVENTS; i++) await link.publishEvents(received(`${prefix}-${i}`))
    }
    await expect.poll(isUp, { timeout: 20_000 }).toBe(true)
    await publish('before')
    await expect.poll(counted, { timeout: 20_000 }).toBe(EVENTS)

    const awayMs = Date.now()
    await server.takeAway()
    await expect.poll(isUp, { timeout: 20_000 }).toBe(false)
    for (const endMs = awayMs + seconds * 1_000; Date.now() < endMs;) {
      expect(await counted()).toBe(EVENTS)
      await sleep(Math.min(500, Math.max(0, endMs - Date.now())))
    }
    const backMs = server.comeBack()
    await eventually('connected again', 90_000, async () => ((await isUp()) ? true : undefined))
    const seenMs = Date.now() - (await backMs)
    if (LONG) process.stdout.write(`${what} for ${seconds} s: seen again ${seenMs} ms after its return\n`)
    expect(seenMs).toBeLessThan(SEEN_WITHIN_MS + TOLERANCE_MS)

    // The publisher's own line may still have to be found dead.
    await expect
      .poll(
        () =>
          publish('after').then(
            () => true,
            () => false,
          ),
        { timeout: 30_000 },
      )
      .toBe(true)
    await expect.poll(counted, { timeout: 20_000 }).toBeGreaterThanOrEqual(2 * EVENTS)
    const samples = await celeriac.scrape()
    expect(sum(samples, 'celeriac_broker_connects_total')).toBe(2)
    expect(samples.filter(({ name }) => name === 'celeriac_event_gaps_total')).toMatchObject([
      { labels: { broker: 'default', reason: 'connection_lost' }, value: 1 },
    ])
    const gapSeconds = sum(samples, 'celeriac_event_gap_seconds_total')
    expect(gapSeconds).toBeGreaterThanOrEqual(seconds)
    expect(gapSeconds).toBeLessThan((Date.now() - awayMs) / 1000 + 1)
    const told = celeriac
      .log()
      .split('\n')
      .filter(line => line.includes('Events could not be heard for a while'))
    expect(told.map(line => JSON.parse(line) as unknown)).toMatchObject([
      {
        'log.level': 'warn',
        celeriac: {
          broker: 'default',
          reason: 'connection_lost',
          seconds: expect.closeTo(gapSeconds, 3) as number,
        },
      },
    ])
  },
  240_000,
)
