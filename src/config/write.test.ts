import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { Secret } from '../base/index.ts'
import { type Config, loadConfig } from './load.ts'
import { fileSchema } from './schema.ts'
import { configFile } from './write.ts'

const folder = mkdtempSync(join(tmpdir(), 'celeriac-write-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const load = (text: string): Promise<Config> => {
  const path = join(folder, 'celeriac.config.yaml')
  writeFileSync(path, text)
  return loadConfig({ config: path }, {}, folder, () => '')
}

/** Secrets as what they hide, so that two configurations can be compared with them. */
const revealed = (value: unknown): unknown => {
  if (value instanceof Secret) return `revealed ${value.reveal()}`
  if (Array.isArray(value)) return value.map(revealed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, revealed(each)]))
}

const plain = (value: unknown): unknown => {
  if (value instanceof Secret) return value.reveal()
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]))
}

const RICH = `
brokers:
  - name: orders
    url: redis://user:one@redis-orders:6379/0
    queues: [invoices]
    transportOptions: { global_keyprefix: 'orders:', sentinel_kwargs: { password: two } }
    tls: { ca: /etc/ca.pem, verify: false, checkHostname: false }
    eventExchange: ev
  - { name: media, url: 'amqp://u:three@rabbit//', managementUrl: 'http://u:four@rabbit:15672', enableEvents: true, tls: true }
queues: [reports]
externalUrl: https://celeriac.example.com
retention: 3d
storeBytes: 2000000
fleetBytes: 20000000
workerTimeout: 1m
inspectInterval: 45s
evaluationInterval: 20s
host: { enabled: false, interval: 20s }
celeryExporter: { buckets: [1, 2.5], workerTimeout: 0s, staticLabels: ['team=x'] }
scrape:
  - url: http://user:five@cadvisor:8080/metrics
    match: { namespace: shop, container: worker }
    headers: { X-Token: six }
    interval: 5s
publish:
  cloudwatch: { namespace: Shop/Celery, region: eu-west-1, interval: 30s, taskDetail: true, maxMetrics: 100 }
alerts:
  CeleryQueueDepthHigh: { threshold: 500, queues: { reports: 50, archive: null }, for: 10m }
  CeleryTasksPerWorkerHigh: { enabled: false }
notify:
  receivers:
    - { name: on-call, slack: { webhookUrl: 'https://hooks.slack.com/seven', channel: '#ops' } }
    - { name: hook, webhook: { url: 'https://example.org/eight', basicAuth: { username: u, password: nine }, maxAlerts: 5 } }
  groupWait: 10s
`

test('a configuration that is written and read again is the same, secrets included', async () => {
  const config = await load(RICH)
  const again = await load(stringify(plain(configFile(config))))
  expect(revealed(again)).toEqual(revealed(config))
})

test('nothing is written of what is as usual', async () => {
  expect(configFile(await load('{}'))).toEqual({})
  expect(configFile(await load('notify: {groupWait: 30s}'))).toEqual({})
})

test('no secret is in what is written, and each is where a Secret stands', async () => {
  const text = JSON.stringify(configFile(await load(RICH)))
  expect(text).not.toMatch(/one|two|three|four|five|six|seven|eight|nine/)
  expect(text.match(/"\*\*\*"/g)).toHaveLength(9)
})

test('every key of a configuration file is written, but for those that say where and how it runs', async () => {
  const written = Object.keys(configFile(await load(RICH)))
  expect(
    Object.keys(fileSchema.shape)
      .filter(key => !written.includes(key))
      .sort(),
  ).toEqual([
    'compat', // Written when it is not the usual none.
    'enableEvents', // In each broker's entry.
    'listen',
    'logFormat',
    'logLevel',
    'rules',
  ])
  expect(configFile(await load('compat: celery-exporter'))).toEqual({ compat: 'celery-exporter' })
})
