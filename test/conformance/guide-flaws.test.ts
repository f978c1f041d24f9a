/**
 * One test for each fault of the guide's rules (rows 1 to 26 of the list of its faults): on data that misled the guide's rule, ours
 * says the right thing. Both the real promtool and our own engine are asked.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import {
  type Alert,
  alerts,
  checkAlertOverrides,
  checkBuckets,
  collectedMetrics,
  configureAlerts,
  type Metric,
  metrics,
  panels,
  recorded,
  ruleGroups,
  watchedMetrics,
} from '../../src/catalog/index.ts'
import { line, observations, type SceneSeries } from '../../src/catalog/scene.ts'
import { emitDocs } from '../../src/emit/index.ts'
import { checkMetrics, promtool, ruleFiles } from './catalog-promtool.ts'
import { EXPRESSIONS, faultsOf } from './catalog-semantics.ts'
import { ask, AS_SAID, inBraces } from './guide-ask.ts'

const everyAlert: readonly Alert[] = alerts
const broker = { broker: 'default' }
const queue = (name: string) => ({ ...broker, queue: name })
const task = (name: string, of = 'reports') => ({ ...broker, task: name, queue: of })

/** Sees series as Prometheus stores them when it scrapes Celeriac: with `job` and `instance`. */
const scraped = (series: readonly SceneSeries[], instance = 'e:9808'): readonly SceneSeries[] =>
  series.map(({ series: name, values }) => ({
    series: name.replace(/\}$/, `, job="celeriac", instance="${instance}"}`),
    values,
  }))

const worker = (name: string, up: number, concurrency: number, active: number): readonly SceneSeries[] => {
  const labels = { ...broker, worker: name }
  return [
    line(metrics.workerUp, labels, `${up}x120`),
    line(metrics.workerConcurrency, labels, `${concurrency}x120`),
    line(metrics.workerActive, labels, `${active}x120`),
  ]
}

/** Down by 60 and up by 20, again and again: the guide's rate() takes every fall for a reset. */
const sawTooth = Array.from({ length: 81 }, (_, i) => 4000 - 20 * i - (i % 2) * 40).join(' ')

test('flaw 1: a queue that saws downwards is not growing, one that saws upwards is', async () => {
  const rising = Array.from({ length: 81 }, (_, i) => 4000 + 20 * i - (i % 2) * 40).join(' ')
  expect(
    await ask(
      [
        line(metrics.queueDepth, queue('falling'), sawTooth),
        line(metrics.queueDepth, queue('rising'), rising),
      ],
      {
        at: '20m',
        firing: { CeleryQueueGrowing: [queue('rising')] },
        // The expression of the guide, on the very same queue.
        values: {
          'rate(celery_queue_depth{queue="falling"}[5m]) > bool 0': { [inBraces(queue('falling'))]: 1 },
        },
      },
    ),
  ).toEqual(AS_SAID)
  expect(faultsOf('rate(celery_queue_depth[5m]) > 0')).toContain('celery_queue_depth is not a counter')
  for (const [, text] of EXPRESSIONS) expect(faultsOf(text)).toEqual([])
})

test('flaw 2: a few tasks more are no growth worth a word', async () => {
  expect(
    await ask([line(metrics.queueDepth, queue('reports'), '0+0.5x80')], {
      at: '20m',
      firing: { CeleryQueueGrowing: [] },
      values: { 'deriv(celery_queue_depth[5m]) > bool 0': { [inBraces(queue('reports'))]: 1 } },
    }),
  ).toEqual(AS_SAID)
})

test('flaw 3: tasks per worker exist although one side has labels that the other lacks', async () => {
  expect(
    await ask(
      scraped([
        line(metrics.queueDepth, queue('reports'), '50x40'),
        line(metrics.activeTasks, broker, '8x40'),
        line(metrics.workerCount, broker, '2x40'),
      ]),
      {
        at: '5m',
        values: {
          celery_tasks_per_worker: { 'celery_tasks_per_worker{broker="default"}': 4 },
          celery_queue_depth_per_worker: {
            'celery_queue_depth_per_worker{broker="default", queue="reports"}': 25,
          },
        },
      },
    ),
  ).toEqual(AS_SAID)
})

