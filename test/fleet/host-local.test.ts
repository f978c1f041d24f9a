import { mkdtempSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silentLog } from '../../src/base/index.ts'
import { createBroker } from '../../src/broker/index.ts'
import { recorder, realClock } from '../../src/broker/suite/stage.case.ts'
import type { WorkerClaim } from '../../src/host/index.ts'
import { CORES, pssOf, usedBetween, watch } from '../../src/host/kernel.case.ts'
import { eventually } from '../servers/celeriac.ts'
import { produce, type RunningWorker, startWorker, untilEnded } from '../servers/celery.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'

/** A real worker, known by what it answers to `stats`, against the kernel's own counts of its processes. */
let folder: string
let truthFile: string
let redis: RedisServer
let worker: RunningWorker
let claim: WorkerClaim

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'celeriac-host-local-'))
  truthFile = join(folder, 'truth.jsonl')
  redis = await startRedis()
  worker = await startWorker({ brokerUrl: redis.url, name: 'measured', truthFile, concurrency: 2 })
  const broker = createBroker({
    name: 'default',
    url: redis.url,
    transportOptions: {},
    clock: realClock,
    log: silentLog,
  })
  broker.start(recorder())
  try {
    await broker.ready(20_000)
    const [reply] = await broker.control(
      { method: 'stats' },
      { timeoutMs: 20_000, expect: new Set([worker.node]) },
    )
    const { pid, pool } = (reply?.ok === true ? reply.value : undefined) as {
      readonly pid: number
      readonly pool: { readonly processes: readonly number[] }
    }
    claim = { broker: 'default', worker: worker.node, pid, pids: pool.processes }
  } finally {
    await broker.stop()
  }
}, 120_000)

afterAll(async () => {
  await worker?.stop()
  await redis?.stop()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

test('CPU of a worker that works is what the kernel counts of its parent and its pool', async () => {
  expect(claim.pid).toBe(worker.pid)
  expect(claim.pids).toHaveLength(2)
  const look = watch(claim, hostname())
  const first = await look()
  expect(first.reading).toMatchObject({
    container: `celery:${worker.pid}`,
    worker: worker.node,
    cpuPercent: null,
  })
  const { tasks } = await produce({ brokerUrl: redis.url, count: 600, mix: 'work', seconds: 0 })
  await untilEnded(truthFile, tasks, 60_000)
  const second = await look()
  const { told, least, most } = usedBetween(first, second, CORES)
  expect(told).toBeGreaterThanOrEqual(least)
  expect(told).toBeLessThanOrEqual(most)
  expect(least).toBeGreaterThan(0.1)
})

test('its memory is what the kernel says that its processes have for themselves', async () => {
  const look = watch(claim, hostname())
  await eventually('the memory of the worker', 30_000, async () => {
    const before = pssOf(worker.pid)
    const told = (await look()).reading?.memoryBytes ?? 0
    return Math.abs(told - before) < 0.01 * before ? told : undefined
  })
})

test('the same answer of a worker on another machine proves nothing here', async () => {
  const look = watch({ ...claim, worker: 'measured@elsewhere' }, hostname())
  expect((await look()).reading).toBeUndefined()
})
