import { expect, test } from 'vitest'
import type { GroupStatus } from '../rules/index.ts'
import { goExponent, promAlerts, promRules } from './prometheus.ts'
import { activeAlert, groupStatus } from './stage.case.ts'

const AT = 1_700_000_000_120

const firing = activeAlert('CeleryQueueDepthHigh', { broker: 'default', queue: 'mail' }, { activeAtMs: AT })
const over = activeAlert(
  'CeleryQueueDepthHigh',
  { broker: 'default', queue: 'old' },
  { state: 'inactive', resolvedAtMs: AT },
)

test('rules have the names and forms of Prometheus, in its order', () => {
  const [group] = promRules([groupStatus([firing, over], AT)]).groups
  expect(Object.keys(group ?? {})).toEqual([
    'name',
    'file',
    'rules',
    'interval',
    'limit',
    'evaluationTime',
    'lastEvaluation',
  ])
  expect(group).toMatchObject({ interval: 15, limit: 0, lastEvaluation: '2023-11-14T22:13:20.12Z' })
  const [rule] = group?.rules ?? []
  expect(Object.keys(rule ?? {}).sort()).toEqual(
    [
      'state',
      'name',
      'query',
      'duration',
      'keepFiringFor',
      'labels',
      'annotations',
      'alerts',
      'health',
      'evaluationTime',
      'lastEvaluation',
      'type',
    ].sort(),
  )
  expect(rule).toMatchObject({
    state: 'firing',
    name: 'CeleryQueueDepthHigh',
    duration: 300,
    type: 'alerting',
    alerts: [
      {
        labels: { alertname: 'CeleryQueueDepthHigh', queue: 'mail' },
        state: 'firing',
        activeAt: '2023-11-14T22:13:20.12Z',
        value: '1.5e+02',
      },
    ],
  })
})

test('alerts that are over are not told; a rule without any is inactive', () => {
  expect(promAlerts([groupStatus([firing, over], AT)]).alerts).toHaveLength(1)
  expect(promRules([groupStatus([over], AT)]).groups[0]?.rules[0]).toMatchObject({
    state: 'inactive',
    alerts: [],
  })
})

test('a recording rule that failed tells its error; one never run has the zero time', () => {
  const group: GroupStatus = {
    group: { name: 'g', file: 'f.yml', intervalMs: 60_000, limit: 5, rules: [] },
    rules: [
      {
        rule: { kind: 'record', record: 'a:b', expr: 'up', labels: { x: 'y' } },
        health: 'err',
        lastError: 'boom',
        evaluationSeconds: 0,
        lastEvaluationMs: undefined,
        alerts: [],
      },
    ],
    lastEvaluationMs: undefined,
    evaluationSeconds: 0,
  }
  expect(promRules([group]).groups[0]).toMatchObject({
    interval: 60,
    limit: 5,
    rules: [
      {
        name: 'a:b',
        query: 'up',
        labels: { x: 'y' },
        health: 'err',
        lastError: 'boom',
        evaluationTime: 0,
        lastEvaluation: '0001-01-01T00:00:00Z',
        type: 'recording',
      },
    ],
  })
})

test.each([
  [0, '0e+00'],
  [1, '1e+00'],
  [0.1, '1e-01'],
  [1234.5, '1.2345e+03'],
  [1.5e-7, '1.5e-07'],
  [1e100, '1e+100'],
  [-0, '-0e+00'],
  [Number.POSITIVE_INFINITY, '+Inf'],
  [Number.NaN, 'NaN'],
])('%d is printed as Go prints it: %s', (value, text) => {
  expect(goExponent(value)).toBe(text)
})