test('flaw 4: tasks per worker is one number, active tasks over workers, in rules, panels and pages', async () => {
  expect(
    await ask(
      [
        line(metrics.activeTasks, broker, '8x40'),
        line(metrics.workerCount, broker, '2x40'),
        line(metrics.queueDepth, queue('reports'), '500x40'),
      ],
      {
        at: '5m',
        values: {
          celery_tasks_per_worker: { 'celery_tasks_per_worker{broker="default"}': 4 },
          'celery_queue_depth_per_worker > bool 249': { '{broker="default", queue="reports"}': 1 },
        },
      },
    ),
  ).toEqual(AS_SAID)
  const { tasksPerWorker } = recorded
  expect(panels.tasksPerWorker.queries.map(({ expr }) => expr.text)).toEqual([tasksPerWorker.name])
  const page = emitDocs().find(({ path }) => path === 'metrics.md')
  expect(page?.content).toContain(tasksPerWorker.expr.text)
})

test('flaw 5: saturation goes by the real size of each pool', async () => {
  expect(
    await ask(worker('eight@a', 1, 8, 4), {
      at: '10m',
      firing: { CeleryWorkersSaturated: [] },
      values: { celery_worker_busy_ratio: { 'celery_worker_busy_ratio{broker="default"}': 0.5 } },
    }),
  ).toEqual(AS_SAID)
  expect(
    await ask(worker('two@a', 1, 2, 2), { at: '10m', firing: { CeleryWorkersSaturated: [broker] } }),
  ).toEqual(AS_SAID)
})

test('flaw 6: without workers there is no ratio and no saturation, and no divisor of the catalog can be 0', async () => {
  expect(
    await ask(
      [
        ...worker('gone@a', 0, 8, 1),
        line(metrics.activeTasks, broker, '1x120'),
        line(metrics.workerCount, broker, '0x120'),
      ],
      {
        at: '15m',
        firing: { CeleryWorkersSaturated: [], CeleryTasksPerWorkerHigh: [] },
        values: { celery_worker_busy_ratio: {}, celery_tasks_per_worker: {} },
      },
    ),
  ).toEqual(AS_SAID)
  expect(faultsOf('celery_active_tasks / on (broker) celery_worker_count')).toContain('the divisor may be 0')
  for (const [, text] of EXPRESSIONS) expect(faultsOf(text)).not.toContain('the divisor may be 0')
})

test('flaw 7: one outage is one alert', async () => {
  expect(
    await ask(
      [
        ...worker('gone@a', 0, 8, 8),
        line(metrics.activeTasks, broker, '0x120'),
        line(metrics.workerCount, broker, '0x120'),
      ],
      {
        at: '15m',
        firing: { CeleryNoWorkers: [broker], CeleryLowRedundancy: [], CeleryWorkersSaturated: [] },
      },
    ),
  ).toEqual(AS_SAID)
})

test('flaw 8: a task that has failed from the first run on is found', async () => {
  expect(
    await ask([line(metrics.taskFailed, { ...task('a'), exception: 'KeyError' }, '0+30x80')], {
      at: '15m',
      firing: { CeleryHighFailureRate: [broker, task('a')] },
      values: { celery_task_success_rate_5m: { 'celery_task_success_rate_5m{broker="default"}': 0 } },
    }),
  ).toEqual(AS_SAID)
})

test('flaw 9: a task that always fails is found beside a busy healthy one', async () => {
  expect(
    await ask(
      [
        line(metrics.taskFailed, { ...task('billing'), exception: 'KeyError' }, '0+1x80'),
        line(metrics.taskSucceeded, task('ping'), '0+1000x80'),
      ],
      { at: '15m', firing: { CeleryHighFailureRate: [task('billing')] } },
    ),
  ).toEqual(AS_SAID)
})

test('flaw 10: one failure among five runs in five minutes pages nobody', async () => {
  const runs = (failed: string, succeeded: string) => [
    line(metrics.taskFailed, { ...task('a'), exception: 'KeyError' }, failed),
    line(metrics.taskSucceeded, task('a'), succeeded),
  ]
  expect(
    await ask(runs('0+0.05x80', '0+0.2x80'), { at: '15m', firing: { CeleryHighFailureRate: [] } }),
  ).toEqual(AS_SAID)
  expect(
    await ask(runs('0+0.5x80', '0+2x80'), {
      at: '15m',
      firing: { CeleryHighFailureRate: [broker, task('a')] },
    }),
  ).toEqual(AS_SAID)
})

