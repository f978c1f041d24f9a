import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { memoryLog, Secret, VirtualClock } from '../base/index.ts'
import { createExpositionParser } from '../metrics/index.ts'
import { createHostFiles } from './files.ts'
import { HostTree } from './host-tree.case.ts'
import { createHost, type Host, type ScrapeOptions } from './index.ts'
import { ScrapeTarget } from './target.ts'

const MIB = 1024 ** 2
const text = (cpuSeconds: number): string =>
  [
    `container_cpu_usage_seconds_total{name="w1",id="/docker/x",image="i"} ${cpuSeconds}`,
    'container_spec_cpu_period{name="w1",id="/docker/x",image="i"} 100000',
    'container_spec_cpu_quota{name="w1",id="/docker/x",image="i"} 100000',
    `container_memory_working_set_bytes{name="w1",id="/docker/x",image="i"} ${30 * MIB}`,
    `container_spec_memory_limit_bytes{name="w1",id="/docker/x",image="i"} ${40 * MIB}`,
    '',
  ].join('\n')

type Answer = (request: http.IncomingMessage, response: http.ServerResponse) => void
let answer: Answer
let server: http.Server
let url: string
let folder: string

const never = new AbortController().signal
const listening = async (given: http.Server | https.Server): Promise<number> => {
  await new Promise<void>(resolve => given.listen(0, '127.0.0.1', resolve))
  return (given.address() as AddressInfo).port
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'celeriac-scrape-'))
  server = http.createServer((request, response) => answer(request, response))
  url = `http://127.0.0.1:${await listening(server)}/metrics`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

const plain =
  (body: string, headers: http.OutgoingHttpHeaders = {}): Answer =>
  (_request, response) =>
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4', ...headers }).end(body)

const options = (more: Partial<ScrapeOptions> = {}): ScrapeOptions => ({
  name: 'cadvisor',
  url: new Secret(url),
  broker: undefined,
  intervalMs: 10_000,
  timeoutMs: 20_000,
  match: {},
  bearerTokenFile: undefined,
  headers: {},
  tls: undefined,
  ...more,
})

let log: ReturnType<typeof memoryLog>
let clock: VirtualClock
beforeEach(() => {
  log = memoryLog()
  clock = new VirtualClock(1_000_000)
})

const open = (more: Partial<ScrapeOptions> = {}): ScrapeTarget =>
  new ScrapeTarget(options(more), { parser: createExpositionParser, clock, log })

const scraped = async (more: Partial<ScrapeOptions> = {}): Promise<ScrapeTarget> => {
  const target = open(more)
  await target.scrape(never)
  return target
}

test('text is read, gzipped or not, and in pieces of any size', async () => {
  for (const send of [
    plain(text(1)),
    ((_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(text(1)))) as Answer,
    ((_request, response) => {
      for (const byte of Buffer.from(text(1))) response.write(Buffer.of(byte))
      response.end()
    }) as Answer,
  ]) {
    answer = send
    const target = await scraped()
    expect(target.state).toEqual({
      name: 'cadvisor',
      broker: undefined,
      intervalMs: 10_000,
      up: true,
      backSinceMs: null,
      lastSuccessMs: 1_000_000,
      error: null,
    })
    expect(target.containers).toMatchObject([{ label: 'w1', memoryPercent: 75 }])
  }
})

test('what is asked for says which formats and gzip; tokens and headers come along, a token read anew each time', async () => {
  const seen: http.IncomingHttpHeaders[] = []
  answer = (request, response) => {
    seen.push(request.headers)
    response.end(text(1))
  }
  const bearerTokenFile = join(folder, 'token')
  writeFileSync(bearerTokenFile, 'one\n')
  const target = open({ bearerTokenFile, headers: { 'x-scope': new Secret('tenant') } })
  await target.scrape(never)
  writeFileSync(bearerTokenFile, 'two\n')
  await target.scrape(never)
  expect(seen.map(({ authorization }) => authorization)).toEqual(['Bearer one', 'Bearer two'])
  expect(seen[0]).toMatchObject({ 'x-scope': 'tenant', 'accept-encoding': 'gzip', 'user-agent': 'celeriac' })
  expect(seen[0]?.accept).toContain('application/openmetrics-text')
  rmSync(bearerTokenFile)
  await target.scrape(never)
  expect(target.state).toMatchObject({ up: false, error: expect.stringContaining('token file') })
})

