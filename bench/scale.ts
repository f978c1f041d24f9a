/**
 * Question: what does the whole program need at scale, on a real Redis with its default subscriber limit? Memory after a million
 * events and with 200,000 tasks waiting, the time of a scrape of more than 10,000 series while 2,000 events a second flow, the longest
 * block of its event loop, what of it the scrapes ask of the workers (nothing), and whether any event is lost.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from '@redis/client'
import { startRedis } from '../test/servers/redis.ts'
import { publish, type Program, startProgram } from './load/program.ts'

const MIB = 1024 * 1024
const ALL = ['sent', 'received', 'started', 'succeeded'] as const
const SCRAPES = 100

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

const redis = await startRedis()
const counts = { counted: 0 }
try {
  if (!process.argv.includes('--scrapes')) await memory()
  await waiting()
  await scrapes()
} finally {
  await redis.stop()
}

async function withProgram(run: (program: Program) => Promise<void>): Promise<void> {
  const program = await startProgram(redis.url)
  counts.counted = 0
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

function scrapes(): Promise<void> {
  return withProgram(async program => {
    const control = createClient({ url: redis.url })
    await control.connect()
    let controlMessages = 0
    await control.pSubscribe('/0.celery.pidbox', () => void controlMessages++)
    // 1,000 pairs of task and queue: 40 series each, and 50,000 children of histograms.
    await publish(redis.port, { tasks: 20_000, names: 1000, queues: 1000, workers: 50, events: ALL }, 20_000)
    await untilCounted(program, 80_000)
    const text = await program.scrape()
    const series = text.split('\n').filter(line => line !== '' && !line.startsWith('#')).length
    const flow = publish(
      redis.port,
      { tasks: 7500, names: 1000, queues: 1000, workers: 50, events: ALL, offset: 1_000_000 },
      2000,
    )
    await sleep(500)
    const before = controlMessages
    const times: number[] = []
    let longestBlockSeconds = 0
    for (let i = 0; i < SCRAPES; i++) {
      const began = performance.now()
      const answer = await program.scrape()
      times.push(performance.now() - began)
      const lag = /^celeriac_event_loop_lag_seconds (\S+)$/m.exec(answer)?.[1]
      longestBlockSeconds = Math.max(longestBlockSeconds, Number(lag ?? 0))
      await sleep(100)
    }
    await flow
    times.sort((a, b) => a - b)
    const quantile = (q: number): string =>
      (times[Math.min(times.length - 1, Math.floor(q * times.length))] ?? 0).toFixed(1)
    say(
      `scrapes of ${series} series (${(text.length / MIB).toFixed(1)} MiB) at 2,000 events/s: p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms; ` +
        `longest block of the event loop ${(longestBlockSeconds * 1000).toFixed(0)} ms; ${controlMessages - before} control messages in ${SCRAPES} scrapes ` +
        '(rounds of the schedule included)',
    )
    control.destroy()
  })
}
