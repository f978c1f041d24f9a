import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { silentLog } from '../../base/index.ts'
import { encodeEvents } from '../../celery/index.ts'
import { freePort } from '../../../test/servers/child.ts'
import { askRedis, startRedis } from '../../../test/servers/redis.ts'
import { DOWN_AFTER_MS, type SentinelGroup, startSentinels } from '../../../test/servers/sentinel.ts'
import type { Broker } from '../broker.ts'
import { eventually, realClock, recorder } from '../suite/stage.case.ts'
import { createBroker, createFleetLink } from '../create.ts'

/** A failover takes the sentinels some seconds; the rest is for a busy machine. */
const FAILOVER_MS = 40_000

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

async function startGroup(...options: Parameters<typeof startSentinels>): Promise<SentinelGroup> {
  const group = await startSentinels(...options)
  cleanups.push(() => group.stop())
  return group
}

function watching(url: string, options: Record<string, unknown> = {}) {
  const transportOptions = { master_name: 'mymaster', ...options }
  const broker = createBroker({ name: 'default', url, transportOptions, clock: realClock, log: silentLog })
  cleanups.push(() => broker.stop())
  const heard = recorder()
  broker.start(heard)
  const link = createFleetLink({ url, transportOptions, clock: realClock, log: silentLog })
  cleanups.push(() => link.close())
  return { broker, heard, link }
}

const started = (uuid: string) => ({ hostname: 'w@h', type: 'task-started', uuid, timestamp: 1, clock: 1 })

async function untilHeard(
  { heard, link }: Pick<ReturnType<typeof watching>, 'heard' | 'link'>,
  uuid: string,
): Promise<void> {
  await expect
    .poll(
      async () => {
        await link.publishEvents(started(uuid)).catch(() => {})
        await sleep(50)
        return heard.uuids().includes(uuid)
      },
      { timeout: FAILOVER_MS },
    )
    .toBe(true)
}

async function refusal(broker: Broker): Promise<string> {
  const error = await broker.ready(2_500).then(
    () => 'it connected',
    (reason: unknown) => reason,
  )
  return error instanceof Error && 'line' in error ? String(error.line) : String(error)
}

test('the master is found, a sentinel that is down is passed over, and after the master died the new one is found', async () => {
  const group = await startGroup()
  await group.sentinels[2]!.kill()
  const scene = watching(group.url)
  await scene.broker.ready(10_000)
  await scene.link.connect()
  await scene.link.declareQueue('q')
  await untilHeard(scene, 'before')
  expect(await scene.broker.discoverQueues()).toEqual(['q'])
  const diedMs = Date.now()
  await group.servers[0].kill()
  await eventually(() => scene.broker.state.state === 'connecting', FAILOVER_MS)
  await eventually(() => scene.broker.state.state === 'connected', FAILOVER_MS)
  expect(await group.masterPort()).toBe(group.servers[1].port)
  await untilHeard(scene, 'after')
  expect(scene.heard.gaps).toMatchObject([{ reason: 'connection_lost' }])
  expect(scene.heard.gaps[0]!.toMs).toBeGreaterThan(diedMs + DOWN_AFTER_MS)
  expect(await scene.broker.discoverQueues()).toEqual(['q'])
})

test('a master that hangs is left for the one that the sentinels choose', async () => {
  const group = await startGroup()
  const scene = watching(group.url)
  await scene.broker.ready(10_000)
  await scene.link.connect()
  group.servers[0].pause()
  await eventually(() => scene.broker.state.state === 'connecting', FAILOVER_MS)
  await eventually(() => scene.broker.state.state === 'connected', FAILOVER_MS)
  await untilHeard(scene, 'after')
  expect(await group.masterPort()).toBe(group.servers[1].port)
  expect(scene.heard.gaps).toHaveLength(1)
})

test('a planned failover is followed', async () => {
  const group = await startGroup()
  const scene = watching(group.url)
  await scene.broker.ready(10_000)
  await scene.link.connect()
  await askRedis(group.sentinels[0]!.url, 'SENTINEL', 'FAILOVER', 'mymaster')
  await expect.poll(() => group.masterPort(), { timeout: FAILOVER_MS }).toBe(group.servers[1].port)
  await expect
    .poll(async () => String(await askRedis(group.servers[1].url, 'CLIENT', 'LIST')), {
      timeout: FAILOVER_MS,
    })
    .toContain('name=celeriac-events')
  await untilHeard(scene, 'after')
})

