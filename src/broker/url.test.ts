import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CeleriacError, silentLog } from '../base/index.ts'
import { realClock } from './suite/stage.case.ts'
import { createBroker } from './create.ts'
import { MemoryServer } from './memory/server.ts'
import { type AmqpTarget, parseBrokerUrl, type RedisTarget } from './url.ts'

function redis(url: string): RedisTarget {
  const target = parseBrokerUrl(url)
  if (target.transport !== 'redis') throw new Error(url)
  return target
}

const brief = (url: string): unknown => {
  const { at, username, password, database, tls } = redis(url)
  return [
    at.kind === 'tcp'
      ? `${at.host}:${at.port}`
      : at.kind === 'socket'
        ? at.path
        : at.sentinels.map(({ host, port }) => `${host}:${port}`).join(),
    username,
    password?.reveal(),
    database,
    tls !== undefined,
  ]
}

function failure(url: string): CeleriacError {
  try {
    parseBrokerUrl(url)
  } catch (error) {
    if (error instanceof CeleriacError) return error
    throw error
  }
  throw new Error(`accepted: ${url}`)
}

test.each([
  ['redis://', ['localhost:6379', undefined, undefined, 0, false]],
  ['redis://localhost', ['localhost:6379', undefined, undefined, 0, false]],
  ['redis://redis.prod:6380/3', ['redis.prod:6380', undefined, undefined, 3, false]],
  ['REDIS://h/', ['h:6379', undefined, undefined, 0, false]],
  ['redis://:secret@h:1/0', ['h:1', undefined, 'secret', 0, false]],
  ['redis://user:secret@h', ['h:6379', 'user', 'secret', 0, false]],
  ['redis://us%40er:se%2Fcret%25@h', ['h:6379', 'us@er', 'se/cret%', 0, false]],
  ['redis://:p/w@#x@h:7/2', ['h:7', undefined, 'p/w@#x', 2, false]],
  ['redis://:100%@h', ['h:6379', undefined, '100%', 0, false]],
  ['redis://:a?b=c@h:7/2', ['h:7', undefined, 'a?b=c', 2, false]],
  ['redis://:a:b@h', ['h:6379', undefined, 'a:b', 0, false]],
  ['redis://[::1]:6390/1', ['::1:6390', undefined, undefined, 1, false]],
  ['redis://h?db=4', ['h:6379', undefined, undefined, 4, false]],
  ['rediss://:s@h:6379/0?ssl_cert_reqs=none', ['h:6379', undefined, 's', 0, true]],
  ['redis+socket:///tmp/redis.sock', ['/tmp/redis.sock', undefined, undefined, 0, false]],
  ['redis+socket:///tmp/redis.sock?virtual_host=5', ['/tmp/redis.sock', undefined, undefined, 5, false]],
  ['redis+socket://:pw@/tmp/redis.sock?virtual_host=/5', ['/tmp/redis.sock', undefined, 'pw', 5, false]],
])('%s is understood', (url, expected) => {
  expect(brief(url)).toEqual(expected)
})

function amqp(url: string): AmqpTarget {
  const target = parseBrokerUrl(url)
  if (target.transport !== 'amqp') throw new Error(url)
  return target
}

