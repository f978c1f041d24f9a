import { createServer } from 'node:net'
import { createClient } from '@redis/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CeleriacError, type Clock, memoryLog, silentLog } from '../../base/index.ts'
import type { NameOptions } from '../../celery/index.ts'
import { freePort } from '../../../test/servers/child.ts'
import { type RedisServer, startRedis } from '../../../test/servers/redis.ts'
import type { Broker } from '../broker.ts'
import { brokerSuite } from '../suite/broker-suite.ts'
import { eventually, listening, realClock, recorder, REDIS_TRAITS } from '../suite/stage.case.ts'
import { parseBrokerUrl, type RedisTarget } from '../url.ts'
import { createRedisBroker } from './broker.ts'
import { createRedisLink } from './link.ts'

function redisTarget(url: string): RedisTarget {
  const target = parseBrokerUrl(url)
  if (target.transport !== 'redis') throw new Error(`not a Redis: ${url}`)
  return target
}

const brokerAt = (url: string, name = 'default', names?: NameOptions): Broker =>
  createRedisBroker({
    name,
    target: redisTarget(url),
    clock: realClock,
    log: silentLog,
    ...(names && { transportOptions: names }),
  })

const linkTo = (url: string, names?: NameOptions) =>
  createRedisLink({
    target: redisTarget(url),
    clock: realClock,
    log: silentLog,
    ...(names && { transportOptions: names }),
  })

async function command(url: string, ...args: string[]): Promise<unknown> {
  const client = createClient({ url })
  await client.connect()
  try {
    return await client.sendCommand(args)
  } finally {
    client.destroy()
  }
}

const started = (uuid: string) => ({ hostname: 'w@h', type: 'task-started', uuid, timestamp: 1, clock: 1 })

/** What `ready` says in the end. */
async function refusal(broker: Broker, timeoutMs = 1500): Promise<CeleriacError> {
  broker.start(recorder())
  try {
    await broker.ready(timeoutMs)
  } catch (error) {
    if (error instanceof CeleriacError) return error
    throw error
  } finally {
    await broker.stop()
  }
  throw new Error('it connected')
}

