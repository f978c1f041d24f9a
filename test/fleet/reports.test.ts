import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  APPS,
  type LoggedProcess,
  PYTHON,
  pythonEnvironment,
  type RunningWorker,
  spawnLogged,
  startWorker,
} from '../servers/celery.ts'
import { freePort } from '../servers/child.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'

const folder = mkdtempSync(join(tmpdir(), 'celeriac-reports-'))
const environment = {
  REPORTS_DIR: folder,
  LEDGER_UNAVAILABLE_RATE: '0',
  LEDGER_SECONDS_PER_1000_ROWS: '0.2',
}
let redis: RedisServer
let worker: RunningWorker
let api: LoggedProcess
let url: string

beforeAll(async () => {
  redis = await startRedis()
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  ;[worker, api] = await Promise.all([
    startWorker({ brokerUrl: redis.url, name: 'reports', app: 'reports', concurrency: 2, environment }),
    spawnLogged({
      command: PYTHON,
      args: ['-m', 'uvicorn', 'app.main:app', '--host', '127.0.0.1', '--port', String(port)],
      cwd: APPS.reports,
      environment: pythonEnvironment(redis.url, undefined, environment),
      name: 'reports-api',
      ready: log => log.includes('Application startup complete'),
    }),
  ])
})

afterAll(async () => {
  await Promise.all([worker?.stop(), api?.stop()])
  await redis?.stop()
  rmSync(folder, { recursive: true, force: true })
})

type Line = Readonly<Record<string, unknown>>

const linesOf = (log: string): Line[] =>
  log.split('\n').flatMap(line => (line.startsWith('{') ? [JSON.parse(line) as Line] : []))

/** The first line of a log that `wanted` accepts; waits up to 15 s. */
async function lineIn(process: { log(): string }, wanted: (line: Line) => boolean): Promise<Line> {
  for (let waited = 0; waited < 15_000; waited += 50) {
    const found = linesOf(process.log()).find(wanted)
    if (found !== undefined) return found
    await sleep(50)
  }
  throw new Error(`no such line in\n${process.log().slice(-4000)}`)
}

const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

async function untilState(id: string, state: string): Promise<Line> {
  for (let waited = 0; waited < 20_000; waited += 50) {
    const answer = (await (await fetch(`${url}/reports/${id}`)).json()) as Line
    if (answer['state'] === state) return answer
    await sleep(50)
  }
  throw new Error(`report ${id} never was ${state}`)
}

test('a correlation id goes from the request through the API log into the task, and comes back', async () => {
  const correlationId = 'order-2026.11_23-A1'
  const answer = await post(
    '/reports',
    { account: 'acme-1', rows: 300 },
    { 'X-Correlation-ID': correlationId },
  )
  expect(answer.status).toBe(202)
  expect(answer.headers.get('x-correlation-id')).toBe(correlationId)
  const { id } = (await answer.json()) as { id: string }

  const request = await lineIn(api, line => line['event'] === 'request' && line['path'] === '/reports')
  expect(request).toMatchObject({ correlation_id: correlationId, status: 202, method: 'POST' })
  const finished = await lineIn(worker, line => line['event'] === 'report finished' && line['task_id'] === id)
  expect(finished).toMatchObject({ correlation_id: correlationId, task: 'reports.build', rows: 300 })
  // Celery's own line about the task has it too.
  await lineIn(
    worker,
    line => line['correlation_id'] === correlationId && String(line['event']).includes('succeeded in'),
  )

  expect(await untilState(id, 'finished')).toMatchObject({ report: { rows: 300 } })
  const file = await fetch(`${url}/reports/${id}/file`)
  expect((await file.text()).trim().split('\n')).toHaveLength(301)
})

test.each([
  ['too short', 'abc'],
  ['too long', 'x'.repeat(8000)],
  ['free text', 'abc user=admin level=error <script>'],
  ['empty', ''],
])('a correlation id that is %s is replaced by a new one', async (_, bad) => {
  const answer = await post('/maintenance', { job: 'check_ledger' }, { 'X-Correlation-ID': bad })
  const given = answer.headers.get('x-correlation-id') ?? ''
  expect(given).toMatch(/^[0-9a-f-]{36}$/)
  const { id } = (await answer.json()) as { id: string }
  const line = await lineIn(worker, each => each['event'] === 'ledger answers' && each['task_id'] === id)
  expect(line['correlation_id']).toBe(given)
  if (bad.length > 4) expect(api.log()).not.toContain(bad)
})

