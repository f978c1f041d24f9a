/** `celeriac baseline` against stores that run: a real Prometheus with a day of history, and the program itself with a minute. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DAY, Labels, MINUTE } from '../../src/base/index.ts'
import { metrics } from '../../src/catalog/index.ts'
import { run } from '../../src/cli/run.ts'
import {
  hasPrometheus,
  type PrometheusServer,
  startPrometheus,
  type WrittenSeries,
} from '../conformance/promql-prometheus.ts'
import { eventually, startCeleriac } from '../servers/celeriac.ts'

const folder = mkdtempSync(join(tmpdir(), 'celeriac-baseline-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function celeriac(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const into = (add: (text: string) => void): Writable =>
    new Writable({
      write(chunk, _encoding, done) {
        add(String(chunk))
        done()
      },
    })
  const code = await run(args, {
    env: {},
    folder,
    stdout: into(text => (out += text)),
    stderr: into(text => (err += text)),
    untilStopped: () => new Promise(() => undefined),
  })
  return { code, out, err }
}

interface Row {
  readonly alert: string
  readonly name: string | null
  readonly present: { readonly threshold: number; readonly fires: number } | null
  readonly proposed: { readonly threshold: number; readonly fires: number } | null
  readonly reason: string | null
}
const rowsOf = (out: string): readonly Row[] => (JSON.parse(out) as { proposals: Row[] }).proposals
const rowOf = (out: string, alert: string, name: string): Row | undefined =>
  rowsOf(out).find(row => row.alert === alert && row.name === name)

describe.skipIf(!hasPrometheus)('a day of history in Prometheus', () => {
  let prometheus: PrometheusServer
  const endMs = Math.floor(Date.now() / MINUTE) * MINUTE
  const startMs = endMs - DAY
  const series = (
    name: string,
    labels: Readonly<Record<string, string>>,
    at: (minute: number) => number | null,
  ): WrittenSeries => ({
    labels: Labels.from({ __name__: name, broker: 'default', ...labels }),
    samples: Array.from({ length: DAY / MINUTE }, (_, minute) => [minute, at(minute)] as const).flatMap(
      ([minute, value]) => (value === null ? [] : [[startMs + minute * MINUTE, value] as const]),
    ),
  })
  const render = { task: 'report.render', queue: 'reports' }

  beforeAll(async () => {
    prometheus = await startPrometheus()
    await prometheus.write([
      // One bad half hour.
      series(metrics.queueDepth.name, { queue: 'reports' }, m =>
        m >= 700 && m < 730 ? 5000 : 20 + (m % 20),
      ),
      series(metrics.queueDepth.name, { queue: 'bulk' }, m => 700 + (m % 100)),
      // Known for three hours of the day: the rest is not 0.
      series(metrics.queueDepth.name, { queue: 'new' }, m => (m < 180 ? 5 : null)),
      // Two runs a minute, each of 100 s.
      ...[...(metrics.taskRuntime.buckets ?? []), Infinity].map(bound =>
        series(
          `${metrics.taskRuntime.name}_bucket`,
          { ...render, le: bound === Infinity ? '+Inf' : String(bound) },
          m => (bound >= 120 ? 2 * m : 0),
        ),
      ),
    ])
  }, 60_000)
  afterAll(() => prometheus?.stop())

  const ask = (...more: readonly string[]) =>
    celeriac('baseline', '--url', prometheus.url, '--step', '1m', '--since', '24h', ...more)

  test('proposes by queue and by task, with how often each limit would have fired', async () => {
    const { code, out, err } = await ask('--json')
    expect([code, err]).toEqual([0, ''])
    expect(rowOf(out, 'CeleryQueueDepthHigh', 'reports')).toMatchObject({
      present: { threshold: 100, fires: 1 },
      proposed: { threshold: 60, fires: 1 },
    })
    expect(rowOf(out, 'CeleryQueueDepthHigh', 'bulk')).toMatchObject({
      present: { threshold: 100, fires: 1 },
      proposed: { threshold: 1200, fires: 0 },
    })
    expect(rowOf(out, 'CeleryQueueDepthHigh', 'new')).toMatchObject({
      proposed: null,
      reason: expect.stringMatching(/too short: 3h/),
    })
    // p95 of runs between 90 and 120 s is told as 118.5 s.
    expect(rowOf(out, 'CelerySlowProcessing', 'report.render')).toMatchObject({
      present: { threshold: 60, fires: 1 },
      proposed: { threshold: 200, fires: 0 },
    })
  }, 120_000)

  test('says the same in words, and writes it into a configuration that then holds', async () => {
    const path = join(folder, 'celeriac.config.yaml')
    writeFileSync(path, '# Ours.\nalerts:\n  CeleryQueueDepthHigh: # deep\n    threshold: 100\n')
    const alert = ['--alert', 'CeleryQueueDepthHigh']
    const { code, out, err } = await ask(...alert, '--write', path)
    expect(code).toBe(0)
    expect(out).toMatch(/queue bulk +\S+ to \S+ +100 \(1x\) +1200 \(0x\)/)
    expect(err).toContain('2 limits written into')
    const text = readFileSync(path, 'utf8')
    expect(text).toContain('# Ours.')
    expect(text).toContain('# deep')
    expect(text).toContain('bulk: 1200')
    const again = await ask(...alert, '--config', path, '--json')
    expect(rowOf(again.out, 'CeleryQueueDepthHigh', 'bulk')?.present).toEqual({ threshold: 1200, fires: 0 })
    expect(JSON.parse(again.out)).toMatchObject({ settings: [] })
  }, 120_000)

  test('a password in the URL is told to nobody', async () => {
    const url = prometheus.url.replace('http://', 'http://me:s3cr3t@')
    const { code, out, err } = await celeriac('baseline', '--url', url, '--step', '1m', '--json')
    expect(code).toBe(0)
    expect(out + err).not.toContain('s3cr3t')
  }, 120_000)
})

test('the program itself is asked; a minute of history is too short, unless less is asked for', async () => {
  const demo = await startCeleriac(['demo'])
  try {
    const short = await celeriac('baseline', '--url', demo.url, '--since', '1h')
    expect(short.code).toBe(1)
    const enough = [
      'baseline',
      '--url',
      demo.url,
      '--since',
      '5m',
      '--step',
      '1s',
      '--minimum',
      '2s',
      '--json',
    ]
    const row = await eventually('a proposal', 60_000, async () => {
      const { out } = await celeriac(...enough)
      return rowsOf(out).find(({ alert, proposed }) => alert === 'CeleryQueueDepthHigh' && proposed !== null)
    })
    expect(row.proposed?.threshold).toBeGreaterThanOrEqual(10)
  } finally {
    await demo.stop()
  }
}, 180_000)

test.each([
  [['--url', 'ftp://a'], '--url: expected a URL'],
  [['--headroom', '0.5'], '--headroom: expected a number from 1 to 100'],
  [['--since', 'yesterday'], '--since: expected a duration'],
  [['--alert', 'CelerySlowProcesing'], 'did you mean "CelerySlowProcessing"?'],
])('%j is used wrongly', async (args, message) => {
  const { code, err } = await celeriac('baseline', ...args)
  expect(code).toBe(2)
  expect(err).toContain(message)
})

test('a server that is not there, or is no Prometheus, is told in one line', async () => {
  const { code, err } = await celeriac('baseline', '--url', 'http://127.0.0.1:1')
  expect(code).toBe(1)
  expect(err).toMatch(/^celeriac: http:\/\/127\.0\.0\.1:1\/api\/v1\/query_range does not answer: .*\n$/)
})
