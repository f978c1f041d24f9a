import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MINUTE, SECOND } from '../base/index.ts'
import { CELERY_EXPORTER_DEFAULTS } from '../compat/index.ts'
import { type CeleryExporterFlags, type Flags, loadConfig } from './index.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'celeriac-compat-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const load = (flags: Flags = {}, env: Record<string, string> = {}) =>
  loadConfig(flags, env, folder, path => readFileSync(path, 'utf8'))
/** A command line in celery-exporter's words. */
const said = (celeryExporter: CeleryExporterFlags, env: Record<string, string> = {}) =>
  load({ compat: 'celery-exporter', celeryExporter }, env)

test('without anything Celeriac is itself, and the page has the defaults of celery-exporter', async () => {
  expect(await load()).toMatchObject({
    compat: undefined,
    listen: { host: '127.0.0.1' },
    celeryExporter: CELERY_EXPORTER_DEFAULTS,
  })
})

test("standing in for it, its defaults hold, and Celeriac's own detection stays as quick as it is", async () => {
  expect(await said({ brokerUrl: 'redis://a' })).toMatchObject({
    compat: 'celery-exporter',
    listen: { host: '0.0.0.0', port: 9808 },
    workerTimeoutMs: 30 * SECOND,
    celeryExporter: { workerTimeoutMs: 5 * MINUTE, purgeAfterMs: 10 * MINUTE },
    warnings: [],
  })
})

test('all its flags are understood', async () => {
  const config = await said({
    brokerUrl: 'redis://h:6379/1',
    brokerTransportOption: ['global_keyprefix=app1:', 'visibility_timeout=7200'],
    brokerSslOption: ['ssl_certfile=/c', 'keyfile=/k', 'ca_certs=/ca', 'ssl_cert_reqs=CERT_NONE'],
    acceptContent: 'json,pickle',
    retryInterval: '5',
    host: '::1',
    port: '1234',
    buckets: '0.5,1,2.5,+Inf',
    queueWaitBuckets: '1, 10',
    logLevel: 'WARNING',
    workerTimeout: '60',
    purgeOfflineWorkerMetrics: '0',
    genericHostnameTaskSentMetric: true,
    genericHostnameWorkerTaskMetric: true,
    queues: 'a,b',
    metricPrefix: 'jobs_',
    defaultQueueName: 'mine',
    staticLabel: ['env=prod', 'formula=a=b'],
  })
  expect(config.brokers[0]?.url.reveal()).toBe('redis://h:6379/1')
  expect(config).toMatchObject({
    brokers: [
      {
        name: 'default',
        transportOptions: { global_keyprefix: 'app1:', visibility_timeout: 7200 },
        tls: { certFile: '/c', keyFile: '/k', caFile: '/ca', verify: false },
        queues: ['a', 'b'],
      },
    ],
    listen: { host: '::1', port: 1234 },
    logLevel: 'warn',
    celeryExporter: {
      runtimeBuckets: [0.5, 1, 2.5],
      waitBuckets: [1, 10],
      workerTimeoutMs: MINUTE,
      purgeAfterMs: 0,
      genericSentHostname: true,
      genericWorkerHostname: true,
      metricPrefix: 'jobs_',
      defaultQueue: 'mine',
      staticLabels: { env: 'prod', formula: 'a=b' },
    },
    warnings: [],
  })
})

test('all its variables are understood, and a flag wins over its variable', async () => {
  const env = {
    CE_BROKER_URL: 'redis://h/2',
    CE_BROKER_TRANSPORT_OPTION: 'global_keyprefix=x: visibility_timeout=60',
    CE_BROKER_SSL_OPTION: 'ssl_cert_reqs=2',
    CE_ACCEPT_CONTENT: 'json',
    CE_RETRY_INTERVAL: '5',
    CE_HOST: '127.0.0.1',
    CE_PORT: '1234',
    CE_BUCKETS: '1,2',
    CE_QUEUE_WAIT_BUCKETS: '3',
    CE_LOG_LEVEL: 'debug',
    CE_WORKER_TIMEOUT: '60',
    CE_PURGE_OFFLINE_WORKER_METRICS: '90',
    CE_GENERIC_HOSTNAME_TASK_SENT_METRIC: 'true',
    CE_GENERIC_HOSTNAME_WORKER_TASK_METRIC: '0',
    CE_QUEUES: 'a',
    CE_METRIC_PREFIX: 'p_',
    CE_DEFAULT_QUEUE_NAME: 'q',
    CE_STATIC_LABEL: 'a=1 b=2',
  }
  const config = await said({ port: '4321', staticLabel: ['c=3'] }, env)
  expect(config.brokers[0]?.url.reveal()).toBe('redis://h/2')
  expect(config).toMatchObject({
    brokers: [
      {
        transportOptions: { global_keyprefix: 'x:', visibility_timeout: 60 },
        tls: { verify: true },
        queues: ['a'],
      },
    ],
    listen: { host: '127.0.0.1', port: 4321 },
    logLevel: 'debug',
    celeryExporter: {
      runtimeBuckets: [1, 2],
      waitBuckets: [3],
      workerTimeoutMs: MINUTE,
      purgeAfterMs: 90 * SECOND,
      genericSentHostname: true,
      genericWorkerHostname: false,
      metricPrefix: 'p_',
      defaultQueue: 'q',
      staticLabels: { c: '3' },
    },
    warnings: [],
  })
})

