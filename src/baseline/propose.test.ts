import { expect, test } from 'vitest'
import { HOUR, Labels, MINUTE } from '../base/index.ts'
import { type AlertOverrides, alerts, configureAlerts } from '../catalog/index.ts'
import { proposedSettings } from './overrides.ts'
import { type HistorySeries, isLearnable, propose, question, roundUp } from './propose.ts'

const OPTIONS = { stepMs: MINUTE, headroom: 1.5, minimumMs: 12 * HOUR }

const configured = (name: string, override: AlertOverrides[string] = {}) => {
  const found = configureAlerts({ [name]: override }).find(({ alert }) => alert.name === name)
  if (found === undefined) throw new Error(`no alert ${name}`)
  return found
}

/** A day by the minute; `at` says the value, null for none. */
const day = (labels: Record<string, string>, at: (minute: number) => number | null): HistorySeries => ({
  labels: Labels.from({ broker: 'default', ...labels }),
  values: Float64Array.from({ length: 24 * 60 }, (_, minute) => at(minute) ?? Number.NaN),
})

test('only limits that are habits are learnt, by the expression of the alert without its limit', () => {
  expect(alerts.filter(isLearnable).map(({ name }) => name)).toEqual([
    'CeleryQueueDepthHigh',
    'CeleryQueueGrowing',
    'CeleryHighFailureRate',
    'CelerySlowProcessing',
    'CeleryQueueWaitHigh',
    'CeleryTasksPerWorkerHigh',
    'CeleryRetriesHigh',
  ])
  expect(question(configured('CeleryQueueDepthHigh'))).toBe(
    'max by (broker, queue) (celery_queue_depth) > -1e+300',
  )
})

test('a queue that is used to 800 gets room above it; one hour of a fault in ten is not taken for normal', () => {
  const [found] = propose(
    configured('CeleryQueueDepthHigh'),
    [day({ queue: 'bulk' }, minute => (minute >= 600 && minute < 660 ? 90_000 : 700 + (minute % 100)))],
    OPTIONS,
  )
  expect(found).toMatchObject({ scope: 'queue', name: 'bulk', reason: null, unit: 'count' })
  expect(found?.usual?.high).toBeLessThan(800)
  expect(found?.proposed).toEqual({ threshold: 1200, fires: 1 })
  expect(found?.present).toEqual({ threshold: 100, fires: 1 })
})

test('a limit of its own is what a task is compared with; series of one task in two queues are one', () => {
  const [found, ...others] = propose(
    configured('CelerySlowProcessing', { tasks: { render: { threshold: 250, for: '2m' } } }),
    [
      day({ task: 'render', queue: 'a' }, minute => (minute % 60 < 5 ? 300 : 200)),
      day({ task: 'render', queue: 'b' }, () => 100),
    ],
    OPTIONS,
  )
  expect(others).toEqual([])
  expect(found).toMatchObject({ scope: 'task', name: 'render', forMs: 2 * MINUTE })
  expect(found?.present).toEqual({ threshold: 250, fires: 24 })
  expect(found?.proposed).toEqual({ threshold: 500, fires: 0 })
})

test('what is unknown is not 0: gaps make history shorter, and too short a one proposes nothing', () => {
  const [found] = propose(
    configured('CeleryQueueDepthHigh'),
    [day({ queue: 'a' }, minute => (minute < 180 ? 50 : null))],
    OPTIONS,
  )
  expect(found).toMatchObject({
    proposed: null,
    knownMs: 3 * HOUR,
    reason: 'history is too short: 3h of values, 12h are needed',
  })
  expect(propose(configured('CeleryQueueDepthHigh'), [], OPTIONS)).toEqual([])
})

test('what always fails gets no limit, and a limit stays within the buckets', () => {
  const [failing] = propose(
    configured('CeleryHighFailureRate'),
    [day({ task: 'probe', queue: 'a' }, () => 0.9)],
    OPTIONS,
  )
  expect(failing).toMatchObject({ proposed: null, reason: expect.stringContaining('mend what fails') })
  const [slow] = propose(
    configured('CelerySlowProcessing'),
    [day({ task: 'nightly', queue: 'a' }, () => 14_000)],
    OPTIONS,
  )
  expect(slow).toMatchObject({ proposed: null, reason: expect.stringContaining('within the buckets') })
})

test('a queue that is nearly always empty does not page at the first stir', () => {
  const [found] = propose(configured('CeleryQueueDepthHigh'), [day({ queue: 'a' }, () => 0)], OPTIONS)
  expect(found?.proposed).toEqual({ threshold: 10, fires: 0 })
})

test('settings are those that differ, where they belong', () => {
  const proposals = [
    ...propose(configured('CeleryQueueDepthHigh'), [day({ queue: 'a.b' }, () => 300)], OPTIONS),
    ...propose(
      configured('CeleryQueueDepthHigh', { queues: { off: null } }),
      [day({ queue: 'off' }, () => 9)],
      OPTIONS,
    ),
    ...propose(configured('CeleryTasksPerWorkerHigh'), [day({}, () => 30)], OPTIONS),
    ...propose(configured('CeleryTasksPerWorkerHigh', { threshold: 50 }), [day({}, () => 30)], OPTIONS),
  ]
  expect(proposedSettings(proposals)).toEqual([
    { path: ['alerts', 'CeleryQueueDepthHigh', 'queues', 'a.b'], value: 500 },
    { path: ['alerts', 'CeleryTasksPerWorkerHigh', 'threshold'], value: 50 },
  ])
})

test('limits are numbers that people choose, never below what was asked', () => {
  expect([0, -3, 0.031, 1, 1.01, 7, 450, 999].map(roundUp)).toEqual([0, 0, 0.04, 1, 1.2, 8, 500, 1000])
})
