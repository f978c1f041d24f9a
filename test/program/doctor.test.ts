/** `celeriac doctor` against a real Prometheus that scrapes a real Celeriac, a real Alertmanager, and Grafana's API on loopback. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dashboards } from '../../src/catalog/index.ts'
import type { World } from '../../src/cli/command.ts'
import { run } from '../../src/cli/run.ts'
import { emitPrometheus } from '../../src/emit/index.ts'
import { type PrometheusServer, startPrometheus } from '../conformance/promql-prometheus.ts'
import { type AlertmanagerServer, startAlertmanager } from '../servers/alertmanager.ts'
import { freePort } from '../servers/child.ts'

interface Check {
  readonly area: string
  readonly name: string
  readonly level: string
  readonly title: string
}
interface Report {
  readonly ok: boolean
  readonly places: readonly {
    readonly kind: string
    readonly error: string | null
    readonly checks: readonly Check[]
  }[]
}

const WAIT_MS = 90_000
let endDemo: () => void
let demo: Promise<number>
let celeriac: string
let alertmanager: AlertmanagerServer
let prometheus: PrometheusServer

function world(
  write: (text: string) => void,
  env: Record<string, string> = {},
  untilStopped: World['untilStopped'] = () => Promise.resolve('SIGTERM'),
): World {
  const sink = (): Writable =>
    new Writable({
      decodeStrings: false,
      write(chunk: string, _encoding, done) {
        write(chunk)
        done()
      },
    })
  return { env, folder: import.meta.dirname, stdout: sink(), stderr: sink(), untilStopped }
}

async function doctor(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; text: string }> {
  let text = ''
  const code = await run(
    ['doctor', ...args],
    world(chunk => (text += chunk), env),
  )
  return { code, text }
}

const report = async (args: readonly string[], env: Record<string, string> = {}): Promise<Report> =>
  JSON.parse((await doctor([...args, '--json'], env)).text) as Report

const RECEIVERS = [
  { name: 'slack', webhook_configs: [{ url: 'http://127.0.0.1:1/slack' }] },
  { name: 'pagerduty', webhook_configs: [{ url: 'http://127.0.0.1:1/pagerduty' }] },
  { name: 'nobody' },
]

/** The emitted files, with a scrape every second and our Alertmanager. */
function files(
  address: string,
  change: (name: string, text: string) => string = (_, text) => text,
): Record<string, string> {
  return Object.fromEntries(
    emitPrometheus({ scrape: address, alertmanager: new URL(alertmanager.url).host, intervalMs: 1000 }).map(
      ({ path, content }) => {
        const text =
          path === 'prometheus.yml'
            ? content.replaceAll(/(scrape|evaluation)_interval: \w+/g, '$1_interval: 1s')
            : content
        return [path, change(path, text)]
      },
    ),
  )
}

/** Asks until a condition holds: a scrape and an evaluation take their time. */
async function eventually(args: readonly string[], holds: (of: Report) => boolean): Promise<Report> {
  const deadline = Date.now() + WAIT_MS
  for (;;) {
    const now = await report(args)
    if (holds(now)) return now
    if (Date.now() > deadline)
      throw new Error(
        `never as it should be: ${JSON.stringify(
          now.places.map(place => ({ ...place, checks: place.checks.filter(({ level }) => level !== 'ok') })),
          null,
          1,
        ).slice(0, 4000)}`,
      )
    await sleep(300)
  }
}

const levels = (of: Report, area: string, level: string): readonly Check[] =>
  of.places.flatMap(({ checks }) => checks.filter(check => check.area === area && check.level === level))

