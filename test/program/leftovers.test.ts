/** The built program leaves in its brokers what it found there, even when it was killed. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@redis/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningCeleriac, startCeleriac } from '../servers/celeriac.ts'
import { type RunningWorker, startWorker } from '../servers/celery.ts'
import { type RabbitmqServer, startRabbitmq } from '../servers/rabbitmq.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'

const BROKERS = ['redis', 'rabbitmq'] as const
/** What a killed process leaves goes by itself: the reply list after 45 s, the event queue after a minute. */
const GONE_WITHIN_MS = 100_000

let folder: string
let redis: RedisServer
let rabbitmq: RabbitmqServer
let workers: readonly RunningWorker[] = []
let celeriac: RunningCeleriac | undefined

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'celeriac-leftovers-'))
  ;[redis, rabbitmq] = await Promise.all([startRedis(), startRabbitmq()])
  workers = await Promise.all(
    BROKERS.map(name =>
      startWorker({
        brokerUrl: name === 'redis' ? redis.url : rabbitmq.url,
        name,
        truthFile: join(folder, name),
        concurrency: 1,
      }),
    ),
  )
}, 120_000)

afterAll(async () => {
  await celeriac?.stop()
  await Promise.all(workers.map(worker => worker.kill()))
  await Promise.all([redis?.stop(), rabbitmq?.stop()])
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

/** Everything that the brokers hold, by name. */
async function held(): Promise<Readonly<Record<string, readonly string[]>>> {
  const client = createClient({ url: redis.url })
  await client.connect()
  try {
    const names = async (path: string): Promise<readonly string[]> =>
      ((await rabbitmq.api('GET', path)) as { name: string }[]).map(({ name }) => name).sort()
    const bindings = (await rabbitmq.api('GET', 'bindings')) as { source: string; destination: string }[]
    return {
      keys: (await client.keys('*')).sort(),
      databases: (await client.info('keyspace')).match(/^db\d+/gm) ?? [],
      queues: await names('queues'),
      exchanges: await names('exchanges'),
      bindings: bindings.map(({ source, destination }) => `${source} -> ${destination}`).sort(),
    }
  } finally {
    client.destroy()
  }
}

/** Starts the program and waits until it has heard and asked both fleets. */
async function watch(): Promise<RunningCeleriac> {
  const started = await startCeleriac(
    ['start', '--broker', `redis=${redis.url}`, '--broker', `rabbitmq=${rabbitmq.url}`],
    'inspectInterval: 1s\n',
  )
  celeriac = started
  await expect
    .poll(
      async () => {
        const samples = await started.scrape()
        const brokersWith = (name: string): readonly (string | undefined)[] =>
          samples
            .filter(sample => sample.name === name && sample.value > 0)
            .map(each => each.labels['broker'])
        return BROKERS.every(broker =>
          ['celery_worker_up', 'celery_worker_concurrency'].every(name => brokersWith(name).includes(broker)),
        )
      },
      { timeout: 60_000, interval: 250 },
    )
    .toBe(true)
  return started
}

test('keys, queues, exchanges and bindings are the same after it was killed, ran again and stopped', async () => {
  const before = await held()
  expect(before['queues']).not.toEqual([])
  expect(before['keys']).not.toEqual([])

  const killed = await watch()
  expect(await held()).not.toEqual(before)
  await killed.kill()
  const again = await watch()
  await again.stop()
  celeriac = undefined
  await expect.poll(held, { timeout: GONE_WITHIN_MS, interval: 1000 }).toEqual(before)
}, 300_000)
