import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createClient } from '@redis/client'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { memoryLog, silentLog } from '../../base/index.ts'
import { encodeTask, taskMessage } from '../../celery/index.ts'
import { freePort } from '../../../test/servers/child.ts'
import { type RedisServer, startRedis } from '../../../test/servers/redis.ts'
import type { Broker } from '../broker.ts'
import { listening, realClock } from '../suite/stage.case.ts'
import { parseTransportOptions } from '../transport-options.ts'
import { parseBrokerUrl } from '../url.ts'
import { createRedisBroker } from './broker.ts'

let server: RedisServer
let client: ReturnType<typeof createClient>
const brokers: Broker[] = []

beforeAll(async () => {
  server = await startRedis()
  client = createClient({ url: server.url })
  client.on('error', () => {})
  await client.connect()
})
beforeEach(() => client.flushAll())
afterAll(async () => {
  for (const broker of brokers) await broker.stop()
  client.destroy()
  await server.stop()
})

async function connected(
  options: Record<string, unknown> = {},
  { url = server.url, log = silentLog, nowMs = () => Date.now() } = {},
): Promise<Broker> {
  const target = parseBrokerUrl(url)
  if (target.transport !== 'redis') throw new Error(url)
  const broker = createRedisBroker({
    name: 'default',
    target,
    transportOptions: parseTransportOptions(options),
    clock: { ...realClock, now: nowMs },
    log,
  })
  brokers.push(broker)
  await listening(broker)
  return broker
}

const envelope = (id: string, argument = '', exchange = '', routingKey = 'q'): string =>
  encodeTask(taskMessage({ id, name: 't', args: [argument], origin: 'o' }), {
    deliveryTag: `tag-${id}`,
    exchange,
    routingKey,
  })

describe('the ends of a queue', () => {
  test('a message without a readable id stands as an empty text', async () => {
    const broker = await connected()
    await client.lPush('q', ['no json', envelope('young')])
    expect(await broker.readQueues(['q'])).toMatchObject([{ heads: [''], newest: ['young'] }])
  })

  test('a large message is looked at rarely, and until then nothing is claimed', async () => {
    let nowMs = Date.now()
    const broker = await connected({}, { nowMs: () => nowMs })
    const large = envelope('large', 'x'.repeat(4 * 1024 * 1024))
    await client.lPush('q', large)
    await client.lPush('other', envelope('small'))
    const read = (): Promise<unknown> => broker.readQueues(['q', 'other'])
    const sent = async (): Promise<number> =>
      Number(/total_net_output_bytes:(\d+)/.exec(await client.info('stats'))?.[1])
    expect(await read()).toMatchObject([{ depth: 1, heads: ['large'] }, { heads: ['small'] }])
    const before = await sent()
    for (let i = 0; i < 5; i++) {
      nowMs += 5_000
      expect(await read()).toMatchObject([
        { depth: 1, heads: null, newest: null },
        { depth: 1, heads: ['small'], newest: ['small'] },
      ])
    }
    expect((await sent()) - before).toBeLessThan(large.length)
    nowMs += 300_000
    expect(await read()).toMatchObject([{ heads: ['large'] }, { heads: ['small'] }])
    // Gone, and small again: looked at as any other.
    await client.del('q')
    expect(await read()).toMatchObject([{ depth: 0, heads: [] }, {}])
    await client.lPush('q', envelope('new'))
    expect(await read()).toMatchObject([{ depth: 1, heads: ['new'] }, {}])
  })

  test('many queues of large messages take turns', async () => {
    const broker = await connected()
    const queues = Array.from({ length: 12 }, (_, i) => `q${i}`)
    for (const queue of queues) await client.lPush(queue, envelope(`of ${queue}`, 'x'.repeat(3_000_000)))
    const first = await broker.readQueues(queues)
    const seen = first.filter(({ heads }) => heads !== null)
    expect(seen.length).toBeGreaterThan(0)
    expect(seen.length).toBeLessThan(queues.length)
    const second = await broker.readQueues(queues)
    const both = new Set([...first, ...second].flatMap(({ heads }) => heads ?? []))
    expect(both.size).toBeGreaterThan(seen.length)
    expect(first.every(({ depth }) => depth === 1)).toBe(true)
  })

  test('five thousand queues are read without holding up the process', async () => {
    const broker = await connected()
    const queues = Array.from({ length: 5_000 }, (_, i) => `q${i}`)
    const message = envelope('one')
    for (let at = 0; at < queues.length; at += 500)
      await Promise.all(queues.slice(at, at + 500).map(queue => client.lPush(queue, message)))
    const readings = await broker.readQueues(queues)
    expect(readings).toHaveLength(5_000)
    expect(readings.every(({ depth, heads }) => depth === 1 && heads?.[0] === 'one')).toBe(true)
  })
})

