import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MINUTE, SECOND } from '../base/index.ts'
import { type Flags, loadConfig } from './index.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'celeriac-config-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const load = (flags: Flags = {}, env: Record<string, string> = {}) =>
  loadConfig(flags, env, folder, path => readFileSync(path, 'utf8'))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

test('without anything the defaults hold and no broker is set', async () => {
  expect(await load()).toMatchObject({
    brokers: [],
    listen: { host: '127.0.0.1', port: 9808 },
    workerTimeoutMs: 30 * SECOND,
    receivers: [],
    warnings: [],
  })
})

test('a flag wins over a variable, a variable over the file', async () => {
  const config = file('order.yaml', 'listen: 127.0.0.1:1111\nretention: 1h\nworkerTimeout: 10s\n')
  const env = { CELERIAC_LISTEN: '127.0.0.1:2222', CELERIAC_RETENTION: '2h' }
  expect(await load({ config, listen: '127.0.0.1:3333' }, env)).toMatchObject({
    listen: { port: 3333 },
    retentionMs: 120 * MINUTE,
    workerTimeoutMs: 10 * SECOND,
  })
})

test.each([
  ['inspectInterval: 1ms', /inspectInterval: expected at least 1s: every worker answers each time/],
  ['evaluationInterval: 999ms', /evaluationInterval: expected at least 1s/],
  ['workerTimeout: 2s', /workerTimeout: expected at least 5s: workers beat every 2s/],
  ['retention: 1m', /retention: expected at least 1h/],
  ['retention: 0s', /retention: expected at least 1h/],
  ['fleetBytes: 1', /fleetBytes: expected at least 16777216 \(16 MiB\)/],
  ['storeBytes: 1', /storeBytes: expected at least 1048576 \(1 MiB\)/],
  ['host: { interval: 1ms }', /host\.interval: expected at least 1s/],
  ['scrape: [{ url: http://a, interval: 10ms }]', /scrape\[0\]\.interval: expected at least 1s/],
  ['scrape: [{ url: http://a, timeout: 1ms }]', /scrape\[0\]\.timeout: expected at least 100ms/],
  ['notify: { groupInterval: 1ms }', /notify\.groupInterval: expected at least 1s/],
  ['notify: { repeatInterval: 1s }', /notify\.repeatInterval: expected at least 1m/],
  ['celeryExporter: { workerTimeout: 1ms }', /celeryExporter\.workerTimeout: expected at least 1s, or 0s/],
])('%s is refused with the least that does', async (text, message) => {
  await expect(load({ config: file('tiny.yaml', `${text}\n`) })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(message) as unknown,
  })
})

test('flags and variables have the same least', async () => {
  await expect(load({ workerTimeout: '1ms' })).rejects.toThrow('--worker-timeout: expected at least 5s')
  await expect(load({}, { CELERIAC_RETENTION: '1s' })).rejects.toThrow(
    'CELERIAC_RETENTION: expected at least',
  )
  await expect(load({}, { CELERIAC_STORE_BYTES: '5' })).rejects.toThrow('at least 1MiB')
  expect((await load({}, { CELERIAC_STORE_BYTES: '' })).storeBytes).toBe(256 * 1024 * 1024)
})

test('CELERY_BROKER_URL is honoured, CELERIAC_BROKER wins over it', async () => {
  const plain = await load({}, { CELERY_BROKER_URL: 'redis://a' })
  expect(plain.brokers[0]?.url.reveal()).toBe('redis://a')
  const both = await load({}, { CELERY_BROKER_URL: 'redis://a', CELERIAC_BROKER: 'redis://b' })
  expect(both.brokers.map(broker => broker.url.reveal())).toEqual(['redis://b'])
})

test('brokers can be named, and two of one name are refused', async () => {
  const { brokers } = await load({ broker: ['eu=redis://a', 'redis://b'] })
  expect(brokers.map(broker => broker.name)).toEqual(['eu', 'broker-2'])
  await expect(load({ broker: ['eu=redis://a', 'eu=redis://b'] })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    exitCode: 2,
  })
})

