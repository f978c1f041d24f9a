import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memoryLog } from '../../base/index.ts'
import { decodeEventMessage } from '../../celery/index.ts'
import { freePort } from '../../../test/servers/child.ts'
import { startRedis } from '../../../test/servers/redis.ts'
import { type RabbitmqServer, startRabbitmq } from '../../../test/servers/rabbitmq.ts'
import { brokerSuite } from '../suite/broker-suite.ts'
import { AMQP_TRAITS, eventually, listening, realClock, recorder } from '../suite/stage.case.ts'
import { amqpTarget, brokerAt, linked, linkTo, refusal, started } from './amqp.case.ts'
import { openConnection } from './connection.ts'

let folder: string
let server: RabbitmqServer
let vhosts = 0
const file = (name: string): string => join(folder, name)

/** A certificate for loopback, signed by itself or by another. */
function makeCertificate(name: string, signer?: string): void {
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const kind = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1']
  const files = ['-keyout', file(`${name}-key.pem`), '-out', file(`${name}.pem`)]
  const by = signer === undefined ? [] : ['-CA', file(`${signer}.pem`), '-CAkey', file(`${signer}-key.pem`)]
  const made = spawnSync('openssl', ['req', ...kind, ...by, ...files, ...subject])
  if (made.status !== 0) throw new Error(`openssl: ${String(made.stderr)}`)
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'celeriac-amqps-'))
  makeCertificate('server')
  makeCertificate('authority')
  makeCertificate('client', 'authority')
  server = await startRabbitmq({
    tls: {
      ca: file('authority.pem'),
      cert: file('server.pem'),
      key: file('server-key.pem'),
      verifyPeer: true,
    },
  })
}, 180_000)
afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

describe('the contract', () => {
  brokerSuite(AMQP_TRAITS, async () => {
    const vhost = `world ${++vhosts}`
    const url = await server.createVhost(vhost)
    const { managementUrl } = server
    return {
      createBroker: (name, names) => brokerAt(url, { name, managementUrl, ...(names && { names }) }),
      createLink: names => linkTo(url, names),
      keys: async () => (await server.queues(vhost)).filter(queue => queue.startsWith('celeriac.')),
      crash: () => server.kill(),
      comeBack: () => server.restart(),
      end: async () => void (await server.api('DELETE', `vhosts/${encodeURIComponent(vhost)}`)),
    }
  })
})

test('a flood of events arrives complete and in order', async () => {
  const url = await server.createVhost('flood')
  const broker = brokerAt(url)
  const heard = await listening(broker)
  const link = await linked(url)
  const sent = Array.from({ length: 20_000 }, (_, i) => String(i))
  for (let at = 0; at < sent.length; at += 500)
    await Promise.all(sent.slice(at, at + 500).map(uuid => link.publishEvents(started(uuid))))
  await eventually(() => heard.messages.length === sent.length, 30_000)
  expect(heard.uuids()).toEqual(sent)
  await Promise.all([link.close(), broker.stop()])
})

test('the event queue is bounded, waits a minute for us, and hears everything; the connection has a name', async () => {
  const url = await server.createVhost('bounds')
  const broker = brokerAt(url)
  await listening(broker)
  const [queue] = (await server.queues('bounds')).filter(name => name.startsWith('celeriac.events.'))
  expect(await server.api('GET', `queues/bounds/${queue ?? ''}`)).toMatchObject({
    durable: false,
    exclusive: false,
    auto_delete: false,
    arguments: {
      'x-expires': 60_000,
      'x-message-ttl': 600_000,
      'x-max-length': 200_000,
      'x-max-length-bytes': 268_435_456,
      'x-overflow': 'drop-head',
    },
  })
  expect(await server.api('GET', `queues/bounds/${queue ?? ''}/bindings`)).toContainEqual(
    expect.objectContaining({ source: 'celeryev', routing_key: '#' }),
  )
  expect(await server.api('GET', 'exchanges/bounds/celeryev')).toMatchObject({ type: 'topic', durable: true })
  await expect
    .poll(
      async () =>
        (
          (await server.api('GET', 'connections')) as { client_properties: { connection_name?: string } }[]
        ).map(connection => connection.client_properties.connection_name),
      { timeout: 20_000 },
    )
    .toEqual(['celeriac', 'celeriac'])
  await broker.stop()
})

