/**
 * Question: what does the whole program need at scale, on a real Redis with its default subscriber limit? Memory after a million
 * events and with 200,000 tasks waiting, the time of a scrape of 10,000 series and of 50,000 series of histograms while 2,000 events
 * a second flow, the longest block of its event loop meanwhile, what the scrapes ask of the workers (nothing), and whether any event
 * is lost; and an exposition larger than the program's caps allow. One part alone: `npm run bench -- scale --part series`.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { createClient } from '@redis/client'
import { startRedis } from '../test/servers/redis.ts'
import { publish, type Program, startProgram } from './load/program.ts'

const MIB = 1024 * 1024
const ALL = ['sent', 'received', 'started', 'succeeded'] as const
const FLOW_SECONDS = 40
const COLLECTED_EVERY_MS = 5000

const say = (text: string): void => void process.stdout.write(`${text}\n`)
const mib = (bytes: number): string => `${(bytes / MIB).toFixed(0)} MiB`

/** Waits until the program counted so many events; tells how many are missing in the end. */
async function untilCounted(program: Program, events: number): Promise<number> {
  for (let i = 0; i < 300; i++) {
    if ((await program.metric('celeriac_events_total')) >= events) return 0
    await sleep(200)
  }
  return events - (await program.metric('celeriac_events_total'))
}

const agent = new Agent({ keepAlive: true })
const PARTS = { memory, waiting, series, children, exposition }
const chosen =
  parseArgs({ options: { part: { type: 'string', multiple: true } } }).values.part ?? Object.keys(PARTS)
const unknown = chosen.filter(name => !Object.hasOwn(PARTS, name))
if (unknown.length > 0)
  throw new Error(`--part takes ${Object.keys(PARTS).join(', ')}, not ${unknown.join(', ')}`)

const redis = await startRedis()
try {
  for (const name of chosen) await PARTS[name as keyof typeof PARTS]()
} finally {
  await redis.stop()
}

async function withProgram(run: (program: Program) => Promise<void>): Promise<void> {
  const program = await startProgram(redis.url)
  try {
    await run(program)
  } finally {
    await program.stop()
  }
}

function memory(): Promise<void> {
  return withProgram(async program => {
    const cpu = program.cpuSeconds()
    const { events, seconds } = await publish(
      redis.port,
      { tasks: 250_000, names: 20, queues: 4, workers: 50, events: ALL },
      20_000,
    )
    const lost = await untilCounted(program, events)
    const used = program.cpuSeconds() - cpu
    say(
      `a million events: ${Math.round(events / seconds)} events/s, ${lost} lost, ${((used / events) * 100_000).toFixed(2)} CPU-s per 100,000 events, ` +
        `${((used / seconds) * 100).toFixed(0)} % of a core, RSS ${mib(program.rssBytes())}`,
    )
  })
}

function waiting(): Promise<void> {
  return withProgram(async program => {
    const { events } = await publish(
      redis.port,
      { tasks: 200_000, names: 20, queues: 4, workers: 50, events: ['sent'] },
      20_000,
    )
    const lost = await untilCounted(program, events)
    await sleep(6000)
    say(`200,000 tasks waiting: ${lost} lost, RSS ${mib(program.rssBytes())}`)
    await publish(
      redis.port,
      { tasks: 200_000, names: 20, queues: 4, workers: 50, events: ['received', 'started', 'succeeded'] },
      20_000,
    )
    await untilCounted(program, 800_000)
    const waits = await program.metric('celery_task_wait_time_seconds_count')
    say(`… then started: ${waits} waits observed, RSS ${mib(program.rssBytes())}`)
  })
}

/** What must hold: 10,000 series, p99 under 20 ms, no block over 50 ms. */
function series(): Promise<void> {
  return scrapes('10,000 series', 190)
}

/** As many histogram series as the cap on series of tasks lets be, 50,000 and more: no block over 50 ms. */
function children(): Promise<void> {
  return scrapes('50,000 series of histograms', 1400)
}

