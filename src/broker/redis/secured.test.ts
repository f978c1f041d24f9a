import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@redis/client'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type CeleriacError, silentLog } from '../../base/index.ts'
import { freePort } from '../../../test/servers/child.ts'
import { type RedisServer, startRedis } from '../../../test/servers/redis.ts'
import { eventually, realClock, recorder } from '../suite/stage.case.ts'
import { createBroker, createFleetLink } from '../create.ts'

const folder = mkdtempSync(join(tmpdir(), 'celeriac-secured-'))
const file = (name: string): string => join(folder, name)
const servers: RedisServer[] = []
const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})
afterAll(async () => {
  for (const server of servers) await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function started(...options: Parameters<typeof startRedis>): Promise<RedisServer> {
  const server = await startRedis(...options)
  servers.push(server)
  return server
}

function openssl(...args: string[]): void {
  const made = spawnSync('openssl', args)
  if (made.status !== 0) throw new Error(`openssl: ${String(made.stderr)}`)
}

/** `NAME.pem` and `NAME.key`, signed by `ca`; `subject` is a subjectAltName. */
function certificate(name: string, subject: string): void {
  const [key, request, extensions] = [file(`${name}.key`), file(`${name}.csr`), file(`${name}.ext`)]
  openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`, '-keyout', key, '-out', request)
  writeFileSync(extensions, `subjectAltName=${subject}\n`)
  const ca = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial']
  openssl(
    'x509',
    '-req',
    '-days',
    '1',
    '-in',
    request,
    ...ca,
    '-extfile',
    extensions,
    '-out',
    file(`${name}.pem`),
  )
}

beforeAll(() => {
  const ca = ['-keyout', file('ca.key'), '-out', file('ca.pem')]
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=ca', ...ca)
  certificate('server', 'DNS:localhost,IP:127.0.0.1')
  certificate('elsewhere', 'DNS:redis.example')
  certificate('client', 'DNS:monitor')
})

const tlsLines = (name: string, clients: 'yes' | 'no'): string[] => [
  `tls-cert-file ${file(`${name}.pem`)}`,
  `tls-key-file ${file(`${name}.key`)}`,
  `tls-ca-cert-file ${file('ca.pem')}`,
  `tls-auth-clients ${clients}`,
]

/** A server that also speaks TLS, and that port. */
async function startTls(
  name: string,
  clients: 'yes' | 'no',
  more: readonly string[] = [],
): Promise<{ readonly server: RedisServer; readonly port: number }> {
  const port = await freePort()
  const server = await started({ args: [`tls-port ${port}`, ...tlsLines(name, clients), ...more] })
  return { server, port }
}

function watching(url: string, transportOptions: Record<string, unknown> = {}) {
  const options = { url, transportOptions, clock: realClock, log: silentLog }
  const broker = createBroker({ name: 'default', ...options })
  cleanups.push(() => broker.stop())
  const heard = recorder()
  broker.start(heard)
  const link = createFleetLink(options)
  cleanups.push(() => link.close())
  return { broker, heard, link }
}

async function administrator(server: RedisServer) {
  const client = createClient({ url: server.url })
  client.on('error', () => {})
  await client.connect()
  cleanups.push(async () => client.destroy())
  return client
}

/** Connected, and events come through. */
async function works(url: string, transportOptions?: Record<string, unknown>): Promise<void> {
  const { broker, heard, link } = watching(url, transportOptions)
  await broker.ready(10_000)
  await link.connect()
  await link.publishEvents({ hostname: 'w@h', type: 'task-started', uuid: 'x', timestamp: 1, clock: 1 })
  await eventually(() => heard.uuids().includes('x'))
}

async function refusal(url: string, timeoutMs = 2_500): Promise<CeleriacError> {
  const { broker } = watching(url)
  return broker.ready(timeoutMs).then(
    () => {
      throw new Error(`${url}: it connected`)
    },
    (error: unknown) => error as CeleriacError,
  )
}

describe('TLS', () => {
  let server: RedisServer
  let port: number
  beforeAll(async () => {
    ;({ server, port } = await startTls('server', 'no'))
  })

  test.each(['ssl_ca_certs=CA', 'ssl_cert_reqs=required&ssl_ca_certs=CA', 'ssl_cert_reqs=none'])(
    '%s connects, by name and by address',
    async query => {
      for (const host of ['127.0.0.1', 'localhost'])
        await works(`rediss://${host}:${port}/0?${query.replace('CA', file('ca.pem'))}`)
      // As kombu does, whatever the scheme says.
      await works(`redis://127.0.0.1:${port}/0?${query.replace('CA', file('ca.pem'))}`)
    },
  )

  test('a certificate nobody vouches for, TLS on a plain port, plain on a TLS port, a missing file: each is named', async () => {
    expect((await refusal(`rediss://127.0.0.1:${port}/0`)).line).toMatch(/do not agree on TLS.*ssl_ca_certs/)
    expect((await refusal(`rediss://127.0.0.1:${server.port}/0`, 6_000)).line).toMatch(/in time.*Without TLS/)
    expect((await refusal(`redis://127.0.0.1:${port}/0`)).line).toMatch(/wants TLS \(rediss:\/\/\)/)
    expect(await refusal(`rediss://127.0.0.1:${port}/0?ssl_ca_certs=/nowhere/ca.pem`)).toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining('/nowhere/ca.pem') as string,
    })
  })

  test('a server that wants a certificate gets ours, and says so when there is none', async () => {
    const strict = await startTls('server', 'yes')
    const ca = `ssl_ca_certs=${file('ca.pem')}`
    const ours = `ssl_certfile=${file('client.pem')}&ssl_keyfile=${file('client.key')}`
    await works(`rediss://127.0.0.1:${strict.port}/0?${ca}&${ours}`)
    const without = await refusal(`rediss://127.0.0.1:${strict.port}/0?${ca}`)
    expect(without.line).toMatch(/(do not agree on TLS|closes the connection at once).*ssl_certfile/)
  })

  test('a certificate made for another host is refused, unless ssl_check_hostname is false', async () => {
    const other = await startTls('elsewhere', 'no')
    const url = `rediss://127.0.0.1:${other.port}/0?ssl_ca_certs=${file('ca.pem')}`
    const wrong = await refusal(url)
    expect(wrong.line).toMatch(/do not agree on TLS \(ERR_TLS_CERT_ALTNAME_INVALID\)/)
    expect(wrong.line).toMatch(/ssl_check_hostname/)
    await works(`${url}&ssl_check_hostname=false`)
    expect((await refusal(`rediss://127.0.0.1:${other.port}/0?ssl_check_hostname=false`)).line).toMatch(
      /do not agree on TLS/,
    )
  })

  test('sentinels over TLS lead to a master over TLS', async () => {
    const master = await startTls('server', 'yes')
    const sentinelPort = await freePort()
    await started({
      sentinel: true,
      args: [
        `tls-port ${sentinelPort}`,
        'tls-replication yes',
        ...tlsLines('server', 'yes'),
        `sentinel monitor mymaster 127.0.0.1 ${master.port} 1`,
      ],
    })
    const tls = {
      ssl_ca_certs: file('ca.pem'),
      ssl_certfile: file('client.pem'),
      ssl_keyfile: file('client.key'),
    }
    const query = Object.entries(tls)
      .map(pair => pair.join('='))
      .join('&')
    const url = `sentinel://127.0.0.1:${sentinelPort}/0?${query}`
    await works(url, { master_name: 'mymaster', sentinel_kwargs: { ssl: true, ...tls } })
  })
})