beforeAll(async () => {
  alertmanager = await startAlertmanager({
    route: {
      receiver: 'slack',
      routes: [
        { matchers: ['severity="critical"'], receiver: 'pagerduty', continue: true },
        { matchers: ['severity="critical"'], receiver: 'slack' },
        { matchers: ['severity="info"'], receiver: 'nobody' },
      ],
    },
    receivers: RECEIVERS,
  })
  let text = ''
  const stopped = new Promise<NodeJS.Signals>(resolve => (endDemo = () => resolve('SIGTERM')))
  demo = run(
    ['demo', '--listen', '127.0.0.1:0', '--log-level', 'error'],
    world(
      chunk => (text += chunk),
      {},
      () => stopped,
    ),
  )
  let ended: number | undefined
  void demo.then(code => (ended = code))
  while (!/^http:\S+$/m.test(text)) {
    if (ended !== undefined) throw new Error(`the demo did not start: ${text}`)
    await sleep(50)
  }
  celeriac = new URL(/^http:\S+$/m.exec(text)?.[0] ?? '').host
  prometheus = await startPrometheus(files(celeriac))
}, WAIT_MS)
afterAll(async () => {
  endDemo()
  // What did not start need not be stopped.
  const started: readonly ({ stop(): Promise<void> } | undefined)[] = [prometheus, alertmanager]
  await Promise.all([demo, ...started.map(server => server?.stop())])
})

test('when all is loaded it says so, and ends with 0', async () => {
  const args = ['--prometheus', prometheus.url, '--alertmanager', alertmanager.url]
  const all = await eventually(
    args,
    of => of.ok && levels(of, 'rules', 'info').length === 0 && levels(of, 'scrapes', 'ok').length === 1,
  )
  expect(levels(all, 'rules', 'ok').length).toBeGreaterThan(20)
  expect(levels(all, 'scrapes', 'ok')).toHaveLength(1)
  expect(levels(all, 'alertmanagers', 'ok')[0]?.title).toContain(new URL(alertmanager.url).host)
  expect(levels(all, 'routes', 'ok').find(({ name }) => name === 'CeleryNoWorkers')?.title).toBe(
    'CeleryNoWorkers (critical) goes to pagerduty (webhook) and slack (webhook).',
  )
  expect(levels(all, 'routes', 'info').map(({ name }) => name)).toEqual(['CeleriacWatchdog'])
  const people = await doctor(args)
  expect(people.code).toBe(0)
  expect(people.text).toMatch(
    /^Prometheus http:.*\n {2}.*\n[^]*\nAlertmanager http:[^]*\n0 wrong, 0 missing, \d+ ok\.\n$/,
  )
})

test('a changed limit, a missing rule, a failing rule and a dead target are told, each with what to do', async () => {
  await prometheus.reload(
    files(celeriac, (name, text) => {
      if (name === 'celery-alerts.rules.yml')
        return text
          .replace('(celery_queue_depth) > 100', '(celery_queue_depth) > 4321')
          .replace('alert: CeleryLowRedundancy', 'alert: SomethingElse')
          .replace(/for: 1m\n/, 'for: 7m\n')
      return name === 'prometheus.yml'
        ? text.replace(new RegExp(`(\\s*)- ${celeriac}\\n`), '$&$1- 127.0.0.1:1\n')
        : text
    }),
  )
  const now = await eventually(
    ['--prometheus', prometheus.url],
    of => levels(of, 'scrapes', 'wrong').length > 0,
  )
  expect(levels(now, 'rules', 'missing').map(({ name }) => name)).toEqual(['CeleryLowRedundancy'])
  const wrong = new Map(levels(now, 'rules', 'wrong').map(({ name, title }) => [name, title]))
  expect(wrong.get('CeleryQueueDepthHigh')).toContain('the limit is 4321 there, 100 here')
  expect(wrong.get('CeleryNoWorkers')).toContain('for is 7m there, 1m here')
  expect(levels(now, 'scrapes', 'wrong')[0]?.title).toMatch(
    /127\.0\.0\.1:1\/metrics is a target and cannot be scraped: .*refused/,
  )
  expect(levels(now, 'scrapes', 'ok')).toHaveLength(1)
  const { code, text } = await doctor(['--prometheus', prometheus.url])
  expect(code).toBe(1)
  expect(text).toMatch(
    /missing +Alert CeleryLowRedundancy is not loaded\.\n +Fix: {2}Load the rules: celeriac emit prometheus/,
  )
})

