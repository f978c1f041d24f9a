import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CeleriacError } from '../../src/base/index.ts'
import {
  type Alert,
  alertExpr,
  alerts,
  checkAlertOverrides,
  checkBuckets,
  collectedMetrics,
  configureAlerts,
  defaultExpr,
  inhibitedBy,
  inhibitions,
  type Metric,
  metrics,
  numbersFor,
  panels,
  recorded,
  ruleGroups,
  stepsBefore,
  watchedMetrics,
} from '../../src/catalog/index.ts'
import { deriv, latest, on, promql, rate, sumBy } from '../../src/catalog/expr.ts'
import { line } from '../../src/catalog/scene.ts'
import { emitDocs, emitPrometheus, emitRuleFile } from '../../src/emit/index.ts'
import { parse } from '../../src/promql/index.ts'
import { playOurs } from './catalog-engine.ts'
import { EXPRESSIONS, faultsOf, resultLabels, SERIES } from './catalog-semantics.ts'
import {
  type Case,
  emitted,
  play,
  promtool,
  readRules,
  readTests,
  type Rule,
  type RuleFile,
  ruleFiles,
} from './catalog-promtool.ts'
import { parse as parseYaml, stringify } from 'yaml'

const everyAlert: readonly Alert[] = alerts
const TEST_FILES = ['celery.rules.test.yml', 'celeriac-meta.rules.test.yml']
/** promtool makes a store for each case, which takes half a second, and much longer on a busy machine. */
const PATIENCE_MS = 300_000
const FLEET_ALERTS = everyAlert.filter(({ component }) => component !== 'celeriac')
const META_ALERTS = everyAlert.filter(({ component }) => component === 'celeriac')

test.each(EXPRESSIONS)('%s parses, and reads only what is declared, soundly', (_, text) => {
  parse(text)
  expect(faultsOf(text)).toEqual([])
})

test('the semantic check finds each kind of fault', () => {
  expect(faultsOf('rate(celery_queue_depth[5m]) > 0')).toContain('celery_queue_depth is not a counter')
  expect(faultsOf('deriv(celery_task_failed_total[5m])')).toContain('celery_task_failed_total is a counter')
  expect(faultsOf('celery_queue_depth / celery_worker_count')).toContain('/ states no on or ignoring')
  expect(faultsOf('celery_active_tasks / on (broker) celery_worker_count')).toContain('the divisor may be 0')
  expect(faultsOf('celery_active_tasks / on (queue) (celery_worker_count > 0)')).toContain(
    'one side of / has no label queue',
  )
  expect(faultsOf('sum by (task) (celery_queue_depth)')).toContain('nothing inside has the label task')
  expect(faultsOf('celery_queue_depth{worker="a"}')).toContain('celery_queue_depth has no label worker')
  expect(faultsOf('celery_queue_length')).toContain('celery_queue_length is not declared')
  expect(faultsOf('histogram_quantile(0.9, rate(celery_task_runtime_seconds_bucket[5m]))')).toContain(
    'a quantile needs its buckets summed by le',
  )
})

test('an undeclared metric or label does not compile, and no stray word gets into a template', () => {
  // @ts-expect-error rate is for counters, the depth of a queue is a gauge
  rate(metrics.queueDepth)
  // @ts-expect-error deriv is for gauges
  deriv(metrics.taskFailed)
  // @ts-expect-error a queue's depth has no label task
  sumBy(['task'], latest(metrics.queueDepth))
  // @ts-expect-error a worker count has no label queue
  latest(metrics.workerCount, { queue: 'reports' })
  // @ts-expect-error no metric has this label
  on('colour')
  // @ts-expect-error no metric has this name
  expect(() => latest(metrics.queueLength)).toThrow('undefined')
  // @ts-expect-error every label of the metric is to be given
  line(metrics.queueDepth, { broker: 'default' }, '1x5')
  expect(() => promql`celery_queue_depth > ${1}`).toThrow('Only operators')
  expect(() => promql`${latest(metrics.workerCount)} > celery`).toThrow('Only operators')
  expect(promql`(${latest(metrics.workerCount)} > 0) < ${2}`.text).toBe(
    '(max by (broker) (celery_worker_count) > 0) < 2',
  )
})