test('its broker variable alone is enough to stand in for it, which is said', async () => {
  const config = await load({}, { CE_BROKER_URL: 'redis://h', CE_PORT: '1' })
  expect(config).toMatchObject({ compat: 'celery-exporter', listen: { host: '0.0.0.0', port: 1 } })
  expect(config.warnings).toEqual([expect.stringContaining('/metrics/celeriac')])
})

test.each([
  ['CELERIAC_COMPAT=none', {}, { CELERIAC_COMPAT: 'none' }],
  ['a broker of our own, by flag', { broker: ['redis://o'] }, {}],
  ['a broker of our own, by variable', {}, { CELERIAC_BROKER: 'redis://o' }],
])('its broker variable is not taken for a wish when there is %s', async (_what, flags, env) => {
  expect((await load(flags, { CE_BROKER_URL: 'redis://h', ...env })).compat).toBeUndefined()
})

test('variables of Celeriac win over its variables, flags over both', async () => {
  const env = {
    CELERIAC_COMPAT: 'celery-exporter',
    CELERIAC_BROKER: 'redis://ours',
    CELERIAC_LISTEN: '127.0.0.1:1',
    CELERIAC_QUEUES: 'ours',
    CELERIAC_LOG_LEVEL: 'error',
    CE_BROKER_URL: 'redis://theirs',
    CE_PORT: '2',
    CE_QUEUES: 'theirs',
    CE_LOG_LEVEL: 'DEBUG',
  }
  const config = await load({}, env)
  expect(config.brokers.map(({ url }) => url.reveal())).toEqual(['redis://ours'])
  expect(config).toMatchObject({ listen: { port: 1 }, queues: ['ours'], logLevel: 'error' })
  expect(await load({ celeryExporter: { port: '3' } }, env)).toMatchObject({ listen: { port: 3 } })
})

test('a variable that it does not have is said, with the one that was probably meant; those of Kubernetes are not', async () => {
  const { warnings } = await said(
    {},
    {
      CE_BUCKET: '1',
      CE_SERVICE_HOST: '10.0.0.1',
      CE_PORT: 'tcp://10.0.0.1:9808',
      CE_PORT_9808_TCP: 'tcp://10.0.0.1',
    },
  )
  expect(warnings).toEqual([
    "The environment variable CE_BUCKET is none of celery-exporter's and has no effect; did you mean CE_BUCKETS?",
  ])
  expect((await load({}, { CE_BUCKET: '1' })).warnings).toEqual([])
})

test('content that Celeriac cannot read is said', async () => {
  expect((await said({ acceptContent: 'pickle' })).warnings).toEqual([
    expect.stringMatching(/--accept-content: .*JSON/),
  ])
})

test.each<[CeleryExporterFlags, Record<string, string>, RegExp]>([
  [{ port: 'x' }, {}, /--port: expected a port number/],
  [{}, { CE_PORT: '99999' }, /CE_PORT: expected a port number/],
  [{ buckets: '1,x' }, {}, /--buckets: expected numbers of seconds/],
  [{ workerTimeout: 'ever' }, {}, /--worker-timeout: expected a number of seconds/],
  [{ retryInterval: '-1' }, {}, /--retry-interval: expected a number of seconds/],
  [{ logLevel: 'LOUD' }, {}, /--log-level: expected DEBUG/],
  [{ staticLabel: ['a'] }, {}, /--static-label: expected NAME=VALUE/],
  [{ brokerSslOption: ['colour=red'] }, {}, /"colour" is not known/],
  [
    {},
    { CE_GENERIC_HOSTNAME_TASK_SENT_METRIC: 'perhaps' },
    /CE_GENERIC_HOSTNAME_TASK_SENT_METRIC: expected true or false/,
  ],
])('wrong %j %j is refused by name', async (flags, env, message) => {
  await expect(said(flags, env)).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringMatching(message) as unknown,
  })
})

test('a time-out shorter than ours makes us as quick', async () => {
  expect((await said({ workerTimeout: '10' })).workerTimeoutMs).toBe(10 * SECOND)
  expect((await said({ workerTimeout: '0', purgeOfflineWorkerMetrics: '20' })).workerTimeoutMs).toBe(
    20 * SECOND,
  )
  expect((await said({ workerTimeout: '0', purgeOfflineWorkerMetrics: '0' })).workerTimeoutMs).toBe(
    30 * SECOND,
  )
})

test('a configuration file may hold the same, and flags win over it', async () => {
  const config = join(folder, 'celeriac.yaml')
  writeFileSync(
    config,
    [
      'compat: celery-exporter',
      'celeryExporter:',
      '  buckets: [1, 2]',
      '  queueWaitBuckets: [3]',
      '  workerTimeout: 1m',
      '  purgeOfflineWorkerMetrics: 0s',
      '  metricPrefix: f_',
      '  genericHostnameTaskSentMetric: true',
      '  staticLabels: [env=prod]',
    ].join('\n'),
  )
  expect(await load({ config, celeryExporter: { metricPrefix: 'g_' } })).toMatchObject({
    compat: 'celery-exporter',
    celeryExporter: {
      runtimeBuckets: [1, 2],
      waitBuckets: [3],
      workerTimeoutMs: MINUTE,
      purgeAfterMs: 0,
      metricPrefix: 'g_',
      genericSentHostname: true,
      staticLabels: { env: 'prod' },
    },
  })
})