describe('users', () => {
  const documented = /^ACL SETUSER celeriac on >password ~\* &\* (.*)$/m.exec(
    readFileSync(new URL('../../../docs/redis.md', import.meta.url), 'utf8'),
  )?.[1]

  test('a user with the rights that the documentation names can do everything', async () => {
    const server = await started()
    const admin = await administrator(server)
    const rights = documented?.split(' ') ?? []
    await admin.sendCommand(['ACL', 'SETUSER', 'monitor', 'on', '>p/w@1', '~*', '&*', ...rights])
    await admin.lPush('celeryev.1', 'x')
    const url = `redis://monitor:${encodeURIComponent('p/w@1')}@127.0.0.1:${server.port}/0`
    const { broker, heard } = watching(url)
    await broker.ready(10_000)
    const { link } = watching(server.url)
    await link.connect()
    await link.declareQueue('q')
    await link.onControl(request => void link.reply(request, 'w@h', 'pong'))
    await link.publishEvents({ hostname: 'w@h', type: 'task-started', uuid: 'x', timestamp: 1, clock: 1 })
    await eventually(() => heard.uuids().includes('x'))
    expect(await broker.discoverQueues()).toEqual(['q'])
    expect(await broker.readQueues(['q'])).toMatchObject([{ depth: 0, unacked: 0 }])
    expect(await broker.readServer()).toMatchObject({ unacked: 0, alarms: [], maxClients: 10_000 })
    expect((await broker.readControlKeys())?.find(row => row.kind === 'event' && row.orphan)?.keys).toBe(1)
    expect(await broker.listenElsewhere(100)).toEqual([])
    const answers = await broker.control({ method: 'ping', destination: ['w@h'] }, { timeoutMs: 20_000 })
    expect(answers).toEqual([{ node: 'w@h', ok: true, value: 'pong' }])
    const clients = await admin.sendCommand<string>(['CLIENT', 'LIST'])
    expect(clients).toMatch(/name=celeriac .*user=monitor/)
    expect(clients).toMatch(/name=celeriac-events .*user=monitor/)
    const log = (await admin.sendCommand(['ACL', 'LOG'])) as unknown[]
    expect(log).toEqual([])
  })

  test('a user who may not name a connection connects all the same', async () => {
    const server = await started()
    const admin = await administrator(server)
    await admin.sendCommand(['ACL', 'SETUSER', 'nameless', 'on', '>pw', '~*', '&*', '+@all', '-client'])
    await works(`redis://nameless:pw@127.0.0.1:${server.port}/0`)
  })

  test('a user whose channels are limited hears them, and cannot listen elsewhere', async () => {
    const server = await started()
    const admin = await administrator(server)
    const channels = ['&/0.celeryev/*', '&/0.celery.pidbox']
    await admin.sendCommand(['ACL', 'SETUSER', 'narrow', 'on', '>pw', '~*', ...channels, '+@all'])
    const url = `redis://narrow:pw@127.0.0.1:${server.port}/0`
    await works(url)
    const { broker } = watching(url)
    await broker.ready(10_000)
    expect(await broker.listenElsewhere(100)).toBeNull()
  })
})