test('when the sentinels name another master, we change to it although the old one still answers', async () => {
  const group = await startGroup({ sentinels: 1 })
  const scene = watching(group.url)
  await scene.broker.ready(10_000)
  await scene.link.connect()
  const other = await startRedis()
  cleanups.push(() => other.stop())
  const sentinel = group.sentinels[0]!.url
  await askRedis(sentinel, 'SENTINEL', 'REMOVE', 'mymaster')
  await askRedis(sentinel, 'SENTINEL', 'MONITOR', 'mymaster', '127.0.0.1', String(other.port), '1')
  await expect
    .poll(async () => String(await askRedis(other.url, 'CLIENT', 'LIST')), { timeout: FAILOVER_MS })
    .toContain('name=celeriac-events')
  const lost = scene.heard.states.find(state => state.state === 'connecting' && state.error !== undefined)
  expect(lost).toMatchObject({ error: { message: expect.stringContaining('is another now') as string } })
  await eventually(() => scene.broker.state.state === 'connected')
})

test('servers and sentinels with passwords of their own', async () => {
  const group = await startGroup({ password: 'server-pw', sentinelPassword: 'sentinel-pw', sentinels: 2 })
  const none = watching(group.url)
  expect(await refusal(none.broker)).toMatch(
    /No sentinel of .* names a master of "mymaster": .*wants a password \(sentinel_kwargs\)/,
  )
  const wrong = watching(group.url, { sentinel_kwargs: { password: 'falsch' } })
  const text = await refusal(wrong.broker)
  expect(text).toMatch(/refuses the password \(sentinel_kwargs\)/)
  expect(text).not.toMatch(/falsch|server-pw/)
  const right = watching(group.url, { sentinel_kwargs: { password: 'sentinel-pw' } })
  await right.broker.ready(10_000)
  await right.link.connect()
  await untilHeard(right, 'with passwords')
  const unknown = watching(group.url, {
    sentinel_kwargs: { password: 'sentinel-pw' },
    master_name: 'another',
  })
  expect(await refusal(unknown.broker)).toMatch(/names a master of "another": .*knows no such master/)
  const few = watching(group.url, {
    sentinel_kwargs: { password: 'sentinel-pw' },
    min_other_sentinels: 5,
  })
  expect(await refusal(few.broker)).toMatch(/sees 1 other sentinels, and min_other_sentinels is 5/)
})

test('sentinels that all are down, or hang, are said one by one, and found again', async () => {
  const group = await startGroup({ sentinels: 1 })
  const port = await freePort()
  group.sentinels[0]!.pause()
  const scene = watching(`${group.url};sentinel://127.0.0.1:${port}`)
  expect(await refusal(scene.broker)).toMatch(
    new RegExp(
      `127\\.0\\.0\\.1:${group.sentinels[0]!.port} does not answer in time|127\\.0\\.0\\.1:${port} cannot be reached \\(nothing listens there\\)`,
    ),
  )
  group.sentinels[0]!.resume()
  await scene.broker.ready(10_000)
})

test('workers of a kombu before 5.4 are heard on their channels, and what comes on both is heard once', async () => {
  const group = await startGroup({ sentinels: 1 })
  const scene = watching(group.url)
  await scene.broker.ready(10_000)
  const { url } = group.servers[0]
  const options = { exchange: 'celeryev' }
  const old = encodeEvents(started('old worker'), {
    ...options,
    deliveryTag: '0b0e8f9c-0000-4000-8000-000000000001',
  })
  const both = encodeEvents(started('compatible worker'), {
    ...options,
    deliveryTag: '0b0e8f9c-0000-4000-8000-000000000002',
  })
  await askRedis(url, 'PUBLISH', '/{db}.celeryev/task.started', old.payload)
  await askRedis(url, 'PUBLISH', '/0.celeryev/task.started', both.payload)
  await askRedis(url, 'PUBLISH', '/{db}.celeryev/task.started', both.payload)
  await scene.link.connect()
  await untilHeard(scene, 'last')
  expect(scene.heard.uuids().filter(uuid => uuid !== 'last')).toEqual(['old worker', 'compatible worker'])
})

test('sentinels without the name of the group are refused at once', () => {
  const url = 'sentinel://:s3cret@127.0.0.1:26379'
  const create = (): unknown => createBroker({ name: 'default', url, clock: realClock, log: silentLog })
  expect(create).toThrow(/"master_name" is missing/)
  expect(create).not.toThrow(/s3cret/)
})