test('limits of the configuration are what is expected', async () => {
  await prometheus.reload(files(celeriac))
  const now = await eventually(
    ['--prometheus', prometheus.url, '--config', 'doctor.config.yaml'],
    of => levels(of, 'rules', 'info').length === 0 && levels(of, 'scrapes', 'ok').length === 1,
  )
  expect(levels(now, 'rules', 'wrong').map(({ title }) => title)).toEqual([
    expect.stringContaining('the limit is 100 there, 500 here'),
  ])
})

test('a Prometheus that knows nothing of us is told in one go', async () => {
  const other = await startPrometheus()
  try {
    const now = await report(['--prometheus', other.url])
    expect(levels(now, 'scrapes', 'missing')).toHaveLength(1)
    expect(levels(now, 'alertmanagers', 'wrong')).toHaveLength(1)
    expect(levels(now, 'rules', 'ok')).toEqual([])
    expect(now.ok).toBe(false)
  } finally {
    await other.stop()
  }
})

test('an Alertmanager in which critical alerts reach nobody is wrong', async () => {
  const other = await startAlertmanager({
    route: { receiver: 'slack', routes: [{ matchers: ['severity="critical"'], receiver: 'nobody' }] },
    receivers: RECEIVERS,
  })
  try {
    const now = await report(['--alertmanager', other.url])
    expect(levels(now, 'routes', 'wrong').map(({ name }) => name)).toContain('CeleryNoWorkers')
    expect(levels(now, 'routes', 'ok').map(({ name }) => name)).toContain('CeleryQueueDepthHigh')
  } finally {
    await other.stop()
  }
})

test("Grafana's dashboards are asked for with a token, which is never printed", async () => {
  const seen: IncomingMessage['headers'][] = []
  const [first, second, ...rest] = dashboards
  const server: Server = createServer((request, response) => {
    seen.push(request.headers)
    const isIn = request.headers.authorization === 'Bearer t0ps3cret'
    response.writeHead(isIn ? 200 : 401, { 'content-type': 'application/json' })
    response.end(
      isIn && request.url?.startsWith('/grafana/api/search?') === true
        ? JSON.stringify([
            { uid: first?.slug, title: first?.title, type: 'dash-db', folderTitle: 'Celery' },
            { uid: 'copy', title: second?.title, type: 'dash-db' },
          ])
        : '{"message":"Unauthorized"}',
    )
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/grafana/`
  try {
    const now = await report(['--grafana', url], { CELERIAC_GRAFANA_TOKEN: 't0ps3cret' })
    expect(levels(now, 'dashboards', 'ok').map(({ name }) => name)).toEqual([first?.slug])
    expect(levels(now, 'dashboards', 'wrong').map(({ name }) => name)).toEqual([second?.slug])
    expect(levels(now, 'dashboards', 'missing').map(({ name }) => name)).toEqual(rest.map(({ slug }) => slug))
    const refused = await doctor(['--grafana', url.replace('//', '//admin:hunter2@')])
    expect(refused.code).toBe(1)
    expect(refused.text).toMatch(/refuses us \(401\)\. Give a token: CELERIAC_GRAFANA_TOKEN/)
    expect(refused.text).not.toContain('hunter2')
    expect(seen.at(-1)?.authorization).toBe(`Basic ${Buffer.from('admin:hunter2').toString('base64')}`)
  } finally {
    server.close()
  }
})

test('what does not answer, or is something else, is one clear line', async () => {
  const dead = await doctor(['--prometheus', `http://user:hunter2@127.0.0.1:${await freePort()}`])
  expect(dead.code).toBe(1)
  expect(dead.text).toMatch(/Nothing answers at http:\/\/127\.0\.0\.1:\d+: ECONNREFUSED\./)
  expect(dead.text).not.toContain('hunter2')
  const other = await doctor(['--alertmanager', prometheus.url])
  expect(other.text).toMatch(/answered 404\. Is it a alertmanager\?|Is it/)
  expect(other.code).toBe(1)
})

test.each([
  [[], /No server is named\. Give --prometheus/],
  [['--prometheus', 'prometheus:9090'], /--prometheus: expected a URL that begins with http/],
])('used wrongly: %j', async (args, message) => {
  const { code, text } = await doctor(args)
  expect(code).toBe(2)
  expect(text).toMatch(message)
})
