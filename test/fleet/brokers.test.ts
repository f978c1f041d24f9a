import { createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Findings } from '../../src/contract/index.ts'
import { type ExposedSample } from '../../src/metrics/index.ts'
import { eventually, type RunningCeleriac, startCeleriac } from '../servers/celeriac.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'

/** Three brokers in one program: two Redis, and an address that takes connections and never says a word. */
let good: RedisServer
let doomed: RedisServer
let hole: Server
let celeriac: RunningCeleriac
const swallowed = new Set<Socket>()

beforeAll(async () => {
  ;[good, doomed] = await Promise.all([startRedis(), startRedis()])
  hole = createServer(socket => swallowed.add(socket.on('error', () => socket.destroy())))
  await new Promise<void>(resolve => hole.listen(0, '127.0.0.1', resolve))
  const address = hole.address()
  const port = typeof address === 'object' ? address?.port : undefined
  celeriac = await startCeleriac([
    'start',
    '--broker',
    `good=${good.url}`,
    '--broker',
    `hole=redis://127.0.0.1:${port}/0`,
    '--broker',
    `doomed=${doomed.url}`,
    '--queues',
    'reports',
  ])
}, 60_000)

afterAll(async () => {
  await celeriac?.stop()
  for (const socket of swallowed) socket.destroy()
  hole?.close()
  await Promise.all([good?.stop(), doomed?.stop()])
})

const of = (samples: readonly ExposedSample[], name: string, broker: string): number | undefined =>
  samples.find(sample => sample.name === name && sample.labels['broker'] === broker)?.value

/** When a broker was last read, by its own metric. */
async function readAt(broker: string): Promise<number | undefined> {
  const samples = await celeriac.scrape()
  return samples.find(
    ({ name, labels }) =>
      name === 'celeriac_source_last_success_timestamp_seconds' &&
      labels['broker'] === broker &&
      labels['source'] === 'broker',
  )?.value
}

/** Resolves when a broker was read so often again. */
async function untilRead(broker: string, times: number): Promise<void> {
  const before = await readAt(broker)
  await eventually(`reading ${broker}`, 30_000, async () => {
    const now = await readAt(broker)
    return now !== undefined && (before === undefined || now > before) ? true : undefined
  })
  if (times > 1) await untilRead(broker, times - 1)
}

test('a broker that never answers neither hides nor delays the others', async () => {
  await Promise.all([untilRead('good', 2), untilRead('doomed', 2)])
  const samples = await celeriac.scrape()
  expect(['good', 'hole', 'doomed'].map(broker => of(samples, 'celery_broker_up', broker))).toEqual([1, 0, 1])
  expect(of(samples, 'celery_queue_depth', 'good')).toBe(0)
  expect(of(samples, 'celery_queue_depth', 'hole')).toBeUndefined()
})

test('a scrape waits for nobody', async () => {
  const times: number[] = []
  for (let i = 0; i < 20; i++) {
    const began = performance.now()
    await celeriac.scrape()
    times.push(performance.now() - began)
  }
  // The best of many: a busy machine may stretch any one of them, a wait for a broker would stretch them all.
  expect(Math.min(...times)).toBeLessThan(200)
})

test('one that hangs in the middle of its work takes only itself away', async () => {
  doomed.pause()
  try {
    await eventually('the loss', 30_000, async () => {
      const samples = await celeriac.scrape()
      return of(samples, 'celery_broker_up', 'doomed') === 0 ? true : undefined
    })
    await untilRead('good', 2)
    const samples = await celeriac.scrape()
    expect(of(samples, 'celery_broker_up', 'good')).toBe(1)
    expect(of(samples, 'celery_queue_depth', 'doomed')).toBeUndefined()
    const { body } = await celeriac.get('/api/celeriac/findings')
    expect(
      (body as Findings).findings
        .filter(({ code }) => code === 'broker-unreachable')
        .map(({ broker }) => broker)
        .sort(),
    ).toEqual(['doomed', 'hole'])
  } finally {
    doomed.resume()
  }
  await untilRead('doomed', 1)
})
