import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { TrafficShape } from './traffic.ts'

/** A running Celeriac, the whole program in a process of its own. */
export interface Program {
  readonly url: string
  readonly pid: number
  /** Sum over the samples of a metric whose line holds every given text; NaN when there is none. */
  metric(name: string, ...containing: readonly string[]): Promise<number>
  scrape(): Promise<string>
  /** CPU seconds so far, user and system, counted by the kernel. */
  cpuSeconds(): number
  rssBytes(): number
  stop(): Promise<void>
}

const TICKS_PER_SECOND = 100
const PAGE_BYTES = 4096

/**
 * Starts the built program on a broker; resolves when the broker is connected. `BENCH_NODE_ARGS` are given to its Node:
 * `--cpu-prof`, `--trace-gc`.
 */
export async function startProgram(brokerUrl: string, args: readonly string[] = []): Promise<Program> {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-bench-'))
  const child: ChildProcess = spawn(
    process.execPath,
    [
      ...(process.env['BENCH_NODE_ARGS'] ?? '').split(' ').filter(arg => arg !== ''),
      join(process.cwd(), 'dist', 'src', 'cli', 'main.js'),
      'start',
      '--broker',
      brokerUrl,
      '--listen',
      '127.0.0.1:0',
      '--log-format',
      'json',
      ...args,
    ],
    { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  process.on('exit', () => child.kill('SIGKILL'))
  let output = ''
  child.stdout?.on('data', chunk => (output = (output + String(chunk)).slice(-100_000)))
  const until = async (what: string, check: () => Promise<boolean> | boolean): Promise<void> => {
    for (let i = 0; i < 600; i++) {
      if (await check()) return
      await sleep(50)
    }
    throw new Error(`${what}: not within 30 s\n${output.slice(-1000)}`)
  }
  await until('a URL', () => /^http:\S+/m.test(output))
  const url = /^http:\S+?(?=\/?$)/m.exec(output)?.[0] ?? ''
  const pid = child.pid ?? 0
  const scrape = async (): Promise<string> => (await fetch(`${url}/metrics`)).text()
  const metric: Program['metric'] = async (name, ...containing) => {
    let sum = Number.NaN
    for (const line of (await scrape()).split('\n'))
      if (new RegExp(`^${name}[{ ]`).test(line) && containing.every(text => line.includes(text)))
        sum = (Number.isNaN(sum) ? 0 : sum) + Number(line.slice(line.lastIndexOf(' ') + 1))
    return sum
  }
  await until('connected', async () => (await metric('celery_broker_up')) === 1)
  return {
    url,
    pid,
    metric,
    scrape,
    cpuSeconds: () => cpuSecondsOf(pid),
    rssBytes: () => Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES,
    async stop() {
      const ended = new Promise(resolve => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** CPU seconds of a process so far, user and system, as the kernel counts them. */
export function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** Publishes a load to a Redis, or to the vhost `/` of a RabbitMQ, from a process of its own. */
export async function publish(
  port: number,
  shape: TrafficShape,
  eventsPerSecond = 0,
  transport: 'redis' | 'amqp' = 'redis',
): Promise<{ readonly events: number; readonly seconds: number; readonly unheard: number }> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(import.meta.dirname, transport === 'redis' ? 'publisher.js' : 'amqp-publisher.js'),
    String(port),
    JSON.stringify(shape),
    String(eventsPerSecond),
  ])
  return JSON.parse(stdout) as { events: number; seconds: number; unheard: number }
}
