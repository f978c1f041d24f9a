import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, type RunningCeleriac, startCeleriac } from '../servers/celeriac.ts'
import {
  APPS,
  type LoggedProcess,
  PYTHON,
  pythonEnvironment,
  type RunningWorker,
  spawnLogged,
  startWorker,
} from '../servers/celery.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'

/**
 * Real Redis, a real Celery worker and the built program: memory as the kernel counts it, CPU and alerts as a scrape target tells
 * them, and what holds when that target is lost.
 */
const MIB = 1024 ** 2
const CONFIG = `
inspectInterval: 2s
evaluationInterval: 1s
host: { interval: 1s }
alerts:
  WorkerCpuHigh: { for: 2s }
  WorkerMemoryHigh: { for: 2s }
`

const READY = /(\S+@celery-worker-0) ready\./

let folder: string
let redis: RedisServer
let worker: RunningWorker
let remote: LoggedProcess
let remoteNode: string
let server: http.Server
let celeriac: RunningCeleriac

/** What cAdvisor tells: CPU seconds go up by 1.9 a second of 2 cores. */
let memory = 95 * MIB
let answering = true
const startedMs = Date.now()
const cadvisor = (): string => {
  const labels =
    'container="worker",id="/kubepods/pod1/x",image="shop",name="x",namespace="shop",pod="celery-worker-0"'
  return [
    `container_cpu_usage_seconds_total{${labels},cpu="total"} ${((Date.now() - startedMs) / 1000) * 1.9}`,
    `container_spec_cpu_period{${labels}} 100000`,
    `container_spec_cpu_quota{${labels}} 200000`,
    `container_memory_working_set_bytes{${labels}} ${memory}`,
    `container_spec_memory_limit_bytes{${labels}} ${100 * MIB}`,
    '',
  ].join('\n')
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'celeriac-host-'))
  redis = await startRedis()
  server = http.createServer((_request, response) => {
    if (answering) response.end(cadvisor())
    else response.writeHead(503).end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  ;[worker, remote] = await Promise.all([
    startWorker({ brokerUrl: redis.url, name: 'here', truthFile: join(folder, 'here.jsonl') }),
    // A node of another host: its host name is not this machine's, and its command line does not spell the node out.
    spawnLogged({
      command: PYTHON,
      args: [
        '-m',
        'celery',
        '-A',
        'app.celery_app',
        'worker',
        '-n',
        '%n@celery-worker-0',
        '-c',
        '1',
        '-l',
        'INFO',
      ],
      cwd: APPS.fleet,
      environment: pythonEnvironment(redis.url, join(folder, 'there.jsonl')),
      name: 'there',
      ready: log => READY.test(log),
    }),
  ])
  remoteNode = READY.exec(remote.log())?.[1] ?? ''
  celeriac = await startCeleriac(
    ['start', '--broker', redis.url],
    `${CONFIG}scrape: [{ name: kubelet, url: 'http://127.0.0.1:${port}/metrics', interval: 1s }]\n`,
  )
}, 180_000)

afterAll(async () => {
  await celeriac?.stop()
  await Promise.all([worker, remote].map(each => each?.stop()))
  server?.closeAllConnections()
  server?.close()
  await redis?.stop()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

const value = async (name: string, labels: Readonly<Record<string, string>>): Promise<number | undefined> =>
  (await celeriac.scrape()).find(
    sample =>
      sample.name === name && Object.entries(labels).every(([key, text]) => sample.labels[key] === text),
  )?.value

interface Alert {
  readonly state: string
  readonly labels: Readonly<Record<string, string>>
}
const firing = async (alertname: string): Promise<Alert | undefined> => {
  const { body } = await celeriac.get('/api/v1/alerts')
  const { alerts } = (body as { readonly data: { readonly alerts: readonly Alert[] } }).data
  return alerts.find(alert => alert.labels['alertname'] === alertname && alert.state === 'firing')
}

/** Proportional set size of a process and of all it started, as the kernel counts it, in bytes. */
function memoryOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const own = Number(/^Pss:\s*(\d+) kB$/m.exec(rollup)?.[1]) * 1024
  return children.reduce((sum, child) => sum + memoryOf(Number(child)), own)
}

test('memory of a worker on this host is what the kernel says of its processes', async () => {
  await eventually('the memory of the worker', 60_000, async () => {
    const told = await value('celery_worker_memory_bytes', { worker: worker.node })
    const counted = memoryOf(worker.pid)
    return told !== undefined && Math.abs(told - counted) < 0.1 * counted ? told : undefined
  })
})

test('a worker elsewhere has CPU and memory of the container that bears its host name', async () => {
  const labels = { container: 'celery-worker-0', worker: remoteNode, broker: 'default' }
  await eventually('CPU of the pod', 60_000, async () => {
    const percent = await value('container_cpu_usage_percent', labels)
    return percent !== undefined && Math.abs(percent - 95) < 2 ? percent : undefined
  })
  expect(await value('container_memory_usage_percent', labels)).toBe(95)
  expect(await value('celery_worker_memory_limit_bytes', { worker: labels.worker })).toBe(100 * MIB)
  expect(await value('celeriac_scrape_target_up', { target: 'kubelet' })).toBe(1)
  expect(await value('celeriac_source_up', { source: 'host' })).toBe(1)
})

test('WorkerCpuHigh and WorkerMemoryHigh fire, are held while their target is lost, and resolve when it tells better', async () => {
  await eventually(
    'both alerts',
    60_000,
    async () => (await firing('WorkerCpuHigh')) && (await firing('WorkerMemoryHigh')),
  )
  expect((await firing('WorkerMemoryHigh'))?.labels).toMatchObject({
    container: 'celery-worker-0',
    worker: remoteNode,
  })
  answering = false
  await eventually('the loss', 60_000, async () =>
    (await value('celeriac_scrape_target_up', { target: 'kubelet' })) === 0 &&
    (await value('container_memory_usage_percent', { container: 'celery-worker-0' })) === undefined
      ? true
      : undefined,
  )
  expect(await value('celeriac_source_up', { source: 'host' })).toBe(0)
  // The series end with the next collection; the alerts do not, because what they watch cannot be seen.
  await eventually('alerts held without any series', 60_000, async () => {
    const { body } = await celeriac.get('/api/v1/query?query=container_memory_usage_percent')
    const { result } = (body as { readonly data: { readonly result: readonly unknown[] } }).data
    return result.length === 0 ? true : undefined
  })
  await sleep(3000)
  expect(await firing('WorkerMemoryHigh')).toBeDefined()
  expect(await firing('WorkerCpuHigh')).toBeDefined()
  memory = 10 * MIB
  answering = true
  await eventually('the end of the alert on memory', 60_000, async () =>
    (await firing('WorkerMemoryHigh')) === undefined ? true : undefined,
  )
  expect(await firing('WorkerCpuHigh')).toBeDefined()
  const lines = celeriac
    .log()
    .split('\n')
    .filter(line => line.includes('Scraping'))
  expect(lines.map(line => (JSON.parse(line) as { message: string }).message)).toEqual([
    expect.stringContaining('Scraping failed'),
    'Scraping works again.',
  ])
})
