import { createServer, type Server } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CeleriacError, memoryLog } from '../../base/index.ts'
import { exchangeNames } from '../../celery/index.ts'
import { type RabbitmqServer, startRabbitmq } from '../../../test/servers/rabbitmq.ts'
import { eventually, realClock, recorder } from '../suite/stage.case.ts'
import { amqpTarget, brokerAt, linked, linkTo, started } from './amqp.case.ts'
import { openConnection } from './connection.ts'
import { Management, readNodes, readQueue } from './management.ts'
import { parseManagementUrl } from './management-url.ts'
import { controlKeys, kindOf, taskQueueNames } from './queue-kinds.ts'

const broker = amqpTarget('amqps://bob:s3cret@h/v?ssl_ca_certs=/ca.pem')

describe('the URL', () => {
  test.each([
    ['http://h:15672', ['h', 15_672, 'bob', 's3cret', '', false]],
    ['http://ann:p/w@#x@h:15672/', ['h', 15_672, 'ann', 'p/w@#x', '', false]],
    ['http://h/rabbit/', ['h', 80, 'bob', 's3cret', '/rabbit', false]],
    ['HTTPS://h', ['h', 443, 'bob', 's3cret', '', true]],
  ])('%s is understood', (url, expected) => {
    const { host, port, username, password, prefix, tls } = parseManagementUrl(url, broker)
    expect([host, port, username, password.reveal(), prefix, tls !== undefined]).toEqual(expected)
  })

  test('TLS files are those of the URL, else of the broker', () => {
    expect(parseManagementUrl('https://h', broker).tls?.caFile).toBe('/ca.pem')
    expect(parseManagementUrl('https://h?ssl_cert_reqs=none', broker).tls).toMatchObject({ verify: false })
    expect(parseManagementUrl('https://h', amqpTarget('amqp://h')).tls).toMatchObject({ verify: true })
  })

  test.each(['amqp://u:s3cret@h', 'h:15672', 'http://u:s3cret@h:x', 'http://u:s3cret@h?a=b'])(
    '%s is refused without its password',
    url => {
      let failure: unknown
      try {
        parseManagementUrl(url, broker)
      } catch (error) {
        failure = error
      }
      expect(failure).toMatchObject({ code: 'BROKER_URL_INVALID' })
      expect(failure instanceof CeleriacError && failure.line).not.toMatch(/s3cret/)
    },
  )
})

describe('what is read', () => {
  const queue = (name: string, more: Readonly<Record<string, unknown>> = {}) =>
    readQueue({ name, messages_ready: 0, consumers: 1, ...more }) ?? expect.fail('it is a queue')

  test('a queue without statistics is unknown, one that never delivered has delivered 0', () => {
    expect(readQueue({ name: 'q' })).toMatchObject({ ready: null, unacked: null, deliveredTotal: null })
    expect(queue('q')).toMatchObject({ ready: 0, deliveredTotal: 0 })
    expect(queue('q', { message_stats: { deliver_get: 7 } })).toMatchObject({ deliveredTotal: 7 })
    expect(queue('q', { message_stats: [] })).toMatchObject({ deliveredTotal: 0 })
    expect(readQueue({ messages_ready: 0 })).toBeUndefined()
    expect(readQueue(null)).toBeUndefined()
  })

  test('the time a delivery may take is that of the queue, else of its policy', () => {
    const policy = { effective_policy_definition: { 'consumer-timeout': 60_000 } }
    expect(queue('q', policy).consumerTimeoutSeconds).toBe(60)
    expect(queue('q', { ...policy, arguments: { 'x-consumer-timeout': 5000 } }).consumerTimeoutSeconds).toBe(
      5,
    )
    expect(queue('q').consumerTimeoutSeconds).toBeNull()
  })

  test('the node nearest to its memory limit is told, and the alarms of any', () => {
    const node = {
      running: true,
      mem_alarm: false,
      disk_free_alarm: false,
      partitions: [],
      sockets_total: 100,
    }
    expect(
      readNodes([
        { ...node, mem_used: 50, mem_limit: 1000 },
        { ...node, mem_used: 40, mem_limit: 100, disk_free_alarm: true },
        { ...node, running: false, mem_used: 99, mem_limit: 100 },
      ]),
    ).toEqual({ memoryUsedBytes: 40, memoryMaxBytes: 100, maxConnections: 200, alarms: ['disk'] })
    expect(readNodes([{ running: true, mem_alarm: true, partitions: ['rabbit@b'] }])).toEqual({
      memoryUsedBytes: null,
      memoryMaxBytes: null,
      maxConnections: null,
      alarms: ['memory', 'partition'],
    })
    for (const odd of [null, {}, [], [{ running: false }], 'x']) expect(readNodes(odd)).toBeUndefined()
  })

  test('queues are told apart by what they are for', () => {
    const names = exchangeNames()
    const expiring = { auto_delete: true, arguments: { 'x-expires': 60_000 } }
    const queues = [
      queue('reports'),
      queue('amq.gen-x', { exclusive: true }),
      queue('celeryev.1', expiring),
      queue('celeryev.2', { consumers: 0, message_bytes: 10 }),
      queue('w1@h.celery.pidbox', { ...expiring, message_bytes: 5 }),
      queue('1.reply.celery.pidbox', { ...expiring, consumers: 0 }),
      queue('celeriac.events.1', expiring),
      queue('celery_delayed_7'),
      queue('b3b3b3b3-result', expiring),
      queue('emails'),
    ]
    expect(queues.map(each => kindOf(each, names))).toEqual([
      'task',
      'other',
      'event',
      'event',
      'control',
      'reply',
      'other',
      'other',
      'other',
      'task',
    ])
    expect(taskQueueNames(queues, names)).toEqual(['emails', 'reports'])
    expect(controlKeys(queues, names).filter(reading => reading.keys > 0)).toEqual([
      { kind: 'event', orphan: false, keys: 1, bytes: null },
      { kind: 'event', orphan: true, keys: 1, bytes: 10 },
      { kind: 'control', orphan: false, keys: 1, bytes: 5 },
      { kind: 'reply', orphan: false, keys: 1, bytes: null },
    ])
    expect(kindOf(queue('events.1'), exchangeNames({ eventQueuePrefix: 'events' }))).toBe('event')
    expect(kindOf(queue('1.reply.ctl.pidbox'), exchangeNames({ controlExchange: 'ctl' }))).toBe('reply')
  })
})