test('a URL with an equals sign in its query is not taken for a name', async () => {
  const { brokers } = await load({ broker: ['redis://h/0?x=1'] })
  expect(brokers).toMatchObject([{ name: 'default' }])
  expect(brokers[0]?.url.reveal()).toBe('redis://h/0?x=1')
})

test('a secret does not print', async () => {
  const config = await load(
    { broker: ['redis://u:hunter2@h'] },
    { CELERIAC_SLACK_WEBHOOK_URL: 'https://hooks.example/hunter2' },
  )
  expect(inspect(config, { depth: 9 }) + JSON.stringify(config)).not.toContain('hunter2')
})

test('an unknown key of a YAML file is refused with its line and the nearest name', async () => {
  const config = file('typo.yaml', 'listen: 127.0.0.1:1\nretenton: 1h\n')
  await expect(load({ config })).rejects.toThrow(
    /typo\.yaml:2: unknown key "retenton"; did you mean "retention"\?/,
  )
})

test('a wrong value of a YAML file is refused with its line and what was expected', async () => {
  const config = file(
    'wrong.yaml',
    'notify:\n  receivers:\n    - name: a\n      webhook:\n        url: not-a-url\n',
  )
  await expect(load({ config })).rejects.toThrow(
    /wrong\.yaml:5: notify\.receivers\[0\]\.webhook\.url: expected a URL/,
  )
})

test('broken YAML is refused with line and column', async () => {
  await expect(load({ config: file('broken.yaml', 'listen: [1\n') })).rejects.toThrow(
    /broken\.yaml:\d+:\d+: /,
  )
})

test('a TypeScript configuration is read', async () => {
  const config = file(
    'celeriac.ts',
    "const queues: string[] = ['mail']\nexport default { queues, notify: { groupWait: '1s' } }\n",
  )
  expect(await load({ config })).toMatchObject({ queues: ['mail'], groupWaitMs: SECOND })
})

test('a configuration file that does not exist is said', async () => {
  await expect(load({ config: 'nowhere.yaml' })).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
})

test.each([
  [{ listen: 'nonsense' }, /--listen: expected HOST:PORT/],
  [{ listen: '127.0.0.1:99999' }, /--listen: expected HOST:PORT/],
  [{ retention: 'ever' }, /--retention: expected a duration/],
  [{ logLevel: 'loud' }, /--log-level: /],
  [{ brokerTransportOption: ['global_keyprefix'] }, /NAME=VALUE/],
])('wrong flag %j is refused by name', async (flags, message) => {
  await expect(load(flags)).rejects.toMatchObject({
    code: 'USAGE',
    exitCode: 2,
    message: expect.stringMatching(message) as unknown,
  })
})

test('a broker in a file says all that is its own, and global settings fill in', async () => {
  const config = file(
    'brokers.yaml',
    `
queues: [mail]
enableEvents: true
brokers:
  - name: eu
    url: rediss://eu/2
    password: 'p/a@s#s'
    queues: [reports, mail]
    eventExchange: ev
    controlExchange: ctl
    transportOptions: { global_keyprefix: 'app1:' }
    tls: { ca: /ca.pem, cert: /cert.pem, key: /key.pem, verify: false, checkHostname: false }
  - name: us
    url: amqp://monitor:secret@us//
    managementUrl: http://monitor:secret@us:15672
    tls: true
    enableEvents: false
`,
  )
  const { brokers } = await load({ config, brokerTransportOption: ['sep=:'] })
  const [eu, us] = brokers
  expect(eu).toMatchObject({
    name: 'eu',
    queues: ['mail', 'reports'],
    transportOptions: { event_exchange: 'ev', control_exchange: 'ctl', global_keyprefix: 'app1:', sep: ':' },
    tls: {
      caFile: '/ca.pem',
      certFile: '/cert.pem',
      keyFile: '/key.pem',
      verify: false,
      checkHostname: false,
    },
    managementUrl: undefined,
    enableEvents: true,
  })
  expect(eu?.url.reveal()).toBe('rediss://:p%2Fa%40s%23s@eu/2')
  expect(us).toMatchObject({ queues: ['mail'], tls: {}, enableEvents: false })
  expect(us?.managementUrl?.reveal()).toBe('http://monitor:secret@us:15672')
  const { brokers: asked } = await load({ config }, { CELERIAC_ENABLE_EVENTS: 'off' })
  expect(asked.map(broker => broker.enableEvents)).toEqual([false, false])
})