test('what an expression says it reads is what the parser finds in it', () => {
  for (const expr of [...everyAlert.map(defaultExpr), ...Object.values(recorded).map(r => r.expr)]) {
    const found = new Set<string>()
    for (const word of expr.text.match(/[a-z_:]+[a-z0-9_:]*/g) ?? []) {
      const series = SERIES.get(word)
      if (series) found.add(series.metric.name)
    }
    expect(new Set(expr.metrics.map(({ name }) => name))).toEqual(found)
  }
})

describe('names', () => {
  test('metrics, recorded series, alerts, slugs and panels are each named once', () => {
    for (const names of [
      [...Object.values<Metric>(metrics), ...Object.values<Metric>(recorded)].map(({ name }) => name),
      everyAlert.map(({ name }) => name),
      everyAlert.map(({ slug }) => slug),
      Object.values(panels).map(({ id }) => id),
    ])
      expect(names).toEqual([...new Set(names)])
  })

  test('there are the nine alerts of the guide, the five that it lists and never writes, and those on what watches', () => {
    expect(everyAlert.map(({ name }) => name)).toEqual([
      'CeleryQueueDepthHigh',
      'CeleryQueueGrowing',
      'CeleryNoWorkers',
      'CeleryLowRedundancy',
      'CeleryWorkersSaturated',
      'CeleryHighFailureRate',
      'CelerySlowProcessing',
      'RedisMemoryHigh',
      'RedisConnectionsSaturated',
      'CeleryQueueWaitHigh',
      'CeleryTasksPerWorkerHigh',
      'CeleryRetriesHigh',
      'WorkerCpuHigh',
      'WorkerMemoryHigh',
      'CeleryBrokerDown',
      'CeleriacSourceBlind',
      'CeleriacLagging',
      'CeleriacEventsDropped',
      'CeleriacSeriesDropped',
      'CeleriacRulesFailing',
      'CeleriacNotificationsFailing',
    ])
  })

  test('buckets ascend, and every metric of a fleet carries its broker', () => {
    for (const metric of Object.values<Metric>(metrics)) {
      expect(metric.buckets ?? []).toEqual([...(metric.buckets ?? [])].sort((a, b) => a - b))
      expect([metric.name, metric.labels.includes('broker') || metric.name.startsWith('celeriac_')]).toEqual([
        metric.name,
        true,
      ])
    }
    for (const { labels } of Object.values(recorded)) expect(labels).toContain('broker')
  })

  test('recorded series have the labels that they declare', () => {
    for (const { labels, expr } of Object.values(recorded))
      for (const found of resultLabels(expr.text)) expect(found).toEqual([...labels].sort())
  })
})