test('an exchange that a fleet declared otherwise is taken as it is', async () => {
  const url = await server.createVhost('otherwise')
  await server.api('PUT', 'exchanges/otherwise/celeryev', {
    type: 'topic',
    durable: false,
    auto_delete: false,
  })
  const broker = brokerAt(url)
  const heard = await listening(broker)
  const link = await linked(url)
  await link.publishEvents(started('heard'))
  await eventually(() => heard.uuids().includes('heard'))
  await Promise.all([link.close(), broker.stop()])
})

test('a request to a fleet that never was is answered by nobody, and costs no connection', async () => {
  const broker = brokerAt(await server.createVhost('empty'))
  const heard = await listening(broker)
  const began = Date.now()
  for (let i = 0; i < 3; i++) expect(await broker.control({ method: 'ping' }, { timeoutMs: 200 })).toEqual([])
  expect(Date.now() - began).toBeGreaterThanOrEqual(595)
  expect(heard.states.map(state => state.state)).toEqual(['connecting', 'connected'])
  await broker.stop()
})

test('many queues are read on few channels, and reading marks nothing as redelivered', async () => {
  const url = await server.createVhost('many')
  const broker = brokerAt(url)
  const link = linkTo(url)
  await listening(broker)
  await link.connect()
  const task = { headers: { id: 'x' }, properties: {}, body: [[], {}, {}] }
  await link.publishTask('q', task)
  const there = Array.from({ length: 100 }, (_, i) => `there ${i}`)
  for (const queue of there) await link.declareQueue(queue)
  const absent = Array.from({ length: 20 }, (_, i) => `absent ${i}`)
  const mixed = [...there.slice(0, 50), ...absent, ...there.slice(50), 'q', 'x'.repeat(300), '']
  for (let round = 0; round < 3; round++) {
    const readings = await broker.readQueues(mixed)
    expect(readings.map(reading => reading.queue)).toEqual([...there, 'q'])
    expect(readings.at(-1)).toMatchObject({ depth: 1, consumers: 0, unacked: null, deliveredTotal: null })
  }
  const channels = (
    await server.ctl('list_channels', '--quiet', '--no-table-headers', 'vhost', 'consumer_count')
  )
    .split('\n')
    .filter(line => line.startsWith('many'))
  // Ours: events, replies, questions, readings; the link's: publishing.
  expect(channels.length).toBeLessThanOrEqual(6)
  const connection = await openConnection(amqpTarget(url), realClock, () => {})
  const channel = await connection.openChannel()
  const message = await channel.get('q', { noAck: true })
  expect(message !== false && message.fields.redelivered).toBe(false)
  await connection.close()
  await Promise.all([link.close(), broker.stop()])
})

test('a queue that appears is read as soon as it is looked for again', async () => {
  const url = await server.createVhost('appears')
  const broker = brokerAt(url)
  const link = linkTo(url)
  await listening(broker)
  await link.connect()
  expect(await broker.readQueues(['q'])).toEqual([])
  await link.declareQueue('q')
  await expect
    .poll(async () => (await broker.readQueues(['q'])).map(reading => reading.depth), {
      timeout: 20_000,
      interval: 500,
    })
    .toEqual([0])
  await Promise.all([link.close(), broker.stop()])
})

