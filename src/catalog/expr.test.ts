import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parse, selectors } from '../promql/index.ts'
import { either, latest, on, orZero, promql, quantile, rate, sumBy, when } from './expr.ts'
import { metrics } from './metrics.ts'

test('a gauge is read by its declared labels, a histogram by its bounds', () => {
  expect(latest(metrics.queueDepth).text).toBe('max by (broker, queue) (celery_queue_depth)')
  expect(quantile(0.95, metrics.taskWait, ['queue']).text).toBe(
    'histogram_quantile(0.95, sum by (le, queue) (rate(celery_task_wait_time_seconds_bucket[5m])))',
  )
})

test('an expression knows what it reads, each metric once, in order', () => {
  const expr = promql`${latest(metrics.activeTasks)} / ${on('broker')} (${latest(metrics.workerCount)} > 0) > ${latest(metrics.activeTasks)}`
  expect(expr.metrics).toEqual([metrics.activeTasks, metrics.workerCount])
})

test('a template keeps its lines and moves what is put in to its own depth', () => {
  const inner = when(
    latest(metrics.workerActive),
    on('broker', 'worker'),
    promql`${latest(metrics.workerUp)} == 1`,
  )
  expect(
    promql`
    ${sumBy(['broker'], inner)}
      > ${1}`.text,
  ).toBe(
    [
      'sum by (broker) (',
      '  max by (broker, worker) (celery_worker_active_tasks)',
      '  and on (broker, worker) max by (broker, worker) (celery_worker_up) == 1',
      ')',
      '  > 1',
    ].join('\n'),
  )
})

test('nothing counted is 0 where something else was', () => {
  const failed = sumBy(['broker'], rate(metrics.taskFailed))
  const succeeded = sumBy(['broker'], rate(metrics.taskSucceeded))
  expect(orZero(failed, succeeded).text).toBe(
    [
      '(',
      '  sum by (broker) (rate(celery_task_failed_total[5m]))',
      '  or on (broker) 0 * sum by (broker) (rate(celery_task_succeeded_total[5m]))',
      ')',
    ].join('\n'),
  )
  expect(either([failed, succeeded]).metrics).toEqual([metrics.taskFailed, metrics.taskSucceeded])
})

test('any text may be the value of a label, and comes back as it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.string({ minLength: 1 }), (one, other) => {
      const [equal] = selectors(parse(latest(metrics.queueDepth, { queue: one }).text))
      expect(equal?.matchers).toEqual([{ name: 'queue', op: '=', value: one }])
      const [none] = selectors(parse(latest(metrics.queueDepth, { queue: { noneOf: [one, other] } }).text))
      const pattern = new RegExp(`^(?:${none?.matchers[0]?.value ?? ''})$`, 's')
      expect([one, other].map(value => pattern.test(value))).toEqual([true, true])
      expect(pattern.test(`${one}${other}x`)).toBe(false)
    }),
  )
})

test('words other than operators come through holes only', () => {
  for (const wrong of [() => promql`celery_queue_depth`, () => promql`sum (${latest(metrics.workerCount)})`])
    expect(wrong).toThrow('Only operators, numbers and parentheses')
})