describe.each(everyAlert.map(alert => [alert.name, alert] as const))('%s', (name, alert) => {
  const [rule] = ruleGroups()
    .flatMap(group => group.rules)
    .flatMap(found => (found.kind === 'alert' && found.alert === name ? [found] : []))

  test('has a panel with its limit, a runbook, and scenes of both kinds', () => {
    expect(Object.values(panels).map(({ id }) => id)).toContain(alert.panel)
    expect(alert.runbook.meaning.length).toBeGreaterThan(0)
    expect(alert.runbook.check.filter(({ query }) => query !== undefined).length).toBeGreaterThan(0)
    expect(alert.runbook.act.length).toBeGreaterThan(0)
    expect(alert.runbook.escalate.length).toBeGreaterThan(0)
    expect(alert.runbook.before.length).toBeGreaterThan(0)
    expect(stepsBefore(alert).map(({ text }) => text)).toEqual(
      expect.arrayContaining(['The same number at this time yesterday:', 'And a week ago:']),
    )
    expect(alert.scenes.fires.every(scene => scene.alerts.length > 0)).toBe(true)
    expect(alert.scenes.fires.length).toBeGreaterThan(0)
    expect(alert.scenes.quiet.every(scene => scene.alerts.length === 0)).toBe(true)
    expect(alert.scenes.quiet.length).toBeGreaterThan(0)
  })

  test('is told by labels that it has, and names them in its texts', () => {
    const found = resultLabels(rule?.expr ?? '')
    expect([...new Set(found.flat())].sort()).toEqual([...alert.labels].sort())
    const { summary = '', description = '' } = rule?.annotations ?? {}
    for (const label of alert.labels) {
      expect(summary + description).toContain(`$labels.${label}`)
    }
    for (const label of alert.labels.length === 1
      ? alert.labels
      : alert.labels.filter(each => each !== 'broker'))
      expect(summary).toContain(`$labels.${label}`)
    for (const text of [summary, description])
      for (const [, used = ''] of text.matchAll(/\$labels\.(\w+)/g)) expect(alert.labels).toContain(used)
  })

  test('keeps its limit within the buckets that it is compared with', () => {
    expect(checkBuckets(alert, alert.threshold.value)).toEqual([])
  })

  test('reads what is collected, from known sources', () => {
    const collected = collectedMetrics(watchedMetrics(alert))
    expect(collected.length).toBeGreaterThan(0)
    for (const metric of collected) expect(metric.sources).not.toContain('rule')
  })

  test('its limit in other hands changes the rule', () => {
    const [other] = configureAlerts({
      [name]: { threshold: alert.threshold.unit === 'ratio' ? 0.5 : 77 },
    }).filter(({ alert: { name: same } }) => same === name)
    expect(other && alertExpr(other).text).toContain(alert.threshold.unit === 'ratio' ? '0.5' : '77')
    expect(other?.asCatalogued).toBe(false)
  })
})

describe('CloudWatch forms', () => {
  const forms = everyAlert.flatMap(({ name, cloudwatch }) =>
    cloudwatch === null ? [] : [[name, cloudwatch] as const],
  )

  test.each(forms)('%s has the dimensions of what it publishes, and sane periods', (name, form) => {
    for (const labels of resultLabels(form.publishes.text))
      expect(form.dimensions.filter(label => !labels.includes(label))).toEqual([])
    expect(form.periodSeconds % 60).toBe(0)
    expect(form.datapointsToAlarm).toBeLessThanOrEqual(form.evaluationPeriods)
    // Nothing published is as bad as no worker, for whoever has only CloudWatch; it never resolves or raises anything else.
    expect(form.treatMissingData === 'breaching').toBe(name === 'CeleryNoWorkers')
  })

  test('one name is published once, with one meaning', () => {
    const published = new Map<string, string>()
    for (const [, { metric, publishes, dimensions }] of forms) {
      const meaning = `${publishes.text} by ${dimensions.join()}`
      expect(published.get(metric) ?? meaning).toBe(meaning)
      published.set(metric, meaning)
    }
  })
})