describe('what is not acknowledged', () => {
  const deliver = async (
    tag: string,
    deliveredAtSeconds: number,
    origin: readonly [string, string] = ['', 'q'],
    keys = ['unacked', 'unacked_index'] as const,
    argument = '',
  ): Promise<void> => {
    const message: unknown = JSON.parse(envelope(tag, argument, ...origin))
    await client.hSet(keys[0], tag, JSON.stringify([message, ...origin]))
    await client.zAdd(keys[1], { value: tag, score: deliveredAtSeconds })
  }

  test('its count, oldest age and what is overdue come from the index, by our clock', async () => {
    const nowMs = 1_800_000_000_000
    const broker = await connected({ visibility_timeout: 100 }, { nowMs: () => nowMs })
    const now = nowMs / 1000
    await deliver('a', now - 10)
    await deliver('b', now - 250.5)
    await deliver('c', now - 101)
    expect(await broker.readServer()).toMatchObject({
      unacked: 3,
      unackedOldestAgeSeconds: 250.5,
      unackedOverdue: 2,
      redeliveryTimeoutSeconds: 100,
    })
  })

  test('a worker whose clock is ahead makes no negative age, and the time-out has its default', async () => {
    const broker = await connected()
    await deliver('a', Date.now() / 1000 + 60)
    expect(await broker.readServer()).toMatchObject({
      unacked: 1,
      unackedOldestAgeSeconds: 0,
      unackedOverdue: 0,
      redeliveryTimeoutSeconds: 3600,
    })
  })

  test('its keys have the names and the prefix of the fleet', async () => {
    const broker = await connected({
      global_keyprefix: 'app1:',
      unacked_key: 'u',
      unacked_index_key: 'ui',
    })
    await deliver('a', Date.now() / 1000 - 50, ['', 'q'], ['app1:u', 'app1:ui'] as never)
    await deliver('b', Date.now() / 1000 - 50)
    expect(await broker.readServer()).toMatchObject({ unacked: 1 })
    expect(await broker.readQueues(['q'])).toMatchObject([{ unacked: 1 }])
  })

  test('each queue has its own, by the default exchange or by a binding', async () => {
    const broker = await connected()
    await client.sAdd('_kombu.binding.ex', 'rk\u0006\u0016\u0006\u0016bound')
    await deliver('a', 1)
    await deliver('b', 1)
    await deliver('c', 1, ['ex', 'rk'])
    const read = async (): Promise<unknown> =>
      (await broker.readQueues(['q', 'bound', 'idle'])).map(({ unacked }) => unacked)
    // Before the bindings were read, the origin of one is not known, so no queue's number is.
    expect(await read()).toEqual([null, null, null])
    expect(await broker.discoverQueues()).toEqual(['bound'])
    expect(await read()).toEqual([2, 1, 0])
  })

  test('a hash that is too large to be read leaves the numbers of the queues unknown', async () => {
    const broker = await connected()
    for (let i = 0; i < 40; i++) await deliver(`t${i}`, 1, ['', 'q'], undefined, 'x'.repeat(100_000))
    expect(await broker.readQueues(['q'])).toMatchObject([{ unacked: null }])
    expect(await broker.readServer()).toMatchObject({ unacked: 40 })
    await client.del('unacked')
    for (let at = 0; at < 2_001; at += 500)
      await Promise.all(Array.from({ length: 500 }, (_, i) => deliver(`s${at + i}`, 1)))
    expect(await broker.readQueues(['q'])).toMatchObject([{ unacked: null }])
    await client.del('unacked')
    for (let at = 0; at < 1_500; at += 500)
      await Promise.all(Array.from({ length: 500 }, (_, i) => deliver(`s${at + i}`, 1)))
    expect(await broker.readQueues(['q'])).toMatchObject([{ unacked: 1_500 }])
  })

  test('workers that keep nothing leave it unknown', async () => {
    const broker = await connected({ ack_emulation: false })
    expect(await broker.readServer()).toMatchObject({
      unacked: null,
      unackedOldestAgeSeconds: null,
      unackedOverdue: null,
      redeliveryTimeoutSeconds: null,
    })
    expect(await broker.readQueues(['q'])).toMatchObject([{ unacked: null }])
  })

  test('a lock without expiry that keeps overdue messages back is said once', async () => {
    const log = memoryLog()
    const broker = await connected({ visibility_timeout: 1 }, { log })
    await deliver('a', 1)
    await client.set('unacked_mutex', 'x', { EX: 300 })
    await broker.readServer()
    await client.set('unacked_mutex', 'x')
    await broker.readServer()
    await broker.readServer()
    expect(log.lines.filter(line => JSON.stringify(line).includes('DEL unacked_mutex'))).toHaveLength(1)
  })

  test('a key of that name with something else is not known, and spoils nothing', async () => {
    const broker = await connected()
    await client.set('unacked', 'x')
    await client.set('unacked_index', 'x')
    expect(await broker.readServer()).toMatchObject({
      unacked: null,
      unackedOldestAgeSeconds: null,
      unackedOverdue: null,
      memoryUsedBytes: expect.any(Number) as number,
    })
    expect(await broker.readQueues(['q'])).toMatchObject([{ depth: 0, unacked: null }])
  })
})