test.each([
  ['amqp://', ['localhost:5672', 'guest', 'guest', '/', false]],
  ['amqp://h', ['h:5672', 'guest', 'guest', '/', false]],
  ['pyamqp://h/', ['h:5672', 'guest', 'guest', '/', false]],
  ['amqp://h//', ['h:5672', 'guest', 'guest', '/', false]],
  ['amqp://h/%2F', ['h:5672', 'guest', 'guest', '/', false]],
  ['amqp://h/foo', ['h:5672', 'guest', 'guest', 'foo', false]],
  ['amqp://h//foo', ['h:5672', 'guest', 'guest', '/foo', false]],
  ['amqp://h/foo%2Fbar%20baz', ['h:5672', 'guest', 'guest', 'foo/bar baz', false]],
  ['AMQP://bob@h:1234/v', ['h:1234', 'bob', 'guest', 'v', false]],
  ['amqp://bob:p/w@#x@h/v', ['h:5672', 'bob', 'p/w@#x', 'v', false]],
  ['amqp://b%40b:se%2Fcret%25@h/v', ['h:5672', 'b@b', 'se/cret%', 'v', false]],
  ['amqp://bob:100%@[::1]:5673//', ['::1:5673', 'bob', '100%', '/', false]],
  ['amqps://h', ['h:5671', 'guest', 'guest', '/', true]],
])('%s is understood', (url, expected) => {
  const { host, port, username, password, vhost, tls } = amqp(url)
  expect([`${host}:${port}`, username, password.reveal(), vhost, tls !== undefined]).toEqual(expected)
})

test('RabbitMQ takes the TLS files and the heartbeat that a URL names', () => {
  const files = 'ssl_ca_certs=/ca.pem&ssl_certfile=/c.pem&ssl_keyfile=/k.pem&ssl_cert_reqs=none'
  const target = amqp(`amqps://u:s3cret@h//?${files}&heartbeat=30`)
  expect(target.tls).toEqual({
    verify: false,
    checkHostname: true,
    caFile: '/ca.pem',
    certFile: '/c.pem',
    keyFile: '/k.pem',
  })
  expect(target.heartbeatSeconds).toBe(30)
  expect(target.address).not.toContain('s3cret')
  expect(amqp('amqp://h?heartbeat=0').heartbeatSeconds).toBe(0)
  expect(amqp('amqp://h').heartbeatSeconds).toBe(10)
})

test('TLS asked for beside the URL moves the default port of RabbitMQ and no other', () => {
  expect(parseBrokerUrl('amqp://h', true)).toMatchObject({ port: 5671 })
  expect(parseBrokerUrl('amqp://h:5672', true)).toMatchObject({ port: 5672 })
  expect(parseBrokerUrl('redis://h', true)).toMatchObject({ at: { port: 6379 } })
})

test.each([
  ['sentinel://h', ['h:26379', undefined, undefined, 0, false]],
  ['sentinel://h1:26379;sentinel://h2:26380/0', ['h1:26379,h2:26380', undefined, undefined, 0, false]],
  [
    'sentinel://u:p%40w@h1:1/2;sentinel://h2:2/2;sentinel://[::1]:3',
    ['h1:1,h2:2,::1:3', 'u', 'p@w', 2, false],
  ],
  ['sentinel://h1;sentinel://:pw@h2/0?ssl_cert_reqs=none', ['h1:26379,h2:26379', undefined, 'pw', 0, true]],
  ['redis://h?ssl_ca_certs=/ca.pem', ['h:6379', undefined, undefined, 0, true]],
])('%s is understood as kombu does', (url, expected) => {
  expect(brief(url)).toEqual(expected)
})

test('the address of sentinels names them all, and no password', () => {
  expect(redis('sentinel://:pw@h1;sentinel://:p;w@h2/0?ssl_keyfile=/k').address).toBe(
    'sentinel://:***@h1;sentinel://:***@h2/0?ssl_keyfile=***',
  )
})

test('certificates are checked unless the URL says otherwise', () => {
  expect(redis('rediss://h').tls?.verify).toBe(true)
  expect(redis('rediss://h?ssl_cert_reqs=CERT_REQUIRED&ssl_ca_certs=/etc/ca.pem').tls).toEqual({
    verify: true,
    checkHostname: true,
    caFile: '/etc/ca.pem',
    certFile: undefined,
    keyFile: undefined,
  })
  expect(redis('rediss://h?ssl_cert_reqs=CERT_NONE').tls?.verify).toBe(false)
  expect(redis('rediss://h?ssl_check_hostname=False').tls).toMatchObject({
    verify: true,
    checkHostname: false,
  })
})