describe('inhibitions', () => {
  const named = (name: string): Alert | undefined => everyAlert.find(alert => alert.name === name)

  test.each(inhibitions.map(each => [each.source, each] as const))(
    '%s mutes only what shares its labels',
    (_, { source, where, targets, equal }) => {
      expect(equal.length).toBeGreaterThan(0)
      for (const name of [source, ...targets])
        expect([name, equal.filter(label => !named(name)?.labels.includes(label))]).toEqual([name, []])
      for (const label of Object.keys(where)) expect(named(source)?.labels).toContain(label)
      expect(targets).toEqual([...new Set(targets)])
    },
  )

  test('nothing mutes itself, also not by way of others', () => {
    const reached = (name: string, path: readonly string[] = []): boolean =>
      inhibitedBy(name).some(({ source }) => path.includes(source) || reached(source, [...path, name]))
    for (const { name } of everyAlert) expect([name, reached(name, [name])]).toEqual([name, false])
  })

  test('without the broker each alert that rests on it is muted, and without events each that rests on them', () => {
    const muted = (source: string) =>
      inhibitions.filter(each => each.source === source).flatMap(({ targets }) => targets)
    const restsOn = (alert: Alert, source: string): boolean =>
      collectedMetrics(watchedMetrics(alert)).every(({ sources }) => sources.every(each => each === source))
    for (const alert of FLEET_ALERTS) {
      if (restsOn(alert, 'broker')) expect(muted('CeleryBrokerDown')).toContain(alert.name)
      // What is more severe is never muted by less.
      if (restsOn(alert, 'events') && alert.severity !== 'critical')
        expect(muted('CeleriacSourceBlind')).toContain(alert.name)
    }
  })
})

