import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silentLog } from '../../src/base/index.ts'
import { createRedisLink, parseBrokerUrl } from '../../src/broker/index.ts'
import { run } from '../../src/cli/run.ts'
import { eventually, type RunningCeleriac, startCeleriac } from '../servers/celeriac.ts'
import { type RunningWorker, send, startWorker } from '../servers/celery.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'

/** What users put into tasks, and the password of the broker, appear nowhere: neither told, nor logged, nor stored. */
const SECRET = 'hunter2'
const PASSWORD = 'p/a@s#s-hunter3'

let folder: string
let redis: RedisServer
let worker: RunningWorker
let celeriac: RunningCeleriac

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'celeriac-secrets-'))
  redis = await startRedis({ password: PASSWORD })
  celeriac = await startCeleriac(
    ['start', '--broker', redis.url, '--log-level', 'debug'],
    'inspectInterval: 1s\n',
  )
  worker = await startWorker({
    brokerUrl: redis.url,
    name: 'w1',
    truthFile: join(folder, 'truth'),
    concurrency: 2,
  })
}, 120_000)

afterAll(async () => {
  await worker?.kill()
  await celeriac?.stop()
  await redis?.stop()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

const confide = (more: object): Parameters<typeof send>[1][number] => ({
  name: 'fleet.confide',
  queue: 'reports',
  args: [SECRET],
  ...more,
  kwargs: { password: SECRET, ...('kwargs' in more ? (more.kwargs as object) : {}) },
})

/** Everything that leaves the program over HTTP. */
async function told(): Promise<string> {
  const now = Date.now() / 1000
  const all = encodeURIComponent('{__name__=~".+"}')
  const texts = await Promise.all(
    [
      '/metrics',
      '/metrics/celery-exporter',
      '/api/celeriac/overview',
      '/api/celeriac/findings',
      `/api/v1/query?query=${all}`,
      `/api/v1/query_range?query=${all}&start=${now - 60}&end=${now}&step=15`,
      '/api/v1/rules',
      '/api/v1/alerts',
      '/monitoring/health/celery',
      '/monitoring/health/redis',
      '/monitoring/metrics/queue',
      '/-/ready',
    ].map(async path => `${path}\n${await (await fetch(celeriac.url + path)).text()}`),
  )
  return texts.join('\n')
}

test('arguments, results and messages of exceptions stay where they are', async () => {
  await send(redis.url, [
    confide({}),
    confide({ kwargs: { fail: `card ${SECRET} declined` } }),
    // Held by the worker, so that its answers to active, reserved and scheduled name them with their arguments.
    confide({ kwargs: { seconds: 300 } }),
    confide({ kwargs: { seconds: 300 } }),
    confide({ kwargs: { seconds: 300 } }),
    confide({ countdown: 600 }),
  ])
  // Messages of which only a part can be read, or nothing.
  const link = createRedisLink({
    target: parseBrokerUrl(redis.url) as never,
    clock: { now: Date.now, after: () => () => {} },
    log: silentLog,
  })
  await link.connect()
  await link.publishRaw('task.failed', SECRET)
  await link.publishRaw(
    'task.failed',
    JSON.stringify({ body: SECRET, 'content-type': 'text/odd', headers: { password: SECRET } }),
  )
  const event = { hostname: 'w9@test', timestamp: Date.now() / 1000, clock: 1 }
  await link.publishEvents([
    { ...event, type: 'task-failed', exception: `ValueError('${SECRET}')` },
    { ...event, type: 'task-odd', uuid: 'u', kwargs: SECRET },
    { ...event, type: 'task-received', uuid: 'u', name: 7, args: SECRET },
    { ...event, type: 'task-failed', uuid: 'v', exception: `${SECRET} is no class`, traceback: SECRET },
  ])
  await link.close()

  const metrics = await eventually('all of it seen', 60_000, async () => {
    const samples = await celeriac.scrape()
    const value = (name: string, labels: Record<string, string> = {}): number =>
      samples
        .filter(
          each =>
            each.name === name && Object.entries(labels).every(([key, text]) => each.labels[key] === text),
        )
        .reduce((sum, each) => sum + each.value, 0)
    expect(value('celery_task_succeeded_total')).toBeGreaterThanOrEqual(1)
    // Of an exception only its class leaves.
    expect(value('celery_task_failed_total', { exception: 'ValueError' })).toBe(1)
    expect(value('celery_task_failed_total', { exception: 'unknown' })).toBe(1)
    expect(value('celery_active_tasks')).toBe(2)
    expect(value('celery_reserved_tasks')).toBe(1)
    expect(value('celery_scheduled_tasks')).toBe(1)
    expect(value('celeriac_events_skipped_total')).toBeGreaterThanOrEqual(4)
    return samples
  })
  expect(metrics.length).toBeGreaterThan(0)
  const everything = (await told()) + celeriac.log()
  expect(everything).toContain('fleet.confide')
  expect(everything).not.toContain(SECRET)
  expect(everything).not.toContain('hunter3')
}, 120_000)

test('nor does a check tell them, or the password of the broker', async () => {
  let text = ''
  const sink = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      text += chunk
      done()
    },
  })
  await run(['check', '--json', '--watch', '4s', '--log-level', 'debug', '--broker', redis.url], {
    env: {},
    folder,
    stdout: sink,
    stderr: sink,
    untilStopped: () => Promise.resolve('SIGTERM'),
  })
  expect(text).toContain('workers-visible')
  expect(text).not.toContain('hunter')
})