test('flaw 11: when nothing runs a ratio is absent, not NaN', async () => {
  expect(
    await ask(
      [
        line(metrics.taskFailed, { ...task('a'), exception: 'KeyError' }, '5x80'),
        line(metrics.taskSucceeded, task('a'), '5x80'),
        ...observations(metrics.taskRuntime, task('a'), 80, { seconds: 5, perStep: 0 }),
      ],
      {
        at: '15m',
        values: Object.fromEntries(
          [recorded.successRate, recorded.failureRatio, recorded.runtimeAverage].map(({ name }) => [
            name,
            {},
          ]),
        ),
      },
    ),
  ).toEqual(AS_SAID)
})

test('flaw 12: a dead Celeriac is noticed by the Prometheus that scrapes it', async () => {
  const dead = [
    { series: 'up{job="celeriac", instance="e:9808"}', values: '1x4 0x80' },
    ...scraped([line(metrics.workerCount, broker, '3x4 stale')]),
  ]
  expect(
    await ask(dead, {
      at: '15m',
      firing: { CeleriacDown: [{ job: 'celeriac' }], CeleryNoWorkers: [], CeleryLowRedundancy: [] },
      values: { 'count(ALERTS{alertname="CeleriacWatchdog", alertstate="firing"})': { '{}': 1 } },
    }),
  ).toEqual(AS_SAID)
  expect(
    await ask(scraped([line(metrics.workerCount, broker, '3x4 stale')]), {
      at: '15m',
      firing: { CeleriacDown: [{ job: 'celeriac' }] },
    }),
  ).toEqual(AS_SAID)
})

test('flaw 13: an unknown number of workers is not 0', async () => {
  expect(
    await ask(
      [line(metrics.workerCount, broker, '3x20 stale'), line(metrics.brokerUp, broker, '1x20 0x60')],
      {
        at: '15m',
        firing: { CeleryNoWorkers: [], CeleryLowRedundancy: [] },
      },
    ),
  ).toEqual(AS_SAID)
  expect(metrics.workerCount.help).toContain('Absent while it cannot be known')
})

test('flaw 14: a limit lies within the buckets, and runs of an hour are seen', async () => {
  expect(
    await ask(observations(metrics.taskRuntime, task('a'), 120, { seconds: 3500, perStep: 10 }), {
      at: '25m',
      firing: { CelerySlowProcessing: [task('a')] },
    }),
  ).toEqual(AS_SAID)
  for (const alert of everyAlert) expect(checkBuckets(alert, alert.threshold.value)).toEqual([])
  expect(checkAlertOverrides({ CelerySlowProcessing: { threshold: 20_000 } })).toHaveLength(1)
  expect(metrics.taskRuntime.buckets).toContain(60)
  expect(metrics.taskWait.buckets).toContain(30)
})

test('flaw 15: two Celeriacs that watch one broker give one alert a task, not two', async () => {
  const slow = observations(metrics.taskRuntime, task('a'), 120, { seconds: 75, perStep: 10 })
  expect(
    await ask([...scraped(slow, 'a:9808'), ...scraped(slow, 'b:9808')], {
      at: '25m',
      firing: { CelerySlowProcessing: [task('a')] },
    }),
  ).toEqual(AS_SAID)
  const pair = (series: readonly SceneSeries[]) => [
    ...scraped(series, 'a:9808'),
    ...scraped(series, 'b:9808'),
  ]
  expect(
    await ask(
      pair([
        line(metrics.redisMemoryUsed, broker, '90x60'),
        line(metrics.redisMemoryMax, broker, '100x60'),
        line(metrics.activeTasks, broker, '30x60'),
        line(metrics.workerCount, broker, '1x60'),
      ]),
      {
        at: '12m',
        firing: {
          RedisMemoryHigh: [broker],
          CeleryTasksPerWorkerHigh: [broker],
          CeleryLowRedundancy: [broker],
        },
      },
    ),
  ).toEqual(AS_SAID)
})

