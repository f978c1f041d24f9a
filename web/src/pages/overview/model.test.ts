import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Overview } from '../../../../src/contract/index.ts'
import {
  type AlertRow,
  alertStatus,
  drainsIn,
  holdRows,
  notices,
  type QueueRow,
  queueMark,
  shortNames,
  sortAlerts,
  sortQueues,
  sortWorkers,
  tileMark,
  toldAlert,
  type Tile,
  type WorkerCell,
} from './model.ts'

const plain = (text: string | null | undefined): string => (text ?? '').replace(/[\u2009\u00a0]/g, ' ')

const queue = (over: Partial<QueueRow>): QueueRow => ({
  broker: 'default',
  queue: 'q',
  state: 'ok',
  depth: 1,
  oldestSeconds: 1,
  inPerSecond: 1,
  outPerSecond: 1,
  drainsInSeconds: 1,
  trend: 'draining',
  consumers: 1,
  ...over,
})
const alert = (over: Partial<AlertRow>): AlertRow => ({
  name: 'A',
  state: 'firing',
  severity: 'warning',
  labels: {},
  summary: '',
  description: '',
  runbook: null,
  value: 1,
  activeAtMs: 0,
  unit: null,
  heldSinceMs: null,
  ...over,
})
const worker = (name: string, state: WorkerCell['state'] = 'up'): WorkerCell => ({
  broker: 'default',
  worker: name,
  state,
  sinceMs: 0,
  active: 1,
  concurrency: 8,
  reserved: 0,
  queues: null,
})
const tile = (over: Partial<Tile>): Tile => ({
  id: 't',
  title: 'T',
  value: 872,
  unit: 'seconds',
  limit: { value: 300, bad: 'over', alert: 'A' },
  state: 'over',
  detail: null,
  spark: [],
  ...over,
})

test('queues stand worst first: state, then oldest message, then depth', () => {
  const rows = [
    queue({ queue: 'fine', oldestSeconds: 90 }),
    queue({ queue: 'silent', state: 'unknown', depth: null, oldestSeconds: null }),
    queue({ queue: 'waits', state: 'pending' }),
    queue({ queue: 'burns', state: 'firing' }),
    queue({ queue: 'orphan', depth: 94, consumers: 0 }),
    queue({ queue: 'older', oldestSeconds: 91 }),
  ]
  expect(sortQueues(rows, { column: 'worst', descending: false }).map(row => row.queue)).toEqual([
    'burns',
    'orphan',
    'waits',
    'silent',
    'older',
    'fine',
  ])
})

test('an unknown value is last whichever way a column is sorted', () => {
  const depth = fc.option(fc.integer({ min: 0, max: 50 }), { nil: null })
  fc.assert(
    fc.property(fc.array(depth, { maxLength: 20 }), fc.boolean(), (depths, descending) => {
      const rows = depths.map((value, i) => queue({ queue: `q${i}`, depth: value }))
      const sorted = sortQueues(rows, { column: 'waiting', descending }).map(row => row.depth)
      const known = sorted.filter(value => value !== null)
      expect(sorted.slice(known.length).every(value => value === null)).toBe(true)
      expect(known).toEqual([...known].sort((a, b) => (descending ? b - a : a - b)))
    }),
  )
})

test('a queue with messages and no consumer warns, an unknown one never says OK', () => {
  expect(queueMark(queue({ consumers: 0, depth: 94 }))).toEqual({ status: 'warning', word: 'No consumer' })
  expect(queueMark(queue({ consumers: 0, depth: 0 })).status).toBe('ok')
  expect(queueMark(queue({ state: 'unknown', depth: null })).word).toBe('No data')
  expect(drainsIn(queue({ trend: 'unknown', drainsInSeconds: null }))).toBe('–')
  expect(drainsIn(queue({ trend: 'growing', drainsInSeconds: null }))).toBe('growing')
  expect(plain(drainsIn(queue({ drainsInSeconds: 420 })))).toBe('7 m')
})

