import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Labels } from '../../src/base/index.ts'
import { freePort } from '../servers/child.ts'

const START_TIMEOUT_MS = 20_000
/** The NaN that ends a series (Prometheus `model/value` StaleNaN). */
const STALE_BITS = 0x7ff0000000000002n

export const hasPrometheus = spawnSync('prometheus', ['--version']).status === 0

export interface WrittenSeries {
  readonly labels: Labels
  readonly samples: readonly (readonly [atMs: number, value: number | 'stale'])[]
}

export interface PrometheusServer {
  /** Without a slash at the end. */
  readonly url: string
  /** Writes everything in one remote-write request, so that series may begin at the same time. */
  write(series: readonly WrittenSeries[]): Promise<void>
  /** Answers of `/api/v1/<path>`, error answers included. */
  query(
    path: 'query' | 'query_range',
    parameters: Readonly<Record<string, string>>,
  ): Promise<PrometheusAnswer>
  /** Writes files into its folder and has it read its configuration anew. */
  reload(files: Readonly<Record<string, string>>): Promise<void>
  stop(): Promise<void>
}

export interface PrometheusAnswer {
  readonly status: 'success' | 'error'
  readonly error?: string
  readonly data?: { readonly resultType: string; readonly result: unknown }
}

/** A real Prometheus on a free loopback port, in a folder of its own with `files` in it. Unless told otherwise it scrapes nothing. */
export async function startPrometheus(
  files: Readonly<Record<string, string>> = { 'prometheus.yml': 'scrape_configs: []\n' },
): Promise<PrometheusServer> {
  const folder = await mkdtemp(join(tmpdir(), 'celeriac-prometheus-'))
  const file = join(folder, 'prometheus.yml')
  const write = (changed: Readonly<Record<string, string>>): Promise<unknown> =>
    Promise.all(Object.entries(changed).map(([name, text]) => writeFile(join(folder, name), text)))
  await write(files)
  const url = `http://127.0.0.1:${await freePort()}`
  const child = spawn(
    'prometheus',
    [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      '--storage.tsdb.retention.time=100y',
      `--web.listen-address=${new URL(url).host}`,
      '--web.enable-remote-write-receiver',
      '--web.enable-lifecycle',
    ],
    { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let output = ''
  child.stderr.on('data', chunk => (output = (output + String(chunk)).slice(-2000)))
  child.on('error', error => (output += error.message))
  const endWithUs = (): void => {
    child.kill('SIGKILL')
  }
  process.on('exit', endWithUs)
  const stop = async (): Promise<void> => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
      child.kill('SIGKILL')
      await ended
    }
    process.off('exit', endWithUs)
    await rm(folder, { recursive: true, force: true })
  }
  const deadline = Date.now() + START_TIMEOUT_MS
  const ready = async (): Promise<boolean> => {
    try {
      return (await fetch(`${url}/-/ready`)).ok
    } catch {
      // Not listening yet.
      return false
    }
  }
  while (!(await ready())) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop()
      throw new Error(`prometheus did not start: ${output}`)
    }
    await sleep(50)
  }
  return {
    url,
    async reload(changed) {
      await write(changed)
      const response = await fetch(`${url}/-/reload`, { method: 'POST' })
      if (!response.ok) throw new Error(`Prometheus answered ${response.status}: ${await response.text()}`)
    },
    async write(series) {
      const response = await fetch(`${url}/api/v1/write`, {
        method: 'POST',
        headers: { 'content-encoding': 'snappy', 'content-type': 'application/x-protobuf' },
        body: new Uint8Array(snappyOfLiterals(writeRequest(series))),
      })
      if (!response.ok) throw new Error(`Prometheus answered ${response.status}: ${await response.text()}`)
    },
    async query(path, parameters) {
      const response = await fetch(`${url}/api/v1/${path}`, {
        method: 'POST',
        body: new URLSearchParams(parameters),
      })
      return (await response.json()) as PrometheusAnswer
    },
    stop,
  }
}

/** Protobuf base-128 number. */
function varint(value: number | bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt(value)
  while (rest > 0x7fn) {
    bytes.push(Number((rest & 0x7fn) | 0x80n))
    rest >>= 7n
  }
  return Buffer.from([...bytes, Number(rest)])
}

/** A length-delimited protobuf field. */
const field = (number: number, body: Buffer): Buffer =>
  Buffer.concat([Buffer.from([(number << 3) | 2]), varint(body.length), body])

function sample(atMs: number, value: number | 'stale'): Buffer {
  const double = Buffer.alloc(9)
  double[0] = (1 << 3) | 1
  if (value === 'stale') double.writeBigUInt64LE(STALE_BITS, 1)
  else double.writeDoubleLE(value, 1)
  return field(2, Buffer.concat([double, Buffer.from([2 << 3]), varint(atMs)]))
}

/** `prometheus.WriteRequest` of remote write 1.0. */
function writeRequest(series: readonly WrittenSeries[]): Buffer {
  return Buffer.concat(
    series.map(({ labels, samples }) => {
      const pairs = [...labels].map(([name, value]) =>
        field(1, Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from(value))])),
      )
      return field(1, Buffer.concat([...pairs, ...samples.map(([atMs, value]) => sample(atMs, value))]))
    }),
  )
}

/** Snappy's block format allows not to compress: the length, then literals of at most 2^16 bytes. */
function snappyOfLiterals(body: Buffer): Buffer {
  const parts = [varint(body.length)]
  const TWO_LENGTH_BYTES = 61 << 2
  for (let at = 0; at < body.length; at += 0x10000) {
    const chunk = body.subarray(at, at + 0x10000)
    const head = Buffer.from([TWO_LENGTH_BYTES, 0, 0])
    head.writeUInt16LE(chunk.length - 1, 1)
    parts.push(head, chunk)
  }
  return Buffer.concat(parts)
}