describe('config', () => {
  const problemsOf = (override: unknown): readonly string[] =>
    checkAlertOverrides(override).map(({ path, message }) => `${path} ${message}`)

  test('what is left out keeps the value of the catalog', () => {
    const plain = configureAlerts()
    expect(configureAlerts({ CeleryNoWorkers: {} })).toEqual(plain)
    expect(plain.every(({ asCatalogued, enabled }) => asCatalogued && enabled)).toBe(true)
  })

  test('limits, times, severities and queues of one alert can be set', () => {
    const [configured] = configureAlerts({
      CeleryQueueDepthHigh: {
        threshold: 200,
        for: '10m',
        severity: 'info',
        queues: { 'a|b': 1000, off: null },
      },
    })
    const [rule] = ruleGroups({ alerts: configured ? [configured] : [] })[1]?.rules ?? []
    expect(rule).toMatchObject({ forMs: 600_000, labels: { severity: 'info' } })
    expect(rule?.expr).toBe(
      [
        String.raw`max by (broker, queue) (celery_queue_depth{queue!~"a\\|b|off"}) > 200`,
        'or',
        'max by (broker, queue) (celery_queue_depth{queue="a|b"}) > 1000',
      ].join('\n'),
    )
  })

  test('texts tell the limit of the queue that the alert is about', async () => {
    const rules = ruleFiles({
      alerts: configureAlerts({
        CeleryQueueDepthHigh: { queues: { 'a"b|c': 5, mail: 5, reports: 1000, off: null } },
      }),
    })
    const told = (queue: string, depth: string, limit: string) => ({
      exp_labels: { broker: 'default', queue, severity: 'warning', component: 'celery' },
      exp_annotations: {
        summary: `Queue ${queue} has ${depth} tasks waiting`,
        description: `Queue ${queue} on broker default has held more than ${limit} waiting tasks for 5m; ${depth} wait now.`,
        runbook_url: 'http://127.0.0.1:9808/runbooks/celery-queue-depth-high',
      },
    })
    const asked: Case = {
      name: 'limits',
      interval: '15s',
      input_series: ['a"b|c', 'mail', 'reports', 'off', 'other'].map(queue =>
        line(metrics.queueDepth, { broker: 'default', queue }, '1500x60'),
      ),
      alert_rule_test: [
        {
          eval_time: '10m',
          alertname: 'CeleryQueueDepthHigh',
          exp_alerts: [
            told('a"b|c', '1.5k', '5'),
            told('mail', '1.5k', '5'),
            told('other', '1.5k', '100'),
            told('reports', '1.5k', '1000'),
          ],
        },
      ],
    }
    expect(play(rules, [asked]).output).toContain('SUCCESS')
    expect((await playOurs(rules, [asked])).failures).toEqual([])
  })

  test('queues and tasks with a time or severity of their own get a rule of their own, which tells its numbers', () => {
    const rules = ruleGroups({
      alerts: configureAlerts({
        CelerySlowProcessing: {
          queues: { batch: { threshold: 600, severity: 'info' }, fast: 5 },
          tasks: { render: { threshold: 90, for: '1m' }, nightly: null, mail: 5 },
        },
      }),
    })
      .flatMap(group => group.rules)
      .flatMap(rule => (rule.kind === 'alert' && rule.alert === 'CelerySlowProcessing' ? [rule] : []))
    const [common, batch, render, ...others] = rules
    expect(others).toEqual([])
    expect(common).toMatchObject({ forMs: 600_000, labels: { severity: 'warning' } })
    expect(batch).toMatchObject({ forMs: 600_000, labels: { severity: 'info' } })
    expect(render).toMatchObject({ forMs: 60_000, labels: { severity: 'warning' } })
    expect(common?.expr).toContain('{queue!~"batch|fast", task!~"mail|nightly|render"}')
    expect(common?.expr).toContain('{queue="fast", task!~"mail|nightly|render"}')
    expect(common?.expr).toContain('{task="mail"}')
    expect(batch?.expr).toContain('{queue="batch", task!~"mail|nightly|render"}')
    expect(render?.expr).toContain('{task="render"}')
    expect(rules.map(({ expr }) => expr).join()).not.toContain('"nightly"')
    expect(common?.annotations['description']).toContain(
      'The limit of {{ if eq $labels.task "mail" }}5s{{ else if eq $labels.queue "fast" }}5s{{ else }}1m{{ end }} has been passed for 10m.',
    )
    expect(render?.annotations['description']).toContain(
      '"render" }}1m30s{{ else }}1m30s{{ end }} has been passed for 1m.',
    )
    for (const { expr } of rules) expect(faultsOf(expr)).toEqual([])
  })

  test('the number of a task holds before that of its queue, and that before the common one', () => {
    const [configured] = configureAlerts({
      CelerySlowProcessing: {
        threshold: 50,
        queues: { batch: { threshold: 600 }, off: null },
        tasks: { render: { for: '1m' }, never: null },
      },
    }).filter(({ alert }) => alert.name === 'CelerySlowProcessing')
    const of = (task: string, queue: string) =>
      configured &&
      numbersFor(
        configured,
        new Map([
          ['task', task],
          ['queue', queue],
        ]),
      )
    expect(of('other', 'other')).toMatchObject({ threshold: 50, forMs: 600_000 })
    expect(of('other', 'batch')).toMatchObject({ threshold: 600, forMs: 600_000 })
    expect(of('render', 'batch')).toMatchObject({ threshold: 50, forMs: 60_000 })
    expect(of('render', 'off')).toMatchObject({ threshold: 50 })
    expect(of('other', 'off')).toBeNull()
    expect(of('never', 'batch')).toBeNull()
    expect(of('constructor', 'toString')).toMatchObject({ threshold: 50 })
  })

  test('a task whose failures are expected does not page, nor weigh on its broker; the rest is still watched', async () => {
    const task = (name: string) => ({ broker: 'default', task: name, queue: 'reports' })
    const failing = (name: string) => line(metrics.taskFailed, { ...task(name), exception: 'E' }, '0+9x80')
    const rules = ruleFiles({
      alerts: configureAlerts({ CeleryHighFailureRate: { tasks: { probe: null, flaky: 0.5 } } }),
    })
    const asked = (name: string, input: Case['input_series'], firing: readonly object[]): Case => ({
      name,
      interval: '15s',
      input_series: input,
      promql_expr_test: [
        {
          expr: 'count by (task) (ALERTS{alertstate="firing", alertname="CeleryHighFailureRate"})',
          eval_time: '15m',
          exp_samples: firing as { labels: string; value: number }[],
        },
      ],
    })
    const good = (name: string, each: number) => line(metrics.taskSucceeded, task(name), `0+${each}x80`)
    const cases = [
      asked('expected', [failing('probe'), failing('flaky'), good('flaky', 11), good('a', 1)], []),
      asked('beyond its own', [failing('flaky'), good('flaky', 5)], [{ labels: '{task="flaky"}', value: 1 }]),
      asked(
        'another',
        [failing('probe'), failing('a'), good('a', 9)],
        [
          { labels: '{task="a"}', value: 1 },
          { labels: '{}', value: 1 },
        ],
      ),
    ]
    expect(play(rules, cases).output).toContain('SUCCESS')
    expect((await playOurs(rules, cases)).failures).toEqual([])
  })

  test('an alert that is switched off has no rule', () => {
    const [, group] = ruleGroups({ alerts: configureAlerts({ WorkerCpuHigh: { enabled: false } }) })
    expect(group?.rules.length).toBe(FLEET_ALERTS.length - 1)
  })

  test.each([
    [[], ' must be an object by alert name'],
    [{ CeleryQueueDeep: {} }, 'CeleryQueueDeep is no alert; there are CeleryQueueDepthHigh'],
    [{ CeleryNoWorkers: 5 }, 'CeleryNoWorkers must be an object'],
    [{ CeleryNoWorkers: { treshold: 5 } }, 'CeleryNoWorkers.treshold is not known; there are enabled'],
    [{ CeleryNoWorkers: { threshold: '5' } }, 'CeleryNoWorkers.threshold must be a number'],
    [{ CeleryNoWorkers: { threshold: Number.NaN } }, 'CeleryNoWorkers.threshold must be a number'],
    [{ CeleryNoWorkers: { for: 5 } }, 'CeleryNoWorkers.for must be a duration such as 5m'],
    [
      { CeleryNoWorkers: { severity: 'page' } },
      'CeleryNoWorkers.severity must be one of critical, warning, info',
    ],
    [{ CeleryNoWorkers: { enabled: 'no' } }, 'CeleryNoWorkers.enabled must be true or false'],
    [{ CeleryNoWorkers: { queues: { a: 1 } } }, 'CeleryNoWorkers.queues cannot be set'],
    [{ CeleryQueueWaitHigh: { tasks: { a: 1 } } }, 'CeleryQueueWaitHigh.tasks cannot be set'],
    [
      { CelerySlowProcessing: { tasks: 60 } },
      'CelerySlowProcessing.tasks must be an object of limits by task',
    ],
    [
      { CelerySlowProcessing: { tasks: { 'a.b': 'slow' } } },
      'CelerySlowProcessing.tasks.a.b must be a number',
    ],
    [
      { CelerySlowProcessing: { tasks: { a: { treshold: 5 } } } },
      'CelerySlowProcessing.tasks.a.treshold is not known; there are severity, for, threshold',
    ],
    [
      { CeleryQueueDepthHigh: { queues: { a: { for: 5 } } } },
      'CeleryQueueDepthHigh.queues.a.for must be a duration',
    ],
    [
      { CeleryNoWorkers: { parameters: { a: 1 } } },
      'CeleryNoWorkers.parameters.a is not known; there are none',
    ],
    [{ CeleryWorkersSaturated: { threshold: 90 } }, 'CeleryWorkersSaturated.threshold must be a ratio'],
    [
      { CelerySlowProcessing: { threshold: 14400 } },
      'CelerySlowProcessing.threshold must lie within the buckets',
    ],
    [
      { CelerySlowProcessing: { queues: { a: 0.01 } } },
      'CelerySlowProcessing.queues.a must lie within the buckets',
    ],
    [
      { CeleryRetriesHigh: { parameters: { minimumRetries: -1 } } },
      'CeleryRetriesHigh.parameters.minimumRetries must be',
    ],
  ])('%j is refused', (override, problem) => {
    const [first = '', ...others] = problemsOf(override)
    expect(first).toContain(problem)
    expect(others).toEqual([])
  })

  test('all that is wrong is said at once, by an error that config can show', () => {
    const configure = () => configureAlerts({ A: {}, CeleryNoWorkers: { for: 'soon' } })
    expect(configure).toThrow(CeleriacError)
    expect(configure).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
    expect(configure).toThrow(/alerts\.A .*alerts\.CeleryNoWorkers\.for /)
  })

  test('the example on the page of alerts is good', () => {
    const page = emitDocs().find(({ path }) => path === 'alerts.md')?.content ?? ''
    const example: unknown = parseYaml(/```yaml\n([^]*?)```/.exec(page)?.[1] ?? '')
    expect(example).toHaveProperty('alerts.CeleryQueueDepthHigh.queues.reports', 1000)
    expect(checkAlertOverrides((example as { readonly alerts: unknown }).alerts)).toEqual([])
  })

  test('whatever names queues have, the rule parses and tells them apart', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ minLength: 1 }), fc.constantFrom(5, 50, null), { maxKeys: 5 }),
        queues => {
          for (const configured of configureAlerts({ CeleryQueueDepthHigh: { queues } }))
            expect(faultsOf(alertExpr(configured).text)).toEqual([])
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('emitted files', () => {
  test('promtool finds nothing wrong with the rules and the configuration', () => {
    const files = emitted()
    const rules = Object.keys(files).filter(path => path.endsWith('.rules.yml'))
    const checked = promtool(['check', 'rules', '--lint=all', '--lint-fatal', ...rules], files)
    expect(checked.output).not.toMatch(/FAILED|lint error/)
    expect(checked.ok).toBe(true)
    for (const count of [FLEET_ALERTS.length, META_ALERTS.length + 2])
      expect(checked.output).toContain(`${count} rules found`)
    expect(promtool(['check', 'config', 'prometheus.yml'], files)).toMatchObject({ ok: true })
  })

  test('one file holds all rules, for a pipe', () => {
    const { path, content } = emitRuleFile()
    const checked = promtool(['check', 'rules', '--lint=all', '--lint-fatal', path], { [path]: content })
    expect(checked.output).toContain(`${everyAlert.length + 2 + Object.keys(recorded).length} rules found`)
    expect(checked.ok).toBe(true)
  })

  test('rules with limits by queue pass as well', () => {
    const files = ruleFiles({
      alerts: configureAlerts({ CeleryQueueDepthHigh: { queues: { 'a"b\\|c': 5, off: null } } }),
    })
    expect(promtool(['check', 'rules', '--lint=all', '--lint-fatal', ...Object.keys(files)], files).ok).toBe(
      true,
    )
  })

  test.each(TEST_FILES)('promtool plays %s', { timeout: PATIENCE_MS }, path => {
    const verdict = promtool(['test', 'rules', path], emitted())
    expect(verdict.output).toContain('SUCCESS')
    expect(verdict.ok).toBe(true)
  })

  test('each alert fires in one case and stays quiet in another', () => {
    const cases = TEST_FILES.flatMap(path => readTests(emitted()[path] ?? '').tests).flatMap(
      ({ alert_rule_test = [] }) => alert_rule_test,
    )
    for (const { name } of everyAlert) {
      const own = cases.filter(({ alertname }) => alertname === name)
      expect(own.some(({ exp_alerts = [] }) => exp_alerts.length > 0)).toBe(true)
      expect(own.some(({ exp_alerts = [] }) => exp_alerts.length === 0)).toBe(true)
    }
  })

  test('cases of an alert with other numbers are left out: its scenes prove nothing about them', () => {
    const { tests } = readTests(
      emitted({
        alerts: configureAlerts({ CeleryNoWorkers: { for: '5m' }, WorkerCpuHigh: { enabled: false } }),
      })['celery.rules.test.yml'] ?? '',
    )
    const names = new Set(
      tests.flatMap(({ alert_rule_test = [] }) => alert_rule_test.map(({ alertname }) => alertname)),
    )
    expect(names.has('CeleryNoWorkers')).toBe(false)
    expect(names.has('WorkerCpuHigh')).toBe(false)
    expect(names.size).toBe(FLEET_ALERTS.length - 2)
  })

  test('the same options give the same bytes', () => {
    expect(emitPrometheus()).toEqual(emitPrometheus())
    expect(emitDocs()).toEqual(emitDocs())
  })

  test('links start with the address that others use', () => {
    for (const content of Object.values(ruleFiles({ externalUrl: 'https://celery.example.org/watch/' })))
      for (const [, url] of content.matchAll(/runbook_url: (.*)/g))
        expect(url).toMatch(/^https:\/\/celery\.example\.org\/watch\/runbooks\/[a-z-]+$/)
  })
})

describe('the cases can fail', { timeout: PATIENCE_MS }, () => {
  const files = emitted()
  const cases = TEST_FILES.flatMap(path => readTests(files[path] ?? '').tests).filter(
    ({ alert_rule_test: [first] = [] }) => everyAlert.some(({ name }) => name === first?.alertname),
  )
  const alertFile: RuleFile = {
    groups: ['celery-alerts.rules.yml', 'celeriac-meta.rules.yml'].flatMap(
      path => readRules(files[path] ?? '').groups,
    ),
  }
  const isFiring = ({ alert_rule_test: [first] = [] }: Case): boolean => (first?.exp_alerts ?? []).length > 0

  /** Plays the cases with every alert rule changed; gives the names of the cases that fail. */
  function failing(change: (rule: Rule) => Rule, played: readonly Case[]): ReadonlySet<string> {
    const mutant: RuleFile = {
      groups: alertFile.groups.map(group => ({
        ...group,
        rules: group.rules.filter(({ alert }) => everyAlert.some(({ name }) => name === alert)).map(change),
      })),
    }
    const { output } = play(
      {
        'recording.yml': files['celery-recording.rules.yml'] ?? '',
        'alerts.yml': stringify(mutant, { aliasDuplicateObjects: false }),
      },
      played,
    )
    return new Set(played.flatMap(({ name }) => (output.includes(`name: ${name},`) ? [name] : [])))
  }

  test('every case in which an alert fires fails when its rule never does', () => {
    const played = cases.filter(isFiring)
    expect([...failing(rule => ({ ...rule, expr: 'vector(0) > 1' }), played)]).toEqual(
      played.map(({ name }) => name),
    )
  })

  test('every case in which an alert stays quiet fails when its rule always fires', () => {
    const played = cases.filter(found => !isFiring(found))
    const always = (rule: Rule): Rule => ({ ...rule, for: '0s', expr: 'vector(1)' })
    expect([...failing(always, played)]).toEqual(played.map(({ name }) => name))
  })

  test.each([
    ['its comparison turned round', true],
    ['no time to wait', false],
  ])('every alert with %s fails a case', (kind, turn) => {
    const played = cases.filter(found => isFiring(found) === turn)
    const failed = failing(({ for: time, ...rule }) => {
      const threshold = everyAlert.find(({ name }) => name === rule.alert)?.threshold
      if (!turn || threshold === undefined) return rule
      const [sign, other] = threshold.direction === 'over' ? ['>', '<'] : ['<', '>']
      expect(rule.expr).toContain(`${sign} ${threshold.value}`)
      const expr = rule.expr.replaceAll(`${sign} ${threshold.value}`, `${other} ${threshold.value}`)
      return { ...rule, expr, ...(time !== undefined && { for: time }) }
    }, played)
    const missed = everyAlert.filter(({ name }) => ![...failed].some(found => found.startsWith(`${name} `)))
    expect([kind, missed.map(({ name }) => name)]).toEqual([kind, []])
  })
})