describe('the contract', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())

  brokerSuite(REDIS_TRAITS, async () => {
    await command(server.url, 'FLUSHALL')
    return {
      createBroker: (name, names) => brokerAt(server.url, name, names),
      createLink: names => linkTo(server.url.replace(/0$/, String(names?.database ?? 0)), names),
      keys: async () => ((await command(server.url, 'KEYS', '*')) as string[]).sort(),
      crash: () => server.kill(),
      comeBack: () => server.restart(),
      end: async () => {},
    }
  })

  test('keys of the wrong kind do not spoil the others', async () => {
    await command(server.url, 'FLUSHALL')
    await command(server.url, 'SET', '_kombu.binding.odd', 'x')
    await command(server.url, 'SET', 'text', 'x')
    await command(server.url, 'SADD', '_kombu.binding.celeryev', 'worker.#\u0006\u0016\u0006\u0016celeryev.1')
    await command(
      server.url,
      'SADD',
      '_kombu.binding.celery.pidbox',
      '\u0006\u0016\u0006\u0016w1@h.celery.pidbox',
    )
    await command(server.url, 'SADD', '_kombu.binding.celery', 'a\u0006\u0016\u0006\u0016a', 'no binding')
    await command(server.url, 'LPUSH', 'a', 'x', 'y')
    const broker = brokerAt(server.url)
    await listening(broker)
    expect(await broker.discoverQueues()).toEqual(['a'])
    expect(await broker.readQueues(['a', 'text'])).toMatchObject([{ queue: 'a', depth: 2 }])
    await broker.stop()
  })

  test('discovery finds a binding table among many thousands of other keys', async () => {
    await command(server.url, 'FLUSHALL')
    await command(server.url, 'EVAL', "for i = 1, 30000 do redis.call('SET', 'k' .. i, i) end", '0')
    await command(server.url, 'SADD', '_kombu.binding.lonely', 'lonely\u0006\u0016\u0006\u0016lonely')
    const broker = brokerAt(server.url)
    await listening(broker)
    expect(await broker.discoverQueues()).toEqual(['lonely'])
    await broker.stop()
    await command(server.url, 'FLUSHALL')
  })

  test('a late answer leaves nothing for good, before and after the reply list has expired', async () => {
    await command(server.url, 'FLUSHALL')
    let runSweep = (): void => {}
    const clock: Clock = {
      ...realClock,
      after(delayMs, run) {
        if (delayMs === 60_000) runSweep = run
        return realClock.after(delayMs, run)
      },
    }
    const broker = createRedisBroker({
      name: 'default',
      target: redisTarget(server.url),
      clock,
      log: silentLog,
    })
    const link = linkTo(server.url)
    await listening(broker)
    await link.connect()
    let late = (): Promise<void> => Promise.resolve()
    await link.onControl(request => {
      late = () => link.reply(request, 'w@h', 1)
    })
    await broker.control({ method: 'ping' }, { timeoutMs: 100 })
    await late()
    const [list = ''] = (await command(server.url, 'KEYS', '*')) as string[]
    expect(list).toMatch(/\.reply\.celeriac$/)
    expect(await command(server.url, 'TTL', list)).toBeGreaterThan(0)
    // As if the worker had been busy for longer than the list lives.
    await command(server.url, 'DEL', list)
    await late()
    expect(await command(server.url, 'TTL', list)).toBe(-1)
    await expect
      .poll(
        async () => {
          runSweep()
          return command(server.url, 'TTL', list)
        },
        { timeout: 10_000 },
      )
      .toBeGreaterThan(0)
    await broker.stop()
    expect(await command(server.url, 'KEYS', '*')).toEqual([])
    await link.close()
  })

  test('a server that takes no messages is found out before a worker is asked', async () => {
    await command(server.url, 'FLUSHALL')
    const broker = brokerAt(server.url)
    const link = linkTo(server.url)
    await listening(broker)
    await link.connect()
    let asked = 0
    await link.onControl(() => asked++)
    await command(server.url, 'CONFIG', 'SET', 'maxmemory', '1mb')
    await expect(broker.control({ method: 'ping' }, { timeoutMs: 20_000 })).rejects.toMatchObject({
      code: 'BROKER_REFUSED',
      message: expect.stringContaining('OOM') as string,
    })
    expect(asked).toBe(0)
    await command(server.url, 'CONFIG', 'SET', 'maxmemory', '0')
    await Promise.all([link.close(), broker.stop()])
  })

  test('an answer in pickle is an answer, and says so', async () => {
    const broker = brokerAt(server.url)
    await listening(broker)
    const link = linkTo(server.url)
    await link.connect()
    // pickle.dumps({'w1@a': {'ok': 'pong'}}, 4)
    const pickle = Buffer.from(
      '8004951b000000000000007d948c04773140619 47d948c026f6b948c04706f6e67947373 2e'.replaceAll(' ', ''),
      'hex',
    )
    await link.onControl(request => {
      const envelope = {
        body: pickle.toString('base64'),
        'content-encoding': 'binary',
        'content-type': 'application/x-python-serialize',
        headers: { ticket: request.ticket, clock: 1 },
        properties: { body_encoding: 'base64' },
      }
      void command(server.url, 'LPUSH', request.replyTo?.routingKey ?? '', JSON.stringify(envelope))
    })
    const [reply] = await broker.control({ method: 'ping' }, { timeoutMs: 20_000, expect: new Set(['w1@a']) })
    expect(reply).toMatchObject({
      node: 'w1@a',
      ok: false,
      error: expect.stringContaining('pickle') as string,
    })
    await link.close()
    await broker.stop()
  })

  test('a unix socket serves as well', async () => {
    const url = `redis+socket://${server.socketPath}?virtual_host=2`
    const broker = brokerAt(url)
    const heard = await listening(broker)
    const link = linkTo(url)
    await link.connect()
    await link.publishEvents(started('over the socket'))
    await eventually(() => heard.messages.length > 0)
    expect(heard.uuids()).toEqual(['over the socket'])
    await link.close()
    await broker.stop()
  })

  test('events of another database number are not heard', async () => {
    const broker = brokerAt(server.url)
    const heard = await listening(broker)
    const other = linkTo(server.url.replace(/0$/, '3'))
    const same = linkTo(server.url)
    await other.connect()
    await same.connect()
    await other.publishEvents(started('other'))
    await same.publishEvents(started('same'))
    await eventually(() => heard.messages.length > 0)
    expect(heard.uuids()).toEqual(['same'])
    await Promise.all([other.close(), same.close(), broker.stop()])
  })

  test('a flood of events arrives complete and in order', async () => {
    const broker = brokerAt(server.url)
    const heard = await listening(broker)
    const link = linkTo(server.url)
    await link.connect()
    const sent = Array.from({ length: 20_000 }, (_, i) => String(i))
    for (let at = 0; at < sent.length; at += 500)
      await Promise.all(sent.slice(at, at + 500).map(uuid => link.publishEvents(started(uuid))))
    await eventually(() => heard.messages.length === sent.length, 30_000)
    expect(heard.uuids()).toEqual(sent)
    await Promise.all([link.close(), broker.stop()])
  })
})