test('the worst alert is the critical one that fires longest', () => {
  const alerts = [
    alert({ name: 'waits', state: 'pending', severity: 'critical' }),
    alert({ name: 'warns', activeAtMs: 1 }),
    alert({ name: 'late', severity: 'critical', activeAtMs: 9 }),
    alert({ name: 'first', severity: 'critical', activeAtMs: 5 }),
  ]
  expect(sortAlerts(alerts).map(each => each.name)).toEqual(['first', 'late', 'warns', 'waits'])
  expect(alertStatus(alert({ severity: 'info' }))).toBe('info')
})

test('of alerts that wait the critical one is the worst, and the one that the verdict speaks of', () => {
  const wait = alert({ name: 'CeleryQueueWaitHigh', state: 'pending', activeAtMs: 1 })
  const failures = alert({
    name: 'CeleryHighFailureRate',
    state: 'pending',
    severity: 'critical',
    activeAtMs: 9,
  })
  const info = alert({ name: 'Info', severity: 'info' })
  expect(sortAlerts([wait, failures, info]).map(each => each.name)).toEqual([
    'Info',
    'CeleryHighFailureRate',
    'CeleryQueueWaitHigh',
  ])
  expect(toldAlert([wait, failures])).toBe(failures)
})

test('the verdict speaks of what fires and can be seen before what is only held', () => {
  const held = alert({ name: 'held', severity: 'critical', heldSinceMs: 5 })
  const seen = alert({ name: 'seen' })
  expect(toldAlert([held, seen])).toBe(seen)
  expect(toldAlert([held, alert({ state: 'pending' })])).toBe(held)
  expect(toldAlert([])).toBeUndefined()
})

test('a tile past its limit has the severity of its alert, and always words', () => {
  const words = (state: Tile['state'], alerts: AlertRow[] = []): string => {
    const { mark, quiet } = tileMark(tile({ state }), alerts)
    return plain(mark === null ? quiet : `${mark.status}: ${mark.word}`)
  }
  expect(words('over', [alert({ severity: 'critical' })])).toBe('critical: over 5 m')
  expect(words('over', [alert({ severity: 'critical', state: 'pending' })])).toBe('warning: over 5 m')
  expect(words('over')).toBe('warning: over 5 m')
  expect(words('near')).toBe('pending: near 5 m')
  expect(words('unknown')).toBe('unknown: not known')
  expect(words('stale')).toBe('unknown: stale')
  expect(words('ok')).toBe('limit 5 m')
  expect(plain(tileMark(tile({ state: 'ok', limit: null }), []).quiet)).toBe('no limit set')
  expect(
    plain(tileMark(tile({ unit: 'count', limit: { value: 2, bad: 'under', alert: 'B' } }), []).mark?.word),
  ).toBe('under 2')
})

test('workers are counted as people do, and those in trouble come first when not all fit', () => {
  const cells = [worker('w10'), worker('w2'), worker('w1'), worker('w3', 'vanished')]
  expect(sortWorkers(cells, 10).map(cell => cell.worker)).toEqual(['w1', 'w2', 'w3', 'w10'])
  expect(sortWorkers(cells, 2).map(cell => cell.worker)).toEqual(['w3', 'w1', 'w2', 'w10'])
})

test('short names still tell every worker apart', () => {
  const short = (...names: string[]): string[] => [...shortNames(names).values()]
  expect(short('w1@node-1', 'w2@node-1')).toEqual(['w1', 'w2'])
  expect(short('celery@a', 'celery@b')).toEqual(['a', 'b'])
  expect(short('w@a', 'w@b', 'v@a')).toEqual(['w@a', 'w@b', 'v@a'])
  expect(short('celery@only')).toEqual(['only'])
  expect(short('celery@a.eu.example', 'celery@b.eu.example')).toEqual(['a', 'b'])
  expect(short('celery@a.eu.example', 'celery@b.us.example')).toEqual(['a.eu', 'b.us'])
  fc.assert(
    fc.property(fc.uniqueArray(fc.stringMatching(/^[ab]{0,2}@?[ab.]{0,4}$/), { maxLength: 8 }), names => {
      const map = shortNames(names)
      expect(new Set(map.values()).size).toBe(names.length)
    }),
  )
})