test('flaw 16: every summary says which task, queue, container or broker it is about', () => {
  for (const rule of ruleGroups().flatMap(group => group.rules)) {
    if (rule.kind !== 'alert') continue
    const { labels = [] } = everyAlert.find(({ name }) => name === rule.alert) ?? {}
    // Celeriac standing still is told once: whoever scrapes several has it by instance.
    expect([rule.alert, labels.length > 0]).toEqual([rule.alert, rule.alert !== 'CeleriacLagging'])
    const needed = labels.length === 1 ? labels : labels.filter(label => label !== 'broker')
    for (const label of needed) expect(rule.annotations['summary']).toContain(`$labels.${label} }}`)
  }
})

test('flaw 17: no text prints a raw number', () => {
  for (const rule of ruleGroups().flatMap(group => group.rules)) {
    if (rule.kind !== 'alert') continue
    for (const text of Object.values(rule.annotations)) {
      expect(text).not.toMatch(/\{\{\s*\$value\s*\}\}/)
      for (const [use] of text.matchAll(/\{\{[^}]*\$value[^}]*\}\}/g))
        expect(use).toMatch(/\| (humanize\w*|printf "%\.2f") \}\}$/)
    }
  }
})

test('flaw 18: a Redis without maxmemory raises nothing', async () => {
  expect(
    await ask(
      [line(metrics.redisMemoryUsed, broker, '965744x60'), line(metrics.redisMemoryMax, broker, '0x60')],
      {
        at: '10m',
        firing: { RedisMemoryHigh: [] },
      },
    ),
  ).toEqual(AS_SAID)
})

test('flaw 19: the connection alert reads a metric that Celeriac exposes, and fires on it', async () => {
  expect(
    await ask(
      [
        line(metrics.redisConnectedClients, broker, '10000x60'),
        line(metrics.redisMaxClients, broker, '10000x60'),
      ],
      {
        at: '10m',
        firing: { RedisConnectionsSaturated: [broker] },
      },
    ),
  ).toEqual(AS_SAID)
  const names = new Set(Object.values<Metric>(metrics).map(({ name }) => name))
  for (const alert of everyAlert)
    for (const { name } of collectedMetrics(watchedMetrics(alert))) expect(names.has(name)).toBe(true)
})

test('flaw 20: all queues are watched, each with the limit it was given', async () => {
  const series = [
    line(metrics.queueDepth, queue('default'), '0+10000x80'),
    line(metrics.queueDepth, queue('reports'), '500x80'),
    line(metrics.queueDepth, queue('mail'), '30x80'),
    line(metrics.queueDepth, queue('archive'), '9000x80'),
  ]
  expect(
    await ask(series, {
      at: '15m',
      firing: {
        CeleryQueueDepthHigh: [queue('archive'), queue('default'), queue('reports')],
        CeleryQueueGrowing: [queue('default')],
      },
    }),
  ).toEqual(AS_SAID)
  const own = { CeleryQueueDepthHigh: { queues: { reports: 1000, mail: 20, archive: null } } }
  expect(
    await ask(
      series,
      { at: '15m', firing: { CeleryQueueDepthHigh: [queue('default'), queue('mail')] } },
      ruleFiles({ alerts: configureAlerts(own) }),
    ),
  ).toEqual(AS_SAID)
})

test('flaw 21: the five alerts that the list promises exist and fire', async () => {
  const container = { ...broker, container: 'w1', worker: 'celery@w1' }
  expect(
    await ask(
      [
        ...observations(metrics.taskWait, task('a'), 120, { seconds: 50, perStep: 2 }),
        line(metrics.activeTasks, broker, '22x120'),
        line(metrics.workerCount, broker, '2x120'),
        line(metrics.taskRetry, task('a'), '0+3x120'),
        line(metrics.taskSucceeded, task('a'), '0+1x120'),
        line(metrics.containerCpu, container, '81x120'),
        line(metrics.containerMemory, container, '86x120'),
      ],
      {
        at: '25m',
        firing: {
          CeleryQueueWaitHigh: [queue('reports')],
          CeleryTasksPerWorkerHigh: [broker],
          CeleryRetriesHigh: [task('a')],
          WorkerCpuHigh: [container],
          WorkerMemoryHigh: [container],
        },
      },
    ),
  ).toEqual(AS_SAID)
})