test('a secret may come from a file or a variable where it stands, and a missing one is said with its line', async () => {
  const secret = file('secret', 'hunter/2\n')
  const config = file(
    'references.yaml',
    `
brokers:
  - url: { env: THE_BROKER }
    password: { file: ${secret} }
    transportOptions: { sentinel_kwargs: { password: { env: SENTINEL } }, master_name: m }
`,
  )
  const loaded = await load({ config }, { THE_BROKER: 'redis://monitor@h/1', SENTINEL: 'hunter3' })
  expect(loaded.brokers[0]?.url.reveal()).toBe('redis://monitor:hunter%2F2@h/1')
  expect(loaded.brokers[0]?.transportOptions['sentinel_kwargs']).toEqual({ password: 'hunter3' })
  expect(inspect(loaded, { depth: 9 }) + JSON.stringify(loaded)).not.toMatch(/hunter/)
  await expect(load({ config })).rejects.toThrow(
    /references\.yaml:3: brokers\[0\]\.url: the environment variable THE_BROKER is not set/,
  )
  const gone = file('gone.yaml', 'brokers:\n  - url: { file: /nowhere/secret }\n')
  await expect(load({ config: gone })).rejects.toThrow(/gone\.yaml:2: .*cannot read \/nowhere\/secret/)
})

test.each([
  ['url: redis://h\n    ulr: x', /brokers\[0\]: unknown key "ulr"; did you mean "url"\?/],
  [
    'url: redis://h\n    tls: { cafile: x }',
    /:3: brokers\[0\]\.tls: unknown key "cafile"; known: ca, cert, key, verify, checkHostname/,
  ],
  ['url: redis://h\n    tls: { verify: maybe }', /:3: brokers\[0\]\.tls\.verify: .*expected boolean/],
  ['url: redis://h\n    tls: no', /:3: brokers\[0\]\.tls: .*expected object/],
  ['url: redis://h\n    managementUrl: http://m', /managementUrl and is no RabbitMQ/],
  ['url: redis://:a@h\n    password: b', /a password in its URL and another beside it/],
  ['url: redis://h\n    transportOptions: [1]', /brokers\[0\]\.transportOptions: /],
])('a wrong broker (%s) is refused', async (text, message) => {
  const config = file('wrong-broker.yaml', `brokers:\n  - ${text}\n`)
  await expect(load({ config })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(message) as unknown,
  })
})

test('several brokers in one variable keep the commas of their passwords', async () => {
  const { brokers } = await load({}, { CELERIAC_BROKER: 'eu=redis://:a,b@h/1, us=redis://h/2,redis://h/3' })
  expect(brokers.map(broker => [broker.name, broker.url.reveal()])).toEqual([
    ['eu', 'redis://:a,b@h/1'],
    ['us', 'redis://h/2'],
    ['broker-3', 'redis://h/3'],
  ])
})

test('transport options of the environment are a JSON object, and flags win over them', async () => {
  const env = { CELERIAC_BROKER_TRANSPORT_OPTIONS: '{"global_keyprefix": "a:", "sep": ":"}' }
  const { brokers } = await load({ broker: ['redis://a'], brokerTransportOption: ['sep=;'] }, env)
  expect(brokers[0]?.transportOptions).toEqual({ global_keyprefix: 'a:', sep: ';' })
  for (const wrong of ['[1]', 'null', '{'])
    await expect(load({}, { CELERIAC_BROKER_TRANSPORT_OPTIONS: wrong })).rejects.toThrow(
      /CELERIAC_BROKER_TRANSPORT_OPTIONS: expected a JSON object/,
    )
})

test('a transport option is JSON where it is JSON and splits at the first equals sign', async () => {
  const { brokers } = await load({
    broker: ['redis://a'],
    brokerTransportOption: ['priority_steps=[0,5]', 'sep==', 'global_keyprefix=app1:'],
  })
  expect(brokers[0]?.transportOptions).toEqual({
    priority_steps: [0, 5],
    sep: '=',
    global_keyprefix: 'app1:',
  })
})