test('asking whether the broker takes messages leaves no mark: no reply, nothing that reached nobody', async () => {
  const url = await server.createVhost('probe')
  const log = memoryLog()
  const broker = brokerAt(url, { log })
  await listening(broker)
  for (let i = 0; i < 5; i++) expect((await broker.readServer()).alarms).toEqual([])
  expect(log.lines.filter(line => line.level !== 'debug')).toEqual([])
  await expect
    .poll(
      async () =>
        (
          (await server.api('GET', 'channels')) as {
            vhost: string
            message_stats?: Record<string, number>
          }[]
        )
          .filter(({ vhost }) => vhost === 'probe')
          .map(({ message_stats: stats }) => [stats?.['confirm'] ?? 0, stats?.['drop_unroutable'] ?? 0])
          .toSorted((a, b) => (b[0] ?? 0) - (a[0] ?? 0))[0],
      { timeout: 20_000, interval: 500 },
    )
    .toEqual([5, 0])
  await broker.stop()
})

test('without the management API nothing is guessed: no queues found, no memory, but whether the broker takes messages', async () => {
  const url = await server.createVhost('bare')
  const broker = brokerAt(url)
  const link = linkTo(url)
  await listening(broker)
  await link.connect()
  await link.declareQueue('q')
  expect(await broker.discoverQueues()).toEqual([])
  expect(await broker.readControlKeys()).toBeNull()
  expect(await broker.readServer()).toEqual({
    version: expect.stringMatching(/^\d/) as string,
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
    redeliveryTimeoutSeconds: null,
    alarms: [],
  })
  await Promise.all([link.close(), broker.stop()])
})

test('a broker short of memory blocks publishers: an alarm, and a request that cannot leave is an error and no silence', async () => {
  const url = await server.createVhost('alarm')
  const broker = brokerAt(url)
  const heard = await listening(broker)
  const link = await linked(url)
  await link.onControl(request => void link.reply(request, 'w1@a', 'pong').catch(() => {}))
  try {
    await server.ctl('set_vm_memory_high_watermark', 'absolute', '1000')
    await expect
      .poll(async () => (await broker.readServer()).alarms, { timeout: 20_000 })
      .toEqual(['blocked', 'memory'])
    const asked = broker.control({ method: 'ping' }, { timeoutMs: 30_000 })
    await expect(asked).rejects.toMatchObject({
      code: 'BROKER_REFUSED',
      message: expect.stringMatching(/takes no messages from anybody: low on memory/) as string,
    })
    expect((await broker.readServer()).roundTripSeconds).toBeLessThan(5)
  } finally {
    await server.ctl('set_vm_memory_high_watermark', '0.4')
  }
  await expect.poll(async () => (await broker.readServer()).alarms, { timeout: 20_000 }).toEqual([])
  const wait = { timeoutMs: 20_000, expect: new Set(['w1@a']) }
  expect(await broker.control({ method: 'ping' }, wait)).toEqual([{ node: 'w1@a', ok: true, value: 'pong' }])
  expect(heard.states.map(state => state.state)).toEqual(['connecting', 'connected'])
  await Promise.all([link.close(), broker.stop()])
})

test('an answer in pickle is an answer, and says so; an event in pickle or compressed is named', async () => {
  const url = await server.createVhost('pickle')
  const broker = brokerAt(url)
  const heard = await listening(broker)
  const link = await linked(url)
  // pickle.dumps({'w1@a': {'ok': 'pong'}}, 4)
  const pickle = Buffer.from(
    '8004951b000000000000007d948c047731406194 7d948c026f6b948c04706f6e679473732e'.replaceAll(' ', ''),
    'hex',
  )
  const connection = await openConnection(amqpTarget(url), realClock, () => {})
  const channel = await connection.openChannel()
  await link.onControl(request => {
    channel.sendToQueue(request.replyTo?.routingKey ?? '', pickle, {
      contentType: 'application/x-python-serialize',
      contentEncoding: 'binary',
      headers: { ticket: request.ticket, clock: 1 },
    })
  })
  const wait = { timeoutMs: 20_000, expect: new Set(['w1@a']) }
  expect(await broker.control({ method: 'ping' }, wait)).toMatchObject([
    { node: 'w1@a', ok: false, error: expect.stringContaining('pickle') as string },
  ])
  channel.publish('celeryev', 'task.sent', pickle, { contentType: 'application/x-python-serialize' })
  channel.publish('celeryev', 'task.sent', pickle, { headers: { compression: 'application/x-gzip' } })
  await eventually(() => heard.messages.length === 2)
  expect(heard.messages.map(message => decodeEventMessage(message).problems[0])).toMatchObject([
    { reason: 'unsupported_content_type', detail: expect.stringContaining('pickle') as string },
    { reason: 'unsupported_content_type', detail: expect.stringContaining('gzip') as string },
  ])
  await connection.close()
  await Promise.all([link.close(), broker.stop()])
})

