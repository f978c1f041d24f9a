import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CheckReport } from '../../src/app/index.ts'
import { run } from '../../src/cli/run.ts'
import { eventually, type RunningCeleriac, startCeleriac } from '../servers/celeriac.ts'
import {
  produce,
  type RunningWorker,
  startWorker,
  SYSTEM_PYTHON,
  type WorkerOptions,
} from '../servers/celery.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'

/** `celeriac check` on fleets that are well and fleets that are not, one a database, all checked at once. */
const FLEETS: Readonly<
  Record<
    string,
    {
      readonly database: number
      readonly workers: readonly Partial<WorkerOptions>[]
      /** Of the sender. */
      readonly sender?: Readonly<Record<string, unknown>>
      /** Codes that are not ok. */
      readonly found: readonly string[]
      readonly title?: RegExp
    }
  >
> = {
  healthy: { database: 1, workers: [{}, {}], found: [] },
  'without -E': {
    database: 2,
    workers: [{ events: false }],
    found: ['task-events-off'],
    title: /^The only worker sends no task events: w2-0@test\.$/,
  },
  'silent senders': {
    database: 3,
    workers: [{}],
    sender: { task_send_sent_event: false },
    found: ['sent-events-off'],
    title: /^No sender tells what it sends/,
  },
  pickle: {
    database: 4,
    workers: [{ settings: { task_serializer: 'pickle', accept_content: ['json', 'pickle'] } }],
    found: ['replies-serializer'],
    title: /^1 worker answers in pickle: w4-0@test\.$/,
  },
  'pickle only': {
    database: 5,
    workers: [{ settings: { task_serializer: 'pickle', accept_content: ['pickle'] } }],
    sender: { task_serializer: 'pickle' },
    found: ['remote-control-off'],
    title: /^The only worker does not answer remote control: w5-0@test\.$/,
  },
  threads: {
    database: 6,
    workers: [{ pool: 'threads', python: SYSTEM_PYTHON }],
    found: ['threads-pool-loses-events'],
  },
  twins: {
    database: 7,
    workers: [{ name: 'same' }, { name: 'same' }],
    found: ['duplicate-node-names'],
    title: /share one node name: same@test\./,
  },
}

const NAMES = Object.keys(FLEETS)
/** `without -E` is no name of a broker. */
const brokerOf = (name: string): string => name.replace(/\W+/g, '-')

let folder: string
let redis: RedisServer
let workers: readonly RunningWorker[] = []
let feeding: Promise<void>
const feed = new AbortController()
let report: CheckReport
let exitCode: number

const urlOf = (database: number): string => `redis://127.0.0.1:${redis.port}/${database}`

/** Work for minutes, sent at once: what a check sees must not hang on how fast a producer is. */
const work = ({ database, sender }: (typeof FLEETS)[string]): Promise<unknown> =>
  produce({
    brokerUrl: urlOf(database),
    count: 600,
    mix: 'work',
    seconds: 0.25,
    ...(sender === undefined ? {} : { settings: sender }),
  })

/** That senders are silent shows only in tasks sent while somebody listens. */
async function feedUntil(signal: AbortSignal): Promise<void> {
  const { database, sender } = FLEETS['silent senders']!
  await produce({
    brokerUrl: urlOf(database),
    count: 8,
    mix: 'work',
    seconds: 0,
    ...(sender && { settings: sender }),
  })
  await sleep(200)
  if (!signal.aborted) await feedUntil(signal)
}

async function check(args: readonly string[]): Promise<{ code: number; out: string }> {
  let out = ''
  const sink = (): Writable =>
    new Writable({
      decodeStrings: false,
      write(chunk: string, _encoding, done) {
        out += chunk
        done()
      },
    })
  const code = await run(['check', ...args], {
    env: {},
    folder,
    stdout: sink(),
    stderr: new Writable({ write: (_chunk, _encoding, done) => done() }),
    untilStopped: () => Promise.resolve('SIGTERM'),
  })
  return { code, out }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'celeriac-check-'))
  redis = await startRedis()
  workers = await Promise.all(
    Object.values(FLEETS).flatMap(fleet =>
      fleet.workers.map((options, i) =>
        startWorker({
          brokerUrl: urlOf(fleet.database),
          name: `w${fleet.database}-${i}`,
          truthFile: join(folder, `truth-${fleet.database}`),
          concurrency: 1,
          // Celery refuses pickle to a superuser unless told otherwise.
          environment: { C_FORCE_ROOT: '1' },
          ...options,
        }),
      ),
    ),
  )
  await Promise.all(NAMES.flatMap(name => (name === 'silent senders' ? [] : [work(FLEETS[name]!)])))
  feeding = feedUntil(feed.signal)
  const brokers = NAMES.flatMap(name => [
    '--broker',
    `${brokerOf(name)}=${urlOf(FLEETS[name]?.database ?? 0)}`,
  ])
  const { code, out } = await check([...brokers, '--json', '--watch', '25s'])
  exitCode = code
  report = JSON.parse(out) as CheckReport
}, 180_000)

afterAll(async () => {
  feed.abort()
  await feeding
  await Promise.all(workers.map(worker => worker.kill()))
  await redis?.stop()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

describe.each(NAMES)('%s', name => {
  test('is told as it is, and nothing else is', () => {
    const { found, title } = FLEETS[name]!
    const findings = report.brokers.find(broker => broker.name === brokerOf(name))?.findings ?? []
    const bad = findings.filter(({ level }) => level !== 'ok')
    expect(bad.map(({ code }) => code)).toEqual(found)
    if (title !== undefined) expect(bad[0]?.title).toMatch(title)
    expect(findings.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['connected', 'queues-visible', 'workers-visible', 'events-visible']),
    )
  })
})

test('what is wrong ends with 1', () => {
  expect(report.ok).toBe(false)
  expect(exitCode).toBe(1)
})

test('what is only missing ends with 0, or with 1 when asked to be strict; and is told in three lines', async () => {
  const broker = ['--broker', urlOf(2), '--watch', '20s']
  const [lax, strict] = await Promise.all([check(broker), check([...broker, '--strict'])])
  expect([lax.code, strict.code]).toEqual([0, 1])
  expect(lax.out).toMatch(
    /missing {2}The only worker sends no task events: w2-0@test\.\n +Cost: Rates.*\n +Fix: {2}Start them with -E/,
  )
  expect(lax.out).toMatch(/0 wrong, 1 missing, 4 ok\.\n$/)
})

test('a wrong database number is told with the right one', async () => {
  const { code, out } = await check(['--broker', urlOf(9), '--watch', '12s'])
  expect(code).toBe(1)
  expect(out).toMatch(
    /WRONG +No worker was heard here, and events are heard elsewhere on this server: \/1\.celeryev\//,
  )
  expect(out).toMatch(/Fix: {2}Use a broker URL that ends in \/1;/)
})

describe('enableEvents', () => {
  let celeriac: RunningCeleriac
  afterAll(() => celeriac?.stop())

  test('asks a worker once, and then its task events come', async () => {
    celeriac = await startCeleriac(
      ['start', '--broker', urlOf(2), '--enable-events'],
      'inspectInterval: 1s\n',
    )
    await eventually('task events', 60_000, async () => {
      const samples = await celeriac.scrape()
      const received = samples.filter(({ name }) => name === 'celery_task_received_total')
      return received.some(({ value }) => value > 0) ? true : undefined
    })
    await sleep(4000)
    expect(celeriac.log().match(/Asking workers to send task events/g)).toHaveLength(1)
  })
})
