import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silentLog } from '../../base/index.ts'
import { type RabbitmqServer, startRabbitmq } from '../../../test/servers/rabbitmq.ts'
import { eventually, listening, realClock, recorder } from '../suite/stage.case.ts'
import { amqpTarget, brokerAt, linked, type linkTo, type Proxy, started, startProxy } from './amqp.case.ts'
import { openConnection } from './connection.ts'
import { EventQueue } from './event-queue.ts'

let server: RabbitmqServer
const proxies: Proxy[] = []
beforeAll(async () => {
  server = await startRabbitmq()
}, 180_000)
afterAll(async () => {
  for (const proxy of proxies) await proxy.close()
  await server.stop()
})

async function proxyFor(vhost: string, query = ''): Promise<{ url: string; through: string; proxy: Proxy }> {
  const url = await server.createVhost(vhost)
  const proxy = await startProxy(server.port)
  proxies.push(proxy)
  return { url, proxy, through: `amqp://guest:guest@127.0.0.1:${proxy.port}/${vhost}${query}` }
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i))

/** Publishes events numbered from 0 through confirms, a few hundred at once. */
async function publish(link: ReturnType<typeof linkTo>, uuids: readonly string[]): Promise<void> {
  for (let at = 0; at < uuids.length; at += 250)
    await Promise.all(uuids.slice(at, at + 250).map(uuid => link.publishEvents(started(uuid))))
}

test('a connection that is cut again and again in a flood loses no event, counts none twice, and leaves no gap', async () => {
  const { url, through, proxy } = await proxyFor('cuts')
  const broker = brokerAt(through)
  const heard = await listening(broker)
  const link = await linked(url)
  const uuids = numbers(20_000)
  const flood = { over: false }
  const published = publish(link, uuids).finally(() => (flood.over = true))
  for (let cuts = 0; !flood.over || cuts < 5;) {
    await sleep(randomInt(50, 600))
    if (broker.state.state !== 'connected') continue
    proxy.cut()
    cuts++
  }
  await published
  await eventually(() => heard.messages.length >= uuids.length, 30_000)
  // A second would bring what comes twice.
  await sleep(1000)
  expect(heard.uuids().toSorted((a, b) => Number(a) - Number(b))).toEqual(uuids)
  expect(heard.gaps).toEqual([])
  await Promise.all([link.close(), broker.stop()])
})

test('a connection that dies without a word is noticed, and what the broker had given it comes on the next, once', async () => {
  // The server finds out by its own heartbeat, four seconds after.
  const { url, through, proxy } = await proxyFor('half', '?heartbeat=2')
  const broker = brokerAt(through)
  const heard = await listening(broker)
  const link = await linked(url)
  await publish(link, numbers(3000))
  await eventually(() => heard.messages.length === 3000)
  proxy.abandon()
  await publish(link, numbers(6000).slice(3000))
  await eventually(() => broker.state.state === 'connecting', 15_000)
  await eventually(() => broker.state.state === 'connected', 15_000)
  await publish(link, numbers(7000).slice(6000))
  await eventually(() => heard.messages.length >= 7000, 40_000)
  await sleep(1000)
  expect(heard.uuids().toSorted((a, b) => Number(a) - Number(b))).toEqual(numbers(7000))
  expect(heard.gaps).toEqual([])
  await Promise.all([link.close(), broker.stop()])
})

test('a server that hangs is noticed, and what was published meanwhile arrives when it goes on, without a gap', async () => {
  const url = await server.createVhost('hangs')
  const broker = brokerAt(url)
  const heard = await listening(broker)
  const link = await linked(url)
  await link.publishEvents(started('before'))
  await eventually(() => heard.uuids().includes('before'))
  server.pause()
  const published = link.publishEvents(started('meanwhile')).catch(() => {})
  await expect(broker.readServer()).rejects.toMatchObject({ code: 'BROKER_LOST' })
  expect(broker.state).toMatchObject({
    state: 'connecting',
    error: { message: expect.stringMatching(/stopped answering/) as string },
  })
  await expect(broker.readQueues(['q'])).rejects.toMatchObject({
    code: expect.stringMatching(/^BROKER_/) as string,
  })
  const second = brokerAt(url)
  second.start(recorder())
  await expect(second.ready(6_000)).rejects.toMatchObject({
    code: 'BROKER_UNREACHABLE',
    message: expect.stringContaining('does not answer in time') as string,
  })
  server.resume()
  await eventually(() => broker.state.state === 'connected', 20_000)
  await second.ready(20_000)
  await published
  await eventually(() => heard.uuids().includes('meanwhile'), 20_000)
  expect(heard.uuids()).toEqual(['before', 'meanwhile'])
  expect(heard.gaps).toEqual([])
  await Promise.all([link.close(), broker.stop(), second.stop()])
})