describe('trouble', () => {
  const servers: RedisServer[] = []
  const start = async (options?: Parameters<typeof startRedis>[0]): Promise<RedisServer> => {
    const server = await startRedis(options)
    servers.push(server)
    return server
  }
  afterAll(async () => {
    for (const server of servers) await server.stop()
  })

  test('a server that hangs from the start is given up in time, and connected to later', async () => {
    const server = await start()
    server.pause()
    const broker = brokerAt(server.url)
    broker.start(recorder())
    await expect(broker.ready(6_000)).rejects.toMatchObject({
      code: 'BROKER_UNREACHABLE',
      message: expect.stringContaining('does not answer in time') as string,
    })
    server.resume()
    await broker.ready(15_000)
    await broker.stop()
  })

  test('a wrong password, a missing one and a needless one are told apart, and none is printed', async () => {
    const password = 'geh/eim@#1'
    const server = await start({ password })
    const open = await start()
    const at = `127.0.0.1:${server.port}/0`
    const log = memoryLog()
    const wrong = await refusal(
      createRedisBroker({ name: 'b', target: redisTarget(`redis://:falsch@${at}`), clock: realClock, log }),
    )
    expect(wrong).toMatchObject({
      code: 'BROKER_AUTH',
      message: expect.stringMatching(/refuses the user or the password/) as string,
    })
    const missing = await refusal(brokerAt(`redis://${at}`))
    expect(missing).toMatchObject({
      code: 'BROKER_AUTH',
      message: expect.stringMatching(/wants a password/) as string,
    })
    const needless = await refusal(brokerAt(`redis://:falsch@127.0.0.1:${open.port}/0`))
    expect(needless).toMatchObject({
      code: 'BROKER_AUTH',
      message: expect.stringMatching(/has no password/) as string,
    })
    const unknownUser = await refusal(brokerAt(`redis://nobody:falsch@127.0.0.1:${open.port}/0`))
    expect(unknownUser.code).toBe('BROKER_AUTH')
    for (const error of [wrong, missing, needless, unknownUser]) {
      expect(error.line).not.toContain('falsch')
      expect(error.line).not.toContain('\n')
      expect(error.cause).toBeUndefined()
    }
    expect(JSON.stringify(log.lines)).not.toContain('falsch')
  })

  test('a password with / @ # connects, bare or percent-encoded', async () => {
    const password = 'p/w@#%x:?y'
    const server = await start({ password })
    for (const written of [password, encodeURIComponent(password)]) {
      const broker = brokerAt(`redis://:${written}@127.0.0.1:${server.port}/0`)
      await listening(broker)
      expect(broker.address).toBe(`redis://:***@127.0.0.1:${server.port}/0`)
      await broker.stop()
    }
  })

  test('a port where nothing listens, an unknown host and a missing socket are unreachable', async () => {
    const port = await freePort()
    const nobody = await refusal(brokerAt(`redis://:secret@127.0.0.1:${port}/0`))
    expect(nobody.code).toBe('BROKER_UNREACHABLE')
    expect(nobody.line).toBe(
      `The broker redis://:***@127.0.0.1:${port}/0 cannot be reached. Nothing listens there. Check host and port of the broker URL, and that the server runs.`,
    )
    expect((await refusal(brokerAt('redis://no-such-host.invalid/0'))).message).toMatch(/host name/)
    expect((await refusal(brokerAt('redis+socket:///nowhere/redis.sock'))).message).toMatch(/no such socket/)
  })

  test('what is no Redis is recognised', async () => {
    const web = createServer(socket => {
      socket.on('error', () => {})
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    })
    await new Promise<void>(resolve => web.listen(0, '127.0.0.1', resolve))
    const address = web.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const error = await refusal(brokerAt(`redis://127.0.0.1:${port}/0`))
    web.close()
    expect(error.message).toMatch(/does not speak Redis/)
    expect(error.code).toBe('BROKER_UNREACHABLE')
  })

  test('a database number the server does not have is refused clearly', async () => {
    const server = await start()
    const error = await refusal(brokerAt(server.url.replace(/0$/, '99')))
    expect(error).toMatchObject({
      code: 'BROKER_REFUSED',
      message: expect.stringContaining('no database 99') as string,
    })
  })

  test('an hour without a server is one report', async () => {
    const broker = brokerAt(`redis://127.0.0.1:${await freePort()}/0`)
    const heard = recorder()
    broker.start(heard)
    await eventually(() => broker.state.state === 'connecting' && broker.state.attempt >= 4)
    expect(heard.states).toHaveLength(2)
    await broker.stop()
  })

  test('a user without rights to subscribe is told what to allow', async () => {
    const server = await start()
    await command(server.url, 'ACL', 'SETUSER', 'weak', 'on', '>pw', '~*', '+@all', '-psubscribe')
    const error = await refusal(brokerAt(`redis://weak:pw@127.0.0.1:${server.port}/0`))
    expect(error.code).toBe('BROKER_REFUSED')
    expect(error.line).toMatch(/psubscribe.*docs\/redis\.md/)
  })

  test('no connection is left after stop, whenever it is called', async () => {
    const server = await start()
    for (const delayMs of [0, 1, 5, 30, 100]) {
      const broker = brokerAt(server.url)
      broker.start(recorder())
      await new Promise(resolve => setTimeout(resolve, delayMs))
      await broker.stop()
    }
    await expect
      .poll(
        async () =>
          String(await command(server.url, 'CLIENT', 'LIST'))
            .trim()
            .split('\n').length,
        { timeout: 10_000 },
      )
      .toBe(1)
  })
})
