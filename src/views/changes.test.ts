import { expect, test } from 'vitest'
import type { FleetChange, WorkerState } from '../fleet/index.ts'
import { type ChangeLog, createChangeLog } from './changes.ts'
import { activeAlert } from './stage.case.ts'

const worker = (name: string, from: WorkerState | undefined, to: WorkerState, atMs: number): FleetChange => ({
  kind: 'worker',
  worker: name,
  from,
  to,
  atMs,
})

const lines = (log: ChangeLog): string[] =>
  log.rows().map(row => `${row.atMs} ${row.kind} ${row.subject}: ${row.text}`)

test('workers lost together are one row, newest first; suspicion is no news', () => {
  const log = createChangeLog()
  log.fleet('default', [
    worker('w1', 'up', 'suspect', 1000),
    worker('w1', 'suspect', 'vanished', 20_000),
    worker('w2', 'suspect', 'vanished', 22_000),
    worker('w3', 'up', 'stopped', 23_000),
    worker('w1', 'vanished', 'up', 60_000),
  ])
  expect(lines(log)).toEqual([
    '60000 worker-found w1: 1 worker of default came back',
    '23000 worker-stopped w3: 1 worker of default stopped',
    '20000 worker-lost w1, w2: 2 workers of default fell silent without a goodbye',
  ])
})

test('five hundred workers found at once name three and count the rest', () => {
  const log = createChangeLog()
  log.fleet(
    'default',
    Array.from({ length: 500 }, (_, i) => worker(`w${i}`, undefined, 'up', 1000 + i)),
  )
  expect(lines(log)).toEqual(['1000 worker-found w0, w1, w2 and 497 more: 500 workers of default found'])
})

test('an alert is told when it fires and when it is over, each once, however often it is given', () => {
  const log = createChangeLog()
  const firing = activeAlert('CeleryNoWorkers', { broker: 'b' }, { firedAtMs: 5000 })
  const over = { ...firing, state: 'inactive' as const, resolvedAtMs: 9000 }
  const pending = activeAlert('CeleryLowRedundancy', { broker: 'b' }, { state: 'pending' })
  for (const alerts of [[pending], [firing], [firing, pending], [over], [over], []]) log.alerts('g', alerts)
  expect(lines(log)).toEqual([
    '9000 resolved CeleryNoWorkers: CeleryNoWorkers of all',
    '5000 firing CeleryNoWorkers: CeleryNoWorkers of all',
  ])
})

test('a connection is told when it is lost and when it is back; coming up for the first time is no news', () => {
  const log = createChangeLog()
  log.broker('default', { state: 'connecting', sinceMs: 0 })
  log.broker('default', { state: 'connected', sinceMs: 100 })
  log.broker('default', {
    state: 'connecting',
    sinceMs: 200,
    error: { code: 'BROKER_LOST', message: 'closed' },
  })
  log.broker('default', {
    state: 'connecting',
    sinceMs: 200,
    error: { code: 'BROKER_LOST', message: 'again' },
  })
  log.broker('default', { state: 'connected', sinceMs: 900 })
  expect(lines(log)).toEqual([
    '900 broker-back default: Broker default is connected again',
    '200 broker-lost default: The connection to broker default is lost: closed',
  ])
})

test('the log is bounded', () => {
  const log = createChangeLog(5)
  for (let i = 0; i < 50; i++) log.fleet('b', [worker(`w${i}`, 'up', 'stopped', i * 60_000)])
  expect(log.rows()).toHaveLength(5)
  expect(log.rows()[0]?.subject).toBe('w49')
})