test('flaw 22: each of the fourteen numbers of the list has a metric and an alert, and no rule reads a name that nobody declares', () => {
  const numbers = (entries: readonly { readonly guide?: number }[]): ReadonlySet<number> =>
    new Set(entries.flatMap(({ guide }) => (guide === undefined ? [] : [guide])))
  const measured = numbers([...Object.values<Metric>(metrics), ...Object.values<Metric>(recorded)])
  const watched = numbers(everyAlert)
  const list = Array.from({ length: 14 }, (_, i) => i + 1)
  // 3 is the slope of 1, not a metric of its own. 8 and 9 are one alert: what does not succeed fails.
  expect(list.filter(number => !measured.has(number))).toEqual([3])
  expect(list.filter(number => !watched.has(number))).toEqual([8])
  for (const [, text] of EXPRESSIONS)
    expect(faultsOf(text).filter(fault => fault.includes('not declared'))).toEqual([])
})

test('flaw 23: what the Redis alerts read comes from the broker itself, without another exporter', () => {
  for (const alert of everyAlert.filter(({ component }) => component === 'redis'))
    for (const { name, sources } of collectedMetrics(watchedMetrics(alert)))
      expect([name, sources]).toEqual([name, ['broker']])
})

test('flaw 24: every alert links to a runbook that exists', () => {
  const rules = ruleGroups().flatMap(group => group.rules.filter(rule => rule.kind === 'alert'))
  expect(rules).toHaveLength(everyAlert.length)
  for (const { annotations } of rules) {
    const slug = /\/runbooks\/([a-z-]+)$/.exec(annotations['runbook_url'] ?? '')?.[1] ?? ''
    expect(existsSync(fileURLToPath(new URL(`../../docs/runbooks/${slug}.md`, import.meta.url)))).toBe(true)
  }
})

test('flaw 25: names follow the conventions, save those that the guide made known', () => {
  const exposition = Object.values<Metric>(metrics)
    .map(({ name, kind, help, labels }) => {
      const pairs = labels.map(label => `${label}="x"`)
      const braces = (more: readonly string[] = []) => `{${[...pairs, ...more].join(',')}}`
      const samples =
        kind === 'histogram'
          ? [
              `${name}_bucket${braces(['le="+Inf"'])} 1`,
              `${name}_sum${braces()} 1`,
              `${name}_count${braces()} 1`,
            ]
          : [`${name}${braces()} 1`]
      return [`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`, ...samples].join('\n')
    })
    .join('\n')
  const { output } = checkMetrics(`${exposition}\n`)
  // The count of workers is the guide's name for it, and a prefetch count is Celery's own; nothing else may end like a part of a histogram.
  expect(output.trim().split('\n').filter(Boolean).toSorted()).toEqual([
    'celery_worker_count non-histogram and non-summary metrics should not have "_count" suffix',
    'celery_worker_prefetch_count non-histogram and non-summary metrics should not have "_count" suffix',
  ])
  for (const { name, kind } of Object.values<Metric>(metrics))
    expect([name, name.endsWith('_total')]).toEqual([name, kind === 'counter'])
  const guides = [
    'celery_worker_busy_ratio',
    'celery_tasks_per_worker',
    'celery_queue_depth_per_worker',
    'celery_task_success_rate_5m',
    'celery_task_runtime_seconds_avg_5m',
  ]
  for (const { name } of Object.values<Metric>(recorded))
    expect([
      name,
      guides.includes(name) || /^[a-z_]+:(celery|celeriac)_[a-z_]+:[a-z_]+\d+m$/.test(name),
    ]).toEqual([name, true])
})

test('flaw 26: promtool calls a senseless rule sound; our own check does not', () => {
  const senseless = 'rate(celery_queue_depth[5m]) / celery_worker_count > 0'
  const file = `groups: [{name: g, rules: [{alert: A, expr: '${senseless}'}]}]`
  const verdict = promtool(['check', 'rules', '--lint=all', '--lint-fatal', 'a.yml'], { 'a.yml': file })
  expect(verdict.ok).toBe(true)
  expect(faultsOf(senseless)).toEqual([
    '/ states no on or ignoring',
    'the divisor may be 0',
    'celery_queue_depth is not a counter',
  ])
})