test('a crash of the server is a gap, from the loss to the return', async () => {
  const url = await server.createVhost('crash')
  const broker = brokerAt(url)
  const heard = await listening(broker)
  const beforeMs = Date.now()
  await server.kill()
  await eventually(() => broker.state.state === 'connecting')
  await server.restart()
  await eventually(() => heard.gaps.length > 0)
  const [gap] = heard.gaps
  expect(gap?.reason).toBe('connection_lost')
  expect(gap?.fromMs).toBeGreaterThanOrEqual(beforeMs)
  expect(gap?.toMs).toBeLessThanOrEqual(Date.now())
  expect((gap?.toMs ?? 0) - (gap?.fromMs ?? 0)).toBeGreaterThan(1000)
  expect(heard.states.at(-1)?.state).toBe('connected')
  await broker.stop()
})

test('an event queue that somebody deletes is made again, and the gap is told', async () => {
  const url = await server.createVhost('deleted')
  const broker = brokerAt(url)
  const heard = await listening(broker)
  for (const queue of await server.queues('deleted'))
    if (queue.startsWith('celeriac.events.')) await server.api('DELETE', `queues/deleted/${queue}`)
  await eventually(() => heard.gaps.length === 1)
  const link = await linked(url)
  await link.publishEvents(started('after'))
  await eventually(() => heard.uuids().includes('after'))
  await Promise.all([link.close(), broker.stop()])
})

test('more events than may wait are dropped by the broker, oldest first, and told as a gap', async () => {
  const { url, through, proxy } = await proxyFor('overflow')
  const broker = brokerAt(through, { limits: { waitingMessages: 100, waitingBytes: 1e6, prefetch: 50 } })
  const heard = await listening(broker)
  const link = await linked(url)
  proxy.freeze('to client')
  await publish(link, numbers(500))
  // Longer than from one question about the queue to the next, and shorter than silence lasts.
  await sleep(1500)
  proxy.thaw()
  await eventually(() => heard.gaps.length > 0 && heard.uuids().includes('499'))
  expect(heard.gaps).toMatchObject([{ reason: 'overflow' }])
  expect(heard.uuids()).toEqual([...numbers(50), ...numbers(500).slice(-100)])
  await Promise.all([link.close(), broker.stop()])
})

test('a binding that vanishes with its exchange is made again', async () => {
  const url = await server.createVhost('unbound')
  const heard: string[] = []
  const queue = new EventQueue({
    exchange: 'celeryev',
    clock: realClock,
    log: silentLog,
    hear: message => void heard.push(message.payload),
  })
  const connection = await openConnection(amqpTarget(url), realClock, () => {})
  expect(await queue.prepare(connection)).toBe(false)
  await queue.consume(connection, () => {})
  await server.api('DELETE', 'exchanges/unbound/celeryev')
  await queue.bind(connection)
  const link = await linked(url)
  await link.publishRaw('task.sent', 'heard')
  await eventually(() => heard.length === 1)
  expect(heard).toEqual(['heard'])
  await link.close()
  await queue.delete(connection)
  await connection.close()
})

test('on a server without transient queues a durable one serves, which proves nothing when it is found again', async () => {
  const url = await server.createVhost('durable')
  const queue = new EventQueue({ exchange: 'celeryev', clock: realClock, log: silentLog, hear: () => {} })
  const first = await openConnection(amqpTarget(url), realClock, () => {})
  expect(await queue.prepare(first)).toBe(false)
  expect(await queue.prepare(first)).toBe(true)
  await queue.delete(first)
  queue.makeDurable()
  expect(await queue.prepare(first)).toBe(false)
  expect(await server.api('GET', `queues/durable/${queue.name}`)).toMatchObject({ durable: true })
  expect(await queue.prepare(first)).toBe(false)
  await queue.delete(first)
  await first.close()
})

test('a queue that cannot be had again is given up for one of another name', async () => {
  const url = await server.createVhost('renamed')
  const queue = new EventQueue({ exchange: 'celeryev', clock: realClock, log: silentLog, hear: () => {} })
  const { name } = queue
  await server.api('PUT', `queues/renamed/${name}`, { durable: true })
  const connection = await openConnection(amqpTarget(url), realClock, () => {})
  await expect(queue.prepare(connection)).rejects.toMatchObject({ code: 406 })
  expect(await queue.prepare(connection)).toBe(false)
  expect(queue.name).not.toBe(name)
  expect(await server.queues('renamed')).toEqual([name, queue.name].toSorted())
  await queue.delete(connection)
  await connection.close()
})

test('no connection and no queue is left after stop, whenever it is called', async () => {
  const url = await server.createVhost('stops')
  for (const delayMs of [0, 1, 5, 30, 60, 100, 200]) {
    const broker = brokerAt(url)
    broker.start(recorder())
    await sleep(delayMs)
    await broker.stop()
  }
  await expect.poll(() => server.queues('stops'), { timeout: 20_000 }).toEqual([])
  await expect
    .poll(() => server.ctl('list_connections', '--quiet', '--no-table-headers', 'vhost'), { timeout: 20_000 })
    .not.toMatch(/^stops$/m)
})

test('an hour without a server is one report', async () => {
  const broker = brokerAt('amqp://127.0.0.1:1//')
  const heard = recorder()
  broker.start(heard)
  await eventually(() => broker.state.state === 'connecting' && broker.state.attempt >= 4)
  expect(heard.states).toHaveLength(2)
  await broker.stop()
})