test('user and password of a URL are sent and never told', async () => {
  let authorization: string | undefined
  answer = (request, response) => {
    authorization = request.headers.authorization
    response.writeHead(401).end()
  }
  const target = await scraped({ url: new Secret(url.replace('://', '://me:s3cret@')) })
  expect(authorization).toBe(`Basic ${Buffer.from('me:s3cret').toString('base64')}`)
  expect(target.state.error).toBe('it answered HTTP 401')
  expect(JSON.stringify([log.lines, target.state])).not.toContain('s3cret')
})

test('OpenMetrics is read as such, and a text that was cut off is refused', async () => {
  const type = { 'content-type': 'application/openmetrics-text; version=1.0.0; charset=utf-8' }
  answer = plain(`${text(1)}# EOF\n`, type)
  expect((await scraped()).state.up).toBe(true)
  answer = plain(text(1), type)
  expect((await scraped()).state).toMatchObject({ up: false, error: expect.stringContaining('cut off') })
})

test.each<[string, Answer, string]>([
  ['a login page', plain('<html>Sign in</html>'), 'line 1: expected the name of a metric'],
  ['an error', (_request, response) => response.writeHead(503).end('overloaded'), 'it answered HTTP 503'],
  [
    'a redirect',
    (_request, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    'it answered HTTP 302, a redirect, which is not followed',
  ],
  ['another encoding', plain(text(1), { 'content-encoding': 'br' }), 'encoding "br"'],
  ['a broken gzip', plain('no gzip', { 'content-encoding': 'gzip' }), 'Z_DATA_ERROR'],
  [
    'a connection cut off',
    (_request, response) => {
      response.writeHead(200, { 'content-length': 1000 }).write(text(1).slice(0, 300))
      setTimeout(() => response.destroy(), 20)
    },
    'ECONNRESET',
  ],
  [
    'a login page, gzipped',
    (_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('<html>Sign in</html>\n')),
    'line 1: expected the name of a metric',
  ],
  ['a line without end', plain('x'.repeat(3 * MIB)), 'line 1: longer than'],
])('%s is a lost target', async (_case, send, error) => {
  answer = send
  const target = await scraped()
  expect(target.state).toMatchObject({ up: false, lastSuccessMs: null })
  expect(target.state.error).toContain(error)
  expect(target.containers).toEqual([])
})

test('a target that does not answer, or drips, is lost after its time', async () => {
  const kept: http.ServerResponse[] = []
  answer = (_request, response) => void kept.push(response)
  expect((await scraped({ timeoutMs: 100 })).state.error).toBe('no complete answer within 100 ms')
  answer = (_request, response) => {
    const drip = setInterval(() => response.write('# drip\n'), 10)
    response.on('close', () => clearInterval(drip))
  }
  expect((await scraped({ timeoutMs: 200 })).state.error).toBe('no complete answer within 200 ms')
  expect((await scraped({ url: new Secret('http://127.0.0.1:9/') })).state.error).toBe('ECONNREFUSED')
})

test('a small gzip that becomes endless text is given up early', async () => {
  const bomb = gzipSync(Buffer.alloc(80 * MIB, '# nothing\n'))
  answer = (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)
  const target = await scraped({ timeoutMs: 60_000 })
  expect(bomb.length).toBeLessThan(MIB)
  expect(target.state.error).toMatch(/longer than \d+ bytes/)
})

test('a failure is said when it begins and when it ends, and not in between', async () => {
  const target = open()
  answer = plain(text(1))
  await target.scrape(never)
  answer = (_request, response) => response.writeHead(500).end()
  for (let i = 0; i < 3; i++) await target.scrape(never)
  answer = plain(text(2))
  for (let i = 0; i < 2; i++) await target.scrape(never)
  expect(log.lines.map(({ level, fields }) => [level, fields['target']])).toEqual([
    ['warn', 'cadvisor'],
    ['info', 'cadvisor'],
  ])
})

test('stopping in the middle of a scrape is no failure', async () => {
  answer = () => {}
  const stop = new AbortController()
  const target = open()
  const ended = target.scrape(stop.signal)
  await sleep(50)
  stop.abort()
  await ended
  expect(target.state.up).toBeNull()
  expect(log.lines).toEqual([])
})

describe('over TLS', () => {
  let secure: https.Server
  let secureUrl: string
  const ca = (): string => join(folder, 'cert.pem')

  beforeAll(async () => {
    execFileSync(
      'openssl',
      [
        'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=kubelet',
        `-addext subjectAltName=IP:127.0.0.1 -keyout ${join(folder, 'key.pem')} -out ${ca()}`,
      ].flatMap(line => line.split(' ')),
      { stdio: 'pipe' },
    )
    secure = https.createServer(
      { key: readFileSync(join(folder, 'key.pem')), cert: readFileSync(ca()) },
      (request, response) => answer(request, response),
    )
    secureUrl = `https://127.0.0.1:${await listening(secure)}/metrics/cadvisor`
  })
  afterAll(() => {
    secure.closeAllConnections()
    secure.close()
  })

  test('a certificate is checked, by a given authority too, unless told not to', async () => {
    answer = plain(text(1))
    const to = async (tls: ScrapeOptions['tls']): Promise<ScrapeTarget['state']> =>
      (await scraped({ url: new Secret(secureUrl), tls })).state
    expect((await to(undefined)).error).toBe('DEPTH_ZERO_SELF_SIGNED_CERT')
    expect((await to({ ca: ca() })).up).toBe(true)
    expect((await to({ verify: false })).up).toBe(true)
    expect((await to({ ca: join(folder, 'none.pem') })).error).toContain('none.pem cannot be read: ENOENT')
  })
})

describe('a host', () => {
  let tree: HostTree
  let host: Host
  const worker = { broker: 'default', worker: 'celery@w1', pid: 1, pids: [] }
  const series = { broker: 'default', container: 'w1', worker: 'celery@w1' }

  const create = (...given: readonly Partial<ScrapeOptions>[]): Host =>
    createHost({
      clock,
      log,
      scrape: given.map(options),
      parser: createExpositionParser,
      measuresHere: true,
      settleMs: 15_000,
      world: { files: createHostFiles(tree.root), hostname: 'box', uptimeMs: () => clock.now() },
    })
  const round = async (body: string | number): Promise<ReturnType<Host['cycle']>> => {
    answer = typeof body === 'string' ? plain(body) : (_request, response) => response.writeHead(body).end()
    await clock.advance(10_000)
    for (const target of host.targets) await target.scrape(never)
    return host.cycle([worker])
  }

  beforeEach(() => void (tree = new HostTree()))
  afterEach(() => tree.remove())

  test('tells what targets told, until they are lost; then the absence means nothing', async () => {
    host = create({})
    expect(host.source('default').state).toBe('waiting')
    expect(await round(text(10))).toMatchObject([{ ...series, cpuPercent: null, memoryPercent: 75 }])
    expect(await round(text(15))).toMatchObject([{ cpuPercent: 50 }])
    expect(host.source('default')).toEqual({ state: 'ok', lastSuccessMs: clock.now(), detail: null })
    expect(host.isLost(series)).toBe(false)
    for (let i = 0; i < 2; i++) {
      expect(await round(503)).toEqual([])
      expect(host.isLost(series)).toBe(true)
      expect(host.isLost({ ...series, worker: 'celery@w2' })).toBe(false)
      expect(host.source('default')).toMatchObject({
        state: 'blind',
        detail: expect.stringContaining('HTTP 503'),
      })
    }
    expect(await round('# nothing\n')).toEqual([])
    expect(host.source('default').state).toBe('ok')
    // Back, and not yet seen by whoever collects.
    expect(host.isLost(series)).toBe(true)
    for (let i = 0; i < 2; i++) await round('# nothing\n')
    expect(host.isLost(series)).toBe(false)
  })

  test('what is measured here is not asked of a target', async () => {
    tree.process(1, { command: ['celery', 'worker', '-n', 'celery@w1'], cgroup: '0::/\n', pssKib: 1024 })
    host = create({})
    expect(await round(text(10))).toMatchObject([{ container: 'celery:1', memoryBytes: MIB }])
  })

  test('a target of one broker tells nothing of the workers of another', async () => {
    host = create({ broker: 'other' })
    expect(await round(text(10))).toEqual([])
    await round(500)
    expect(host.source('default').state).toBe('waiting')
    expect(host.source('other').state).toBe('blind')
  })

  test('of two targets that tell of one container the first counts, and the second when the first is lost', async () => {
    host = create({ name: 'first' }, { name: 'second' })
    expect(await round(text(10))).toHaveLength(1)
    answer = (_request, response) => response.writeHead(500).end()
    await host.targets[0]?.scrape(never)
    expect(await host.cycle([worker])).toMatchObject([series])
    expect(host.isLost(series)).toBe(false)
  })
})