test.each([
  ['localhost:6379', /must begin with a scheme/],
  ['', /must begin with a scheme/],
  ['sentinel://:s3cret@h:26379;redis://:s3cret@g', /mixes sentinels/],
  ['sentinel://:s3cret@h:26379;g:26379', /each sentinel needs its scheme/],
  ['sentinel://:s3cret@h;sentinel://g/2', /different databases/],
  ['sentinel://:s3cret@h/1;sentinel://g/2', /different databases/],
  ['sentinel://:s3cret@h/x', /database must be a number/],
  ['rediss://:s3cret@h?ssl_check_hostname=maybe', /ssl_check_hostname/],
  ['gopher://:s3cret@h', /scheme "gopher" is not known/],
  ['redis://:s3cret@h:abc', /port is not a number/],
  ['redis://:s3cret@h:70000', /port must be between/],
  ['redis://:s3cret@h/zero', /database must be a number/],
  ['redis://:s3cret@h?colour=blue', /parameter "colour" is not known/],
  ['redis://:s3cret@a;redis://:s3cret@b', /several brokers/],
  ['redis+socket://', /names no socket/],
  ['amqp://:s3cret@h:amqp//', /port is not a number/],
  ['amqp://u:s3cret@a;amqp://u:s3cret@b', /several brokers/],
  ['amqp://u:s3cret@a;b', /several brokers/],
  ['amqp://u:s3cret@h//?colour=blue', /parameter "colour" is not known/],
  ['amqp://u:s3cret@h//?heartbeat=often', /heartbeat must be a number/],
  ['amqps://u:s3cret@h//?ssl_cert_reqs=perhaps', /ssl_cert_reqs/],
  ['rediss://:s3cret@h?ssl_cert_reqs=perhaps', /ssl_cert_reqs/],
])('%s is refused with a reason, and without its password', (url, reason) => {
  const error = failure(url)
  expect(error.code).toBe('BROKER_URL_INVALID')
  expect(error.message).toMatch(reason)
  expect(error.hint).toMatch(/\S/)
  expect(error.line).not.toContain('s3cret')
  expect(error.line).not.toContain('\n')
})

test('an unknown scheme lists the known ones', () => {
  expect(failure('sqs://x').hint).toBe(
    'Supported: redis://, rediss://, redis+socket://, sentinel://, amqp://, amqps://, pyamqp://, memory://.',
  )
})

test('any password comes through percent-encoded, and none is ever in the address', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), fc.nat(15), (password, database) => {
      const target = redis(`redis://:${encodeURIComponent(password)}@h:1/${database}`)
      expect(target.password?.reveal()).toBe(password)
      expect(target.database).toBe(database)
      expect(target.address).toBe(`redis://:***@h:1/${database}`)
      const rabbit = amqp(`amqp://u:${encodeURIComponent(password)}@h:1/${database}`)
      expect(rabbit.password.reveal()).toBe(password)
      expect(rabbit.vhost).toBe(String(database))
      expect(rabbit.address).toBe(`amqp://u:***@h:1/${database}`)
    }),
  )
})

test('any text is either a target or a clear error', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map(text => `redis://${text}`),
        fc.string().map(text => `amqps://${text}`),
      ),
      text => {
        let outcome: unknown
        try {
          outcome = parseBrokerUrl(text).transport
        } catch (error) {
          outcome = error
        }
        expect(
          outcome instanceof CeleriacError || ['redis', 'amqp', 'memory'].includes(String(outcome)),
        ).toBe(true)
      },
    ),
    { numRuns: 500 },
  )
})

test('memory:// needs a server in the process', () => {
  const options = { name: 'demo', url: 'memory://', clock: realClock, log: silentLog }
  expect(() => createBroker(options)).toThrow(/inside one process/)
  expect(createBroker({ ...options, memoryServer: new MemoryServer() }).transport).toBe('memory')
  expect(createBroker({ ...options, url: 'redis://h' }).address).toBe('redis://h')
})