describe('TLS', () => {
  const at = (query: string, host = '127.0.0.1', port = server.tlsPort): string =>
    `amqps://guest:guest@${host}:${port}//${query === '' ? '' : `?${query}`}`
  const own = () => `ssl_certfile=${file('client.pem')}&ssl_keyfile=${file('client-key.pem')}`

  test('a server that asks for our certificate gets it, and is checked against the authority of the URL', async () => {
    for (const host of ['127.0.0.1', 'localhost']) {
      const broker = brokerAt(at(`ssl_ca_certs=${file('server.pem')}&${own()}`, host))
      await listening(broker)
      await broker.stop()
    }
    const unchecked = brokerAt(at(`ssl_cert_reqs=none&${own()}`))
    unchecked.start(recorder())
    await unchecked.ready(10_000)
    await unchecked.stop()
  })

  test('a certificate nobody vouches for, none of ours, TLS on a plain port, plain on a TLS port, a missing file: each is named', async () => {
    expect((await refusal(brokerAt(at(own())))).line).toMatch(/do not agree on TLS.*ssl_ca_certs/)
    expect((await refusal(brokerAt(at('ssl_cert_reqs=none')))).line).toMatch(/TLS|client certificate/)
    expect((await refusal(brokerAt(at('', '127.0.0.1', server.port)))).line).toMatch(/do not agree on TLS/)
    expect((await refusal(brokerAt(`amqp://127.0.0.1:${server.tlsPort}//`))).line).toMatch(
      /wants TLS \(amqps/,
    )
    expect(await refusal(brokerAt(at('ssl_ca_certs=/nowhere/ca.pem')))).toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining('/nowhere/ca.pem') as string,
    })
  })
})