test('one variable is enough for a receiver, and it may come from a file', async () => {
  const path = file('hook', 'http://127.0.0.1:1/hook\n')
  const { receivers } = await load({}, { CELERIAC_WEBHOOK_URL_FILE: path })
  expect(receivers[0]?.webhook?.url.reveal()).toBe('http://127.0.0.1:1/hook')
})

test('a misspelt variable is told, those of Kubernetes are not', async () => {
  const { warnings } = await load(
    {},
    { CELERIAC_LISTN: ':1', CELERIAC_SERVICE_HOST: '10.0.0.1', CELERIAC_PORT: 'tcp://10.0.0.1:9808' },
  )
  expect(warnings).toEqual([
    'The environment variable CELERIAC_LISTN is not known and has no effect; did you mean CELERIAC_LISTEN?',
  ])
})

test('a threshold of an alert can be changed, and an alert nobody knows is refused with its line', async () => {
  const good = file(
    'alerts.yaml',
    'alerts:\n  CeleryQueueDepthHigh: { threshold: 500, for: 2m, queues: { reports: 50 } }\n',
  )
  expect((await load({ config: good })).alerts).toEqual({
    CeleryQueueDepthHigh: { threshold: 500, for: '2m', queues: { reports: 50 } },
  })
  const bad = file('alerts-bad.yaml', 'alerts:\n  CeleryQueueDepthHigh:\n    threshold: lots\n')
  await expect(load({ config: bad })).rejects.toThrow(
    /alerts-bad\.yaml:3: alerts\.CeleryQueueDepthHigh\.threshold: must be a number/,
  )
})

test('targets to scrape come with every default, and print without what they must not tell', async () => {
  const config = file(
    'scrape.yaml',
    [
      'brokers: [{ name: eu, url: redis://a }]',
      'host: { interval: 20s }',
      'scrape:',
      '  - url: http://me:s3cret@cadvisor:8080/metrics?token=s3cret',
      '  - url: https://node:10250/metrics/cadvisor',
      '    name: kubelet',
      '    broker: eu',
      '    interval: 5s',
      '    match: { namespace: shop }',
      '    bearerTokenFile: /var/run/token',
      '    headers: { X-Scope-OrgID: { env: TENANT } }',
      '    tls: { verify: false }',
      '',
    ].join('\n'),
  )
  const loaded = await load({ config }, { TENANT: 's3cret' })
  expect(loaded.host).toEqual({ enabled: true, intervalMs: 20 * SECOND })
  expect(loaded.scrape).toMatchObject([
    {
      name: 'cadvisor:8080/metrics',
      broker: undefined,
      intervalMs: 15 * SECOND,
      timeoutMs: 10 * SECOND,
      match: {},
    },
    { name: 'kubelet', broker: 'eu', intervalMs: 5 * SECOND, timeoutMs: 5 * SECOND, tls: { verify: false } },
  ])
  expect(loaded.scrape[1]?.headers['X-Scope-OrgID']?.reveal()).toBe('s3cret')
  expect(inspect(loaded, { depth: 9 }) + JSON.stringify(loaded)).not.toContain('s3cret')
  expect((await load()).host).toEqual({ enabled: true, intervalMs: 10 * SECOND })
})

test.each([
  ['url: cadvisor:8080', 'scrape[0].url'],
  ['url: http://a/, broker: us', 'no broker is named "us"'],
  ['url: http://a/, interval: 0s', 'scrape[0].interval'],
  ['url: http://a/, match: { a-b: x }', 'scrape[0].match'],
  ['url: http://a/, bearerTokenFile: t, headers: { authorization: x }', 'at most one of bearerTokenFile'],
  ['url: http://a/, headers: { "a b": x }', 'scrape[0].headers'],
  ['url: http://a/, matches: {}', 'did you mean "match"'],
  ['url: http://a/ }, { url: http://a/?x', 'Two scrape targets are called "a/"'],
])('a target with %s is refused', async (entry, message) => {
  const config = file(
    'scrape-wrong.yaml',
    `brokers: [{ name: eu, url: redis://a }]\nscrape: [{ ${entry} }]\n`,
  )
  await expect(load({ config })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining(message) as string,
  })
})