test('each request without an id gets its own, and tasks run one after the other do not inherit one', async () => {
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => post('/maintenance', { job: 'expire_reports' })),
  )
  const ids = new Map<string, string | null>()
  for (const answer of answers) {
    const { id } = (await answer.json()) as { id: string }
    ids.set(id, answer.headers.get('x-correlation-id'))
  }
  expect(new Set(ids.values()).size).toBe(6)
  for (const [id, correlationId] of ids) {
    const line = await lineIn(
      worker,
      each => each['event'] === 'old reports removed' && each['task_id'] === id,
    )
    expect(line['correlation_id']).toBe(correlationId)
  }
})

test('a report that cannot be made fails with the class of its reason only, unknown ids are 404, bad orders 422', async () => {
  const { id } = (await (await post('/reports', { account: 'none-such', rows: 5 })).json()) as { id: string }
  expect(await untilState(id, 'failed')).toEqual({ id, state: 'failed', reason: 'UnknownAccount' })
  expect((await fetch(`${url}/reports/00000000-0000-4000-8000-000000000000`)).status).toBe(404)
  expect((await fetch(`${url}/reports/..%2F..%2Fetc`)).status).not.toBe(200)
  expect((await fetch(`${url}/reports/${id}/file`)).status).toBe(409)
  expect((await post('/reports', { account: 'acme-1', rows: 0 })).status).toBe(422)
})

test('a retry keeps the correlation id', async () => {
  const flaky = await startWorker({
    brokerUrl: redis.url.replace(/0$/, '1'),
    name: 'flaky',
    app: 'reports',
    concurrency: 1,
    environment: { ...environment, LEDGER_UNAVAILABLE_RATE: '1' },
  })
  try {
    const send = `
import structlog
from app.tasks import build
structlog.contextvars.bind_contextvars(correlation_id="retry-me-please")
print(build.delay("acme-1", 5).id)`
    const { stdout } = await promisify(execFile)(PYTHON, ['-c', send], {
      cwd: APPS.reports,
      env: pythonEnvironment(redis.url.replace(/0$/, '1')),
    })
    const id = stdout.trim()
    const second = await lineIn(
      flaky,
      line => line['event'] === 'report started' && line['task_id'] === id && line['retries'] === 1,
    )
    expect(second['correlation_id']).toBe('retry-me-please')
  } finally {
    await flaky.kill()
  }
})

test('when the broker is gone: alive but not ready, orders refused with 503 soon, nothing internal in a body', async () => {
  await redis.kill()
  try {
    expect((await fetch(`${url}/health`)).status).toBe(200)
    const ready = await fetch(`${url}/ready`)
    expect(ready.status).toBe(503)
    expect(await ready.json()).toEqual({ status: 'unavailable', reason: 'broker_unreachable' })
    const begin = Date.now()
    for (const order of [
      post('/reports', { account: 'acme-1', rows: 5 }),
      post('/maintenance', { job: 'check_ledger' }),
    ]) {
      const answer = await order
      expect(answer.status).toBe(503)
      expect(await answer.text()).not.toMatch(/127\.0\.0\.1|Error/)
    }
    expect(Date.now() - begin).toBeLessThan(10_000)
  } finally {
    await redis.restart()
  }
})

test.each([
  [{ CELERY_BROKER_URL: '' }, 'CELERY_BROKER_URL is not set'],
  [{ CELERY_BROKER_URL: 'amqp://guest:s3cr3t@host//' }, 'CELERY_BROKER_URL must begin with redis://'],
  [{ LEDGER_UNAVAILABLE_RATE: 'often' }, 'LEDGER_UNAVAILABLE_RATE must be a number from 0 to 1'],
  [{ LOG_LEVEL: 'LOUD' }, 'LOG_LEVEL must be one of'],
])('a wrong setting %j ends the start with a sentence and shows no secret', async (wrong, sentence) => {
  const failure = await promisify(execFile)(PYTHON, ['-c', 'import app.main'], {
    cwd: APPS.reports,
    env: pythonEnvironment(redis.url, undefined, wrong),
  }).then(
    () => undefined,
    (error: { code: number; stderr: string }) => error,
  )
  expect(failure?.code).toBe(1)
  expect(failure?.stderr).toContain(sentence)
  expect(failure?.stderr).not.toMatch(/s3cr3t|Traceback/)
})