test('a held list never moves a row; new ones are counted, values stay new', () => {
  const row = (id: string, value: number) => ({ id, value })
  const held = [row('b', 1), row('a', 1)]
  expect(holdRows(held, [row('c', 2), row('a', 2)], each => each.id)).toEqual({
    rows: [row('b', 1), row('a', 2)],
    waiting: 1,
  })
})

describe('notices', () => {
  const finding = (changes: Partial<Overview['findings'][number]>): Overview['findings'][number] => ({
    code: 'task-events-off',
    level: 'missing',
    broker: 'default',
    source: 'events',
    title: '3 of 16 workers send no task events: w1.',
    cost: 'Rates are not known.',
    fix: 'Start them with -E.',
    evidence: null,
    ...changes,
  })
  const overview = (changes: Partial<Overview>): Overview =>
    ({
      brokers: [{ name: 'default', state: 'connected', sinceMs: 0, error: null }],
      sources: [],
      findings: [],
      rulesEvaluated: { rules: 3, failing: 0, lastMs: 0 },
      verdict: { level: 'ok', headline: 'All quiet.', text: '', about: null },
      ...changes,
    }) as unknown as Overview

  test('a finding names the missing setting, and facts that cost nothing are not bars', () => {
    const shown = notices(overview({ findings: [finding({}), finding({ level: 'info' })] }), 1000)
    expect(shown).toMatchObject([
      { status: 'unknown', title: '3 of 16 workers send no task events: w1.', fix: 'Start them with -E.' },
    ])
  })

  test('what explains a silent source is told in the bar of that source, once', () => {
    const shown = notices(
      overview({
        sources: [
          { broker: 'default', source: 'inspect', state: 'stale', lastSuccessMs: null, detail: 'generic' },
        ],
        findings: [finding({ code: 'remote-control-off', source: 'inspect', title: 'None answers.' })],
      }),
      1000,
    )
    expect(shown).toMatchObject([
      { title: 'Worker inspection late, never seen.', text: 'None answers.', fix: 'Start them with -E.' },
    ])
  })

  test('what the verdict says has no bar of its own', () => {
    const away = { name: 'a', state: 'connecting', sinceMs: 0, error: 'gone' }
    const said = (about: string | null): string[] =>
      notices(
        overview({
          brokers: [away, { ...away, name: 'b' }] as unknown as Overview['brokers'],
          rulesEvaluated: { rules: 3, failing: 1, lastMs: 0 },
          verdict: { level: 'unknown', headline: '', text: '', about },
        }),
        1000,
      ).map(({ key }) => key)
    expect(said(null)).toEqual(['broker a', 'broker b', 'rules'])
    expect(said('broker a')).toEqual(['broker b', 'rules'])
    expect(said('rules')).toEqual(['broker a', 'broker b'])
  })

  test('while a broker is away nothing else is said of it, and with several each finding names its own', () => {
    const brokers = [
      { name: 'a', state: 'connecting', sinceMs: 0, error: 'gone' },
      { name: 'b', state: 'connected', sinceMs: 0, error: null },
    ] as unknown as Overview['brokers']
    const shown = notices(
      overview({ brokers, findings: [finding({ broker: 'a' }), finding({ broker: 'b', level: 'wrong' })] }),
      1000,
    )
    expect(shown.map(({ title, status }) => [status, title])).toEqual([
      ['critical', expect.stringMatching(/^Broker a not reached/) as string],
      ['warning', 'b: 3 of 16 workers send no task events: w1.'],
    ])
  })
})