describe('a real server', () => {
  let server: RabbitmqServer
  let url: string
  beforeAll(async () => {
    // Statistics at the shortest interval there is.
    server = await startRabbitmq({ config: ['collect_statistics_interval = 1000'] })
    url = await server.createVhost('shop / one')
    await server.api('PUT', 'users/plain', { password: 'p/w@#x', tags: 'management' })
    await server.api('PUT', 'permissions/shop%20%2F%20one/plain', {
      configure: '.*',
      write: '.*',
      read: '.*',
    })
  }, 180_000)
  afterAll(() => server.stop())

  test('unacknowledged messages, deliveries, memory, limits, connections and control queues are read', async () => {
    const watching = brokerAt(url, { managementUrl: server.managementUrl })
    const link = linkTo(url)
    watching.start(recorder())
    await watching.ready(10_000)
    await link.connect()
    await link.onControl(() => {})
    const task = { headers: { id: 'x' }, properties: {}, body: [[], {}, {}] }
    for (let i = 0; i < 5; i++) await link.publishTask('reports', task)
    await link.declareQueue('idle')
    expect(await watching.discoverQueues()).toEqual(['idle', 'reports'])

    const connection = await openConnection(amqpTarget(url), realClock, () => {})
    const channel = await connection.openChannel()
    await channel.prefetch(2)
    await channel.consume('reports', () => {})
    await expect
      .poll(() => watching.readQueues(['reports', 'idle', 'never declared']), {
        timeout: 20_000,
        interval: 500,
      })
      .toEqual([
        {
          queue: 'reports',
          depth: 3,
          consumers: 1,
          unacked: 2,
          deliveredTotal: 2,
          heads: null,
          newest: null,
        },
        { queue: 'idle', depth: 0, consumers: 0, unacked: 0, deliveredTotal: 0, heads: null, newest: null },
      ])
    await expect
      .poll(async () => (await watching.readServer()).connectedClients, { timeout: 20_000 })
      .toBeGreaterThanOrEqual(4)
    const reading = await watching.readServer()
    expect(reading).toMatchObject({ unacked: 2, alarms: [], redeliveryTimeoutSeconds: null })
    expect(reading.memoryUsedBytes).toBeGreaterThan(1e6)
    expect(reading.memoryMaxBytes).toBeGreaterThan(reading.memoryUsedBytes ?? 0)
    expect(reading.maxClients).toBeGreaterThan(100)
    expect((await watching.readControlKeys())?.filter(keys => keys.keys > 0)).toMatchObject([
      { kind: 'control', orphan: false, keys: 1 },
    ])
    await server.api('PUT', 'queues/shop%20%2F%20one/celeryev.left', { durable: true })
    await expect
      .poll(() => watching.readControlKeys(), { timeout: 20_000 })
      .toContainEqual(expect.objectContaining({ kind: 'event', orphan: true, keys: 1 }))
    await connection.close()
    await Promise.all([link.close(), watching.stop()])
  })

  test('a user who may not see the nodes sees the queues; what is missing is said once', async () => {
    const log = memoryLog()
    const own = server.managementUrl.replace('://', '://plain:p/w@#x@')
    const watching = brokerAt(url, { managementUrl: own, log })
    watching.start(recorder())
    await watching.ready(10_000)
    expect(await watching.discoverQueues()).toContain('reports')
    for (let i = 0; i < 3; i++)
      expect(await watching.readServer()).toMatchObject({ memoryUsedBytes: null, alarms: [] })
    const warnings = log.lines.filter(line => line.level === 'warn')
    expect(warnings).toHaveLength(1)
    expect(JSON.stringify(warnings)).toMatch(/nodes.*tag monitoring/)
    expect(JSON.stringify(log.lines)).not.toContain('p/w@#x')
    await watching.stop()
  })

  test('an API that is away, wrong, endless or silent takes nothing from what AMQP says, and its return is told', async () => {
    const answers: Record<string, string | undefined> = {}
    let web: Server | undefined
    const open = async (port: number): Promise<number> => {
      web = createServer((request, response) => {
        const kind = answers['kind']
        if (kind === 'endless') {
          const write = (): void => {
            while (!response.destroyed && response.write('x'.repeat(65_536)));
          }
          response.on('drain', write)
          write()
        } else if (kind === 'ok' && request.url?.includes('/queues/') === true)
          response.end('{"page_count":1,"items":[{"name":"from the API"}]}')
        else if (kind !== 'silent') response.writeHead(kind === 'ok' ? 404 : 200).end(kind)
      })
      await new Promise<void>(resolve => web?.listen(port, '127.0.0.1', resolve))
      const address = web.address()
      return typeof address === 'object' && address !== null ? address.port : 0
    }
    const close = async (): Promise<void> => {
      web?.closeAllConnections()
      await new Promise<unknown>(resolve => web?.close(resolve))
    }
    const port = await open(0)
    let nowMs = 0
    const log = memoryLog()
    const target = parseManagementUrl(`http://127.0.0.1:${port}`, amqpTarget(url))
    const api = new Management(target, { ...realClock, now: () => nowMs }, log)
    const warnings = () => log.lines.filter(line => line.level === 'warn')
    for (const kind of ['no json', '[]', 'endless', 'silent']) {
      answers['kind'] = kind
      nowMs += 20_000
      expect(await api.queues()).toBeUndefined()
      expect(await api.server()).toMatchObject({ memoryUsedBytes: null, connections: null, alarms: null })
    }
    // What failed is not asked again at once: a silent API costs its time-out once in a while.
    const began = performance.now()
    for (let i = 0; i < 20; i++) await api.queues()
    expect(performance.now() - began).toBeLessThan(2000)
    expect(warnings()).toHaveLength(3)
    answers['kind'] = 'ok'
    nowMs += 20_000
    expect((await api.queues())?.queues.map(queue => queue.name)).toEqual(['from the API'])
    expect(log.lines.filter(line => line.level === 'info').map(line => line.message)).toEqual([
      'The management API says the queues again.',
    ])
    api.close()
    await close()

    const heard = recorder()
    const watching = brokerAt(url, { managementUrl: `http://127.0.0.1:${port}` })
    watching.start(heard)
    await watching.ready(10_000)
    const link = await linked(url)
    await link.declareQueue('idle')
    expect(await watching.discoverQueues()).toEqual([])
    expect(await watching.readQueues(['idle'])).toMatchObject([{ queue: 'idle', depth: 0, unacked: null }])
    expect(await watching.readServer()).toMatchObject({ memoryUsedBytes: null, unacked: null, alarms: [] })
    expect(await watching.readControlKeys()).toBeNull()
    await link.publishEvents(started('all the time'))
    await eventually(() => heard.uuids().includes('all the time'))
    expect(heard.states.map(state => state.state)).toEqual(['connecting', 'connected'])
    await Promise.all([link.close(), watching.stop()])
  })
})