describe('alarms', () => {
  test('a full server that may not evict, and a replica, are alarms; with eviction it is none', async () => {
    const broker = await connected()
    const alarms = async (): Promise<unknown> => (await broker.readServer()).alarms
    await client.configSet('maxmemory', '1mb')
    expect(await alarms()).toEqual(['memory'])
    await client.configSet('maxmemory-policy', 'allkeys-lru')
    expect(await alarms()).toEqual([])
    await client.configSet('maxmemory', '0')
    await client.configSet('maxmemory-policy', 'noeviction')
    await client.replicaOf('127.0.0.1', await freePort())
    expect(await alarms()).toEqual(['readonly'])
    await client.sendCommand(['REPLICAOF', 'NO', 'ONE'])
    expect(await alarms()).toEqual([])
  })

  test('a snapshot that fails is an alarm only where it stops writes', async () => {
    const broker = await connected()
    const alarms = async (): Promise<unknown> => (await broker.readServer()).alarms
    // A folder stands where the snapshot belongs.
    mkdirSync(join(dirname(server.socketPath), 'dump.rdb'))
    await client.configSet('save', '3600 1')
    await client.sendCommand(['BGSAVE'])
    await expect.poll(alarms, { timeout: 10_000 }).toEqual(['disk'])
    // It refuses even PING now; who connects only now sees the same.
    const late = await connected()
    expect((await late.readServer()).alarms).toEqual(['disk'])
    await client.configSet('stop-writes-on-bgsave-error', 'no')
    expect(await alarms()).toEqual([])
    await client.configSet('stop-writes-on-bgsave-error', 'yes')
    await client.configSet('save', '')
    expect(await alarms()).toEqual([])
  })

  test('workers that wait for a message are counted', async () => {
    const broker = await connected()
    const worker = client.duplicate()
    await worker.connect()
    const waiting = worker.brPop('q', 0).catch(() => undefined)
    await expect.poll(async () => (await broker.readServer()).blockedConsumers, { timeout: 10_000 }).toBe(1)
    worker.destroy()
    await waiting
  })
})