/** Scrapes while 2,000 events a second flow over so many pairs of task and queue; each pair has about 45 series. */
function scrapes(what: string, pairs: number): Promise<void> {
  return withProgram(async program => {
    const control = createClient({ url: redis.url })
    // Redis may stop first when something fails.
    control.on('error', () => {})
    await control.connect()
    let controlMessages = 0
    await control.pSubscribe('/0.celery.pidbox', () => void controlMessages++)
    const shape = { names: pairs, queues: pairs, workers: 50, events: ALL }
    await publish(redis.port, { ...shape, tasks: 20 * pairs }, 2000)
    await untilCounted(program, 80 * pairs)
    // A second collection has every series, a third finds them where they were.
    await sleep(3 * COLLECTED_EVERY_MS)
    const text = await program.scrape()
    const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
    const flow = publish(
      redis.port,
      { ...shape, tasks: (FLOW_SECONDS * 2000) / ALL.length, offset: 1_000_000 },
      2000,
    )
    await sleep(500)
    const cpu = program.cpuSeconds()
    const before = controlMessages
    const times: number[] = []
    const floor: number[] = []
    const blocksMs: number[] = []
    const began = performance.now()
    for (let i = 0; performance.now() - began < (FLOW_SECONDS - 2) * 1000; i++) {
      const { ms, body } = await timed(`${program.url}/metrics`)
      times.push(ms)
      const answer = body.toString()
      const lag = /^celeriac_event_loop_lag_seconds (\S+)$/m.exec(answer)?.[1]
      blocksMs.push(Number(lag ?? 0) * 1000)
      await sleep(100)
      floor.push((await timed(`${program.url}/livez`)).ms)
      await sleep(100)
    }
    const seconds = (performance.now() - began) / 1000
    const used = program.cpuSeconds() - cpu
    await flow
    const histograms = lines.filter(line => /_(bucket|sum|count)[{ ]/.test(line)).length
    say(
      `${what}: ${times.length} scrapes of ${lines.length} series, ${histograms} of them of histograms (${(text.length / MIB).toFixed(1)} MiB) ` +
        `at 2,000 events/s: p50 ${quantile(times, 0.5)} ms, p99 ${quantile(times, 0.99)} ms (a request for nothing: p50 ${quantile(floor, 0.5)} ms, p99 ${quantile(floor, 0.99)} ms); longest block of the event loop ` +
        `${Math.max(...blocksMs).toFixed(0)} ms, of the median 5 s ${quantile(blocksMs, 0.5)} ms; ${((used / seconds) * 100).toFixed(0)} % of a core; ` +
        `${controlMessages - before} control messages (rounds of the schedule included: 2 in a minute)`,
    )
    control.destroy()
  })
}

/** What the program's cap does not let come about: an exposition of 50,000 label sets of one histogram, 15 series or more each. */
async function exposition(): Promise<void> {
  const LABEL_SETS = 50_000
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'load', 'exposition-server.js'), String(LABEL_SETS)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const [port] = (await once(child.stdout, 'data')) as [Buffer]
  const url = `http://127.0.0.1:${String(port).trim()}`
  await (await fetch(`${url}/block`)).text()
  const times: number[] = []
  const blocksMs: number[] = []
  let bytes = 0
  for (let i = 0; i < 20; i++) {
    const answer = await timed(`${url}/metrics`)
    times.push(answer.ms)
    bytes = answer.body.length
    blocksMs.push(Number(await (await fetch(`${url}/block`)).text()))
  }
  child.kill()
  say(
    `an exposition of ${LABEL_SETS} label sets of a histogram (${(bytes / MIB).toFixed(0)} MiB): p50 ${quantile(times, 0.5)} ms, ` +
      `p99 ${quantile(times, 0.99)} ms; longest block ${Math.max(...blocksMs).toFixed(0)} ms`,
  )
}

/** From the request to the last byte, compressed and over a connection that stays open, as Prometheus scrapes; unpacked after the clock. */
function timed(url: string): Promise<{ readonly ms: number; readonly body: Buffer }> {
  return new Promise((resolve, reject) => {
    const asked = performance.now()
    const request = get(url, { agent, headers: { 'accept-encoding': 'gzip' } }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const ms = performance.now() - asked
        const body = Buffer.concat(chunks)
        resolve({ ms, body: response.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body })
      })
      response.on('error', reject)
    })
    request.on('error', reject)
  })
}

function quantile(values: readonly number[], q: number): string {
  const sorted = [...values].sort((a, b) => a - b)
  return (sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0).toFixed(1)
}
