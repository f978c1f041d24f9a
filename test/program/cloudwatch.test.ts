/** What is published, and `celeriac cloudwatch diff|apply|delete`, against a server that stands in for AWS: twice applied, there is nothing to do. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { CloudWatchClient, ListMetricsCommand } from '@aws-sdk/client-cloudwatch'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { run } from '../../src/cli/run.ts'
import { type AwsServer, startFakeAws } from '../servers/aws.ts'

const root = join(import.meta.dirname, '..', '..')
const MOTO = join(root, '.cache', 'aws-venv', 'bin', 'moto_server')

const freePort = (): Promise<number> =>
  new Promise(resolve => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })

/** moto (PyPI), started in its own process. */
async function startMoto(): Promise<AwsServer> {
  const port = await freePort()
  const child = spawn(MOTO, ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' })
  const url = `http://127.0.0.1:${port}`
  for (const end = Date.now() + 120_000; ;) {
    const there = await fetch(`${url}/moto-api/`).then(
      response => response.ok,
      () => false,
    )
    if (there) break
    if (Date.now() > end || child.exitCode !== null) throw new Error('moto did not start')
    await new Promise(resolve => {
      setTimeout(resolve, 100)
    })
  }
  return {
    url,
    async stop() {
      const ended = new Promise(resolve => {
        child.once('exit', resolve)
      })
      child.kill()
      await ended
    },
  }
}

beforeAll(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
})
afterAll(() => {
  vi.unstubAllEnvs()
})

const sink = (take: (text: string) => void): Writable =>
  new Writable({
    write(chunk, _, done) {
      take(String(chunk))
      done()
    },
  })

async function cli(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' }
  const stream = (key: 'out' | 'err') => sink(text => (said[key] += text))
  const code = await run(['cloudwatch', ...args], {
    env: {},
    folder: join(root, 'deploy'),
    stdout: stream('out'),
    stderr: stream('err'),
    untilStopped: () => Promise.reject(new Error('not served')),
  })
  return { code, ...said }
}

const BROKERS = 'brokers: [{ name: production, url: redis://redis:6379/0 }]\n'
/** moto knows no composite alarms: none is needed without the alerts that mute others. */
const WITHOUT_COMPOSITES = `${BROKERS}alerts: { CeleryNoWorkers: { enabled: false }, CeleryBrokerDown: { enabled: false } }\n`

const servers = [
  { name: 'a loopback server', start: startFakeAws, isThere: true, yaml: BROKERS },
  // Skipped where moto is not there: python3 -m venv .cache/aws-venv && .cache/aws-venv/bin/pip install 'moto[server,cloudwatch,sns]'
  { name: 'moto', start: startMoto, isThere: existsSync(MOTO), yaml: WITHOUT_COMPOSITES },
]

const folder = mkdtempSync(join(tmpdir(), 'celeriac-cloudwatch-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe.each(servers)('$name', ({ name, start, isThere, yaml }) => {
  const config = join(folder, `${name}.yaml`)
  test.skipIf(!isThere)('is brought to what it should be, once', { timeout: 300_000 }, async () => {
    writeFileSync(config, yaml)
    const server = await start()
    const at = ['--config', config, '--region', 'eu-west-1', '--endpoint-url', server.url]
    const subscribe = [
      '--subscribe',
      'critical=ops@example.com',
      '--subscribe',
      'warning=https://pager.example.com/s3cr3t',
    ]
    try {
      const planned = await cli('diff', ...at, ...subscribe)
      expect([planned.code, planned.err]).toEqual([1, ''])
      expect(planned.out).toContain('create topic celeriac-critical\n')
      expect(planned.out).toContain('create subscription celeriac-warning to pager.example.com\n')
      expect(planned.out).toContain('create alarm celeriac-celery-low-redundancy-production\n')
      expect(planned.out.includes('create composite alarm')).toBe(yaml === BROKERS)
      expect(planned.out).toContain('create dashboard celeriac\n')
      expect(planned.out).not.toContain('s3cr3t')

      const first = await cli('apply', ...at, ...subscribe)
      expect(first).toEqual({ ...planned, code: 0 })
      expect(await cli('apply', ...at, ...subscribe)).toEqual({ code: 0, out: 'nothing to do\n', err: '' })
      expect(await cli('diff', ...at, ...subscribe)).toEqual({ code: 0, out: 'nothing to do\n', err: '' })

      server.changeThreshold?.('celeriac-celery-low-redundancy-production', 99)
      if (server.changeThreshold !== undefined)
        expect(await cli('diff', ...at)).toEqual({
          code: 1,
          out: 'change alarm celeriac-celery-low-redundancy-production (Threshold)\n',
          err: '',
        })

      const gone = await cli('delete', ...at)
      expect([gone.code, gone.err]).toEqual([0, ''])
      expect(
        gone.out
          .split('\n')
          .filter(line => !line.includes('subscription'))
          .toSorted(),
      ).toEqual(
        planned.out
          .replaceAll('create', 'delete')
          .split('\n')
          .filter(line => !line.includes('subscription'))
          .toSorted(),
      )
      expect(await cli('delete', ...at)).toEqual({ code: 0, out: 'nothing to do\n', err: '' })
    } finally {
      await server.stop()
    }
  })
})

describe.each(servers)('published to $name', ({ name, start, isThere }) => {
  test.skipIf(!isThere)(
    'by the running program, every metric can be listed there',
    { timeout: 300_000 },
    async () => {
      const server = await start()
      const config = join(folder, `publish-${name}.yaml`)
      writeFileSync(
        config,
        `listen: 127.0.0.1:0\npublish: { cloudwatch: { namespace: Shop/Celery, region: eu-west-1, endpointUrl: '${server.url}', interval: 10s } }\n`,
      )
      const client = new CloudWatchClient({ region: 'eu-west-1', endpoint: server.url })
      const listed = async (): Promise<readonly string[]> => {
        const { Metrics = [] } = await client.send(new ListMetricsCommand({ Namespace: 'Shop/Celery' }))
        return Metrics.map(
          ({ MetricName = '', Dimensions = [] }) =>
            `${MetricName} by ${Dimensions.map(({ Name }) => Name).join(', ')}`,
        )
      }
      let said = ''
      const code = await run(['demo', '--config', config, '--log-level', 'warn'], {
        env: {},
        folder,
        stdout: sink(() => {}),
        stderr: sink(text => (said += text)),
        async untilStopped() {
          await vi.waitUntil(async () => (await listed()).includes('QueueDepth by Broker, Queue'), {
            timeout: 120_000,
            interval: 500,
          })
          return 'SIGTERM'
        },
      })
      expect([code, said]).toEqual([0, ''])
      const all = await listed()
      for (const each of [
        'WorkerCount by Broker',
        'QueueDepth by Broker',
        'TasksSucceeded by Broker',
        'BrokerUp by Broker',
      ])
        expect(all).toContain(each)
      client.destroy()
      await server.stop()
    },
  )
})

test('an address that nobody can be told at, and an AWS that is not there, are one clear line', async () => {
  expect(await cli('diff', '--subscribe', 'page=me')).toMatchObject({
    code: 2,
    err: expect.stringContaining('--subscribe') as unknown,
  })
  const lost = await cli('diff', '--region', 'eu-west-1', '--endpoint-url', 'http://127.0.0.1:1')
  expect(lost).toMatchObject({ code: 1, out: '' })
  expect(lost.err).toMatch(/^celeriac: AWS did not do what was asked: .*\n$/)
})