describe('keys of events, control and replies', () => {
  const SEP = '\u0006\u0016'
  const row = async (broker: Broker, kind: string, orphan: boolean): Promise<unknown> =>
    (await broker.readControlKeys())?.find(found => found.kind === kind && found.orphan === orphan)

  test('an orphan has no expiry, and no binding or nobody who takes', async () => {
    const broker = await connected()
    await client.lPush('1.reply.celery.pidbox', 'x')
    await client.lPush('2.reply.celery.pidbox', 'x')
    await client.expire('2.reply.celery.pidbox', 100)
    await client.lPush('3.reply.celery.pidbox', 'x')
    await client.sAdd('_kombu.binding.reply.celery.pidbox', `3${SEP}${SEP}3.reply.celery.pidbox`)
    expect(await row(broker, 'reply', true)).toMatchObject({ keys: 1 })
    expect(await row(broker, 'reply', false)).toMatchObject({ keys: 2 })
    expect(await row(broker, 'event', true)).toEqual({ kind: 'event', orphan: true, keys: 0, bytes: 0 })
  })

  test('a bound list that nobody has touched for ten minutes is an orphan', async () => {
    const broker = await connected()
    await client.sAdd('_kombu.binding.celeryev', `worker.#${SEP}${SEP}celeryev.1`)
    await client.lPush('celeryev.1', 'x')
    expect(await row(broker, 'event', false)).toMatchObject({ keys: 1 })
    const dump = await client.sendCommand(['DUMP', 'celeryev.1'], { typeMapping: { 36: Buffer } })
    await client.sendCommand(['RESTORE', 'celeryev.1', '0', dump as never, 'REPLACE', 'IDLETIME', '601'])
    expect(await row(broker, 'event', true)).toMatchObject({ keys: 1 })
  })

  test('bytes are those of a sample, and unknown where the server does not say', async () => {
    const broker = await connected()
    for (let i = 0; i < 200; i++) await client.lPush(`celeryev.${i}`, 'x'.repeat(10_000))
    const found = (await row(broker, 'event', true)) as { keys: number; bytes: number }
    expect(found.keys).toBe(200)
    expect(found.bytes).toBeGreaterThan(200 * 10_000)
    expect(found.bytes).toBeLessThan(200 * 14_000)
    await client.sendCommand('ACL SETUSER scanner on >pw ~* &* +@all -memory'.split(' '))
    const blind = await connected({}, { url: `redis://scanner:pw@127.0.0.1:${server.port}/0` })
    expect(await row(blind, 'event', true)).toMatchObject({ keys: 200, bytes: null })
  })

  test('a large keyspace is walked through in parts, and told of when the walk is over', async () => {
    const broker = await connected({ global_keyprefix: 'app1:' })
    const fill = "for i = 1, 250000 do redis.call('SET', 'app1:k' .. i, i) end"
    await client.sendCommand(['EVAL', fill, '0'])
    await client.lPush('app1:celeryev.1', 'x')
    await client.lPush('celeryev.of another', 'x')
    const answers: unknown[] = []
    while (answers.length < 10 && (answers.at(-1) ?? null) === null)
      answers.push(await row(broker, 'event', true).then(found => found ?? null))
    expect(answers.length).toBeGreaterThanOrEqual(3)
    expect(answers.at(-1)).toMatchObject({ keys: 1 })
    // The next walk is under way, and the last one's answer stands.
    expect(await row(broker, 'event', true)).toMatchObject({ keys: 1 })
  })

  test('reply lists of an earlier process of ours are made to expire', async () => {
    const broker = await connected()
    await client.lPush('0b1c.reply.celeriac', 'late')
    expect(await row(broker, 'reply', true)).toMatchObject({ keys: 1 })
    expect(await client.ttl('0b1c.reply.celeriac')).toBeGreaterThan(0)
    expect(await row(broker, 'reply', false)).toMatchObject({ keys: 1 })
    expect(await row(broker, 'reply', true)).toMatchObject({ keys: 0 })
  })
})

test('a user who may not ask about the server gets unknowns, not errors', async () => {
  await client.sendCommand(
    'ACL SETUSER poor on >pw ~* &* -@all +ping +select +psubscribe +client|setname +llen'.split(' '),
  )
  const broker = await connected({}, { url: `redis://poor:pw@127.0.0.1:${server.port}/0` })
  await client.lPush('q', envelope('x'))
  expect(await broker.readServer()).toEqual({
    version: null,
    memoryUsedBytes: null,
    memoryMaxBytes: null,
    connectedClients: null,
    maxClients: null,
    evictedKeysTotal: null,
    maxmemoryPolicy: null,
    roundTripSeconds: expect.any(Number) as number,
    blockedConsumers: null,
    unacked: null,
    unackedOldestAgeSeconds: null,
    unackedOverdue: null,
    redeliveryTimeoutSeconds: 3600,
    alarms: null,
  })
  expect(await broker.readQueues(['q'])).toMatchObject([{ depth: 1, heads: null, unacked: null }])
})