describe('refusals', () => {
  test('a wrong password, an unknown vhost and one without permission are told apart, and no password is printed', async () => {
    await server.api('PUT', 'users/weak', { password: 'falsch', tags: '' })
    const log = memoryLog()
    const wrong = await refusal(brokerAt(`amqp://weak:geheim@127.0.0.1:${server.port}//`, { log }))
    expect(wrong).toMatchObject({
      code: 'BROKER_AUTH',
      message: expect.stringMatching(/refuses the user or the password/) as string,
    })
    const guest = await refusal(brokerAt(`amqp://guest:geheim@127.0.0.1:${server.port}//`))
    expect(guest.hint).toMatch(/guest in from its own machine only/)
    const unknown = await refusal(brokerAt(`amqp://guest:guest@127.0.0.1:${server.port}/nowhere`))
    expect(unknown).toMatchObject({
      code: 'BROKER_REFUSED',
      message: expect.stringMatching(/does not let the user "guest" use the vhost "nowhere"/) as string,
      hint: expect.stringMatching(/vhost exists/) as string,
    })
    const forbidden = await refusal(brokerAt(`amqp://weak:falsch@127.0.0.1:${server.port}//`))
    expect(forbidden.message).toMatch(/does not let the user "weak" use the vhost "\/"/)
    for (const error of [wrong, guest, unknown, forbidden]) {
      expect(error.line).not.toMatch(/falsch|geheim|guest:guest/)
      expect(error.line).not.toContain('\n')
      expect(error.cause).toBeUndefined()
    }
    expect(JSON.stringify(log.lines)).not.toContain('geheim')
  })

  test('a user with the permissions that the hint names can watch; without them the hint is given', async () => {
    const url = await server.createVhost('rights')
    await server.api('PUT', 'users/watcher', { password: 'p/w@#%x:?y', tags: '' })
    const allow = (configure: string, write: string, read: string) =>
      server.api('PUT', 'permissions/rights/watcher', { configure, write, read })
    const link = await linked(url)
    await link.onControl(request => void link.reply(request, 'w1@a', 1))
    await link.publishEvents(started('the exchange is there'))
    for (const password of ['p/w@#%x:?y', encodeURIComponent('p/w@#%x:?y')]) {
      const watching = `amqp://watcher:${password}@127.0.0.1:${server.port}/rights`
      await allow('^$', '^$', '^$')
      const refused = await refusal(brokerAt(watching))
      expect(refused).toMatchObject({
        code: 'BROKER_REFUSED',
        hint: expect.stringMatching(/celeriac\.\*.*celery\.pidbox/) as string,
      })
      const own = 'celeriac\\..*'
      await allow(`^${own}$`, `^(${own}|celery\\.pidbox|amq\\.default)$`, `^(${own}|celeryev)$`)
      const broker = brokerAt(watching)
      const heard = await listening(broker)
      expect(broker.address).not.toContain(password)
      await link.publishEvents(started('heard'))
      await link.declareQueue('q')
      await eventually(() => heard.uuids().includes('heard'))
      expect(await broker.readQueues(['q'])).toMatchObject([{ queue: 'q', depth: 0 }])
      expect(
        await broker.control({ method: 'ping', destination: ['w1@a'] }, { timeoutMs: 20_000 }),
      ).toHaveLength(1)
      expect((await broker.readServer()).alarms).toEqual([])
      // Without the default exchange alarms cannot be seen, and nothing else is missing.
      await allow(`^${own}$`, `^(${own}|celery\\.pidbox)$`, `^(${own}|celeryev)$`)
      await broker.stop()
      const narrow = brokerAt(watching)
      narrow.start(recorder())
      await narrow.ready(10_000)
      for (let i = 0; i < 2; i++) expect((await narrow.readServer()).alarms).toBeNull()
      expect(
        await narrow.control({ method: 'ping', destination: ['w1@a'] }, { timeoutMs: 20_000 }),
      ).toHaveLength(1)
      await narrow.stop()
    }
    await link.close()
  })

  test('a port where nothing listens, an unknown host and what is no RabbitMQ are told apart', async () => {
    const port = await freePort()
    expect((await refusal(brokerAt(`amqp://u:secret@127.0.0.1:${port}//`))).line).toBe(
      `The broker amqp://u:***@127.0.0.1:${port}// cannot be reached. Nothing listens there. Check host and port of the broker URL (5672, or 5671 with TLS), and that the server runs.`,
    )
    expect((await refusal(brokerAt('amqp://no-such-host.invalid//'))).message).toMatch(/host name/)
    const web = createServer((_, response) => response.end())
    await new Promise<void>(resolve => web.listen(0, '127.0.0.1', resolve))
    const address = web.address()
    const webPort = typeof address === 'object' && address !== null ? address.port : 0
    const noAmqp = await refusal(brokerAt(`amqp://127.0.0.1:${webPort}//`))
    expect(noAmqp).toMatchObject({
      code: 'BROKER_UNREACHABLE',
      message: expect.stringMatching(/does not speak AMQP/) as string,
    })
    web.close()
    const redis = await startRedis()
    expect((await refusal(brokerAt(`amqp://127.0.0.1:${redis.port}//`), 6000)).message).toMatch(
      /in time|at once/,
    )
    await redis.stop()
  })
})
