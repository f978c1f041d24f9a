/** Faults of the guide's CloudWatch alarms, topics and dashboard (rows 48 to 56): each shows there, and not in ours. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  CLOUDWATCH_INTERVAL_SECONDS,
  configureAlerts,
  dimensionName,
  metrics,
  publishedCount,
  publishedMetrics,
  recorded,
} from '../../src/catalog/index.ts'
import { line } from '../../src/catalog/scene.ts'
import { emitSettings, targets } from '../../src/emit/index.ts'
import { createReceivers, notifyOptions } from '../../src/notify/index.ts'
import { parse } from '../../src/promql/index.ts'
import {
  type Account,
  accountFaults,
  accountOf,
  readTemplate,
  templateFaults,
  widgetsOf,
} from './cloudwatch-model.ts'
import { ask, AS_SAID } from './guide-ask.ts'

/** The guide's Lambda, alarms and dashboard. */
const gauge = ['Average', 'Maximum', 'Minimum']
const guideAlarm = (
  name: string,
  metric: string,
  statistic: string,
  period: number,
  periods: number,
  topic: string,
) => ({
  name,
  metric,
  dimensions: metric === 'QueueDepth' ? ['Queue'] : [],
  statistic,
  period,
  evaluationPeriods: periods,
  alarmActions: [topic],
  okActions: [],
})
const GUIDE: Account = {
  publishEverySeconds: undefined,
  published: [
    { name: 'QueueDepth', dimensionSets: [['Queue']], statistics: gauge },
    ...['WorkerCount', 'ActiveTasks', 'TasksPerWorker'].map(name => ({
      name,
      dimensionSets: [[]],
      statistics: gauge,
    })),
  ],
  alarms: [
    guideAlarm('celery-queue-depth-high', 'QueueDepth', 'Average', 300, 1, 'celery-alerts'),
    guideAlarm('celery-no-workers', 'WorkerCount', 'Minimum', 60, 1, 'celery-critical-alerts'),
    guideAlarm('celery-high-load-per-worker', 'TasksPerWorker', 'Average', 300, 2, 'celery-alerts'),
  ],
  topics: ['celery-alerts'],
  widgets: widgetsOf(
    readFileSync(new URL('../fixtures/guide/cloudwatch-dashboard.json', import.meta.url), 'utf8'),
  ),
}

const target = targets.find(({ name }) => name === 'cloudwatch')
const filesOf = (given: Parameters<typeof emitSettings>[0] = {}): Readonly<Record<string, string>> =>
  Object.fromEntries(target?.files(emitSettings(given)).map(({ path, content }) => [path, content]) ?? [])
const templateOf = (given: Parameters<typeof emitSettings>[0] = {}) =>
  readTemplate(filesOf(given)['celeriac.template.yaml'] ?? '')

const accountWith = (alerts = configureAlerts()): Account => ({
  publishEverySeconds: CLOUDWATCH_INTERVAL_SECONDS,
  published: publishedMetrics(alerts).map(({ name, dimensionSets, statistics }) => ({
    name,
    dimensionSets: dimensionSets.map(set => set.map(dimensionName)),
    statistics,
  })),
  ...accountOf(templateOf({ alerts })),
})

test.each([
  [48, 'celery-no-workers leaves missing data to the default'],
  [49, 'celery-no-workers does not tell its end'],
  [50, 'celery-no-workers tells celery-critical-alerts, which nobody creates'],
  [51, 'the dashboard asks for QueueDepth by nothing'],
  [52, 'the dashboard asks for the Sum of ActiveTasks'],
  [54, 'celery-no-workers waits for a publisher that is never started'],
  [54, 'celery-no-workers goes off for a single minute'],
])('flaw %i: "%s" is said of the guide’s, and nothing is said of ours', (_, fault) => {
  expect(accountFaults(GUIDE)).toContain(fault)
  expect(accountFaults(accountWith())).toEqual([])
})

test('flaw 53: with no worker the guide reads ten tasks on each; ours has no such number, and another alarm goes off', async () => {
  const broker = { broker: 'default' }
  expect(
    await ask([line(metrics.activeTasks, broker, '10x20'), line(metrics.workerCount, broker, '0x20')], {
      at: '2m',
      values: {
        [recorded.tasksPerWorker.name]: {},
        'celery_active_tasks / clamp_min(celery_worker_count, 1) > bool 10': { '{broker="default"}': 0 },
      },
    }),
  ).toEqual(AS_SAID)
  const alarms = accountOf(templateOf()).alarms
  expect(alarms.find(({ metric }) => metric === 'WorkerCount')).toMatchObject({
    treatMissingData: 'breaching',
  })
})

test('flaw 55: what is published of queues asks no worker and names no queue, so that a silent fleet hides none', () => {
  const entry = publishedMetrics(configureAlerts()).find(({ name }) => name === 'QueueDepth')
  if (entry?.kind !== 'gauge') throw new Error('QueueDepth is no gauge')
  expect(entry.expr.metrics.flatMap(({ sources }) => sources)).toEqual(['broker'])
  expect(entry.expr.text).not.toContain('queue=')
  // The guide's Lambda: one queue, in the body of the function, and an inspection without a time-out before anything is sent.
  const lambda = readFileSync(new URL('../fixtures/guide/publish_celery_metrics.py', import.meta.url), 'utf8')
  expect(lambda).toContain("'Value': 'reports'")
  expect(lambda).not.toContain('except')
})

test('flaw 56: alerts of Celeriac itself reach the topic whose subscribers get mail, not those of CloudWatch alone', () => {
  const topicArn = 'arn:aws:sns:eu-west-1:123456789012:celeriac-critical'
  const { receivers } = notifyOptions.parse({ receivers: [{ name: 'mail', sns: { topicArn } }] })
  const [receiver] = createReceivers(receivers, Date.now)
  expect(receiver?.channels.map(({ kind }) => kind)).toEqual(['sns'])
  // The guide's Alertmanager has no receiver of mail.
  const guide = readFileSync(new URL('../fixtures/guide/alertmanager-config.yaml', import.meta.url), 'utf8')
  expect(guide).not.toMatch(/email_configs|sns_configs/)
})

describe('the template', () => {
  test.each([
    ['as catalogued', {}],
    ['two brokers', { program: { brokers: [{ name: 'a-b' }, { name: 'a.b' }] } }],
    [
      'own limits',
      {
        alerts: configureAlerts({
          CeleryQueueDepthHigh: { queues: { 'a, "b"': 7, c: null }, for: '7m' },
          CelerySlowProcessing: { tasks: { 'x.y': { threshold: 90, severity: 'info' } } },
        }),
      },
    ],
  ] as const)('has only resources and properties that CloudFormation knows: %s', (_, given) => {
    expect(templateFaults(templateOf(given))).toEqual([])
  })

  test('a property that does not exist is refused', () => {
    const wrong = structuredClone(templateOf()) as {
      Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>
    }
    const alarm = Object.values(wrong.Resources).find(({ Type }) => Type === 'AWS::CloudWatch::Alarm')
    if (alarm !== undefined) alarm.Properties['TreatMissing'] = 'breaching'
    expect(templateFaults(wrong).join()).toContain('TreatMissing')
  })

  test('every alarm is told, by itself or by its composite, to the topic of its severity; each severity has who is told', () => {
    const { Resources } = templateOf()
    const all = Object.entries(Resources)
    const composites = all.filter(
      ([, { Type, Properties }]) =>
        Type === 'AWS::CloudWatch::CompositeAlarm' && Properties['AlarmActions'] !== undefined,
    )
    for (const [id, { Type, Properties }] of all) {
      if (Type !== 'AWS::CloudWatch::Alarm') continue
      const teller =
        Properties['AlarmActions'] === undefined
          ? composites.find(([, c]) => JSON.stringify(c.Properties['AlarmRule']).includes(`\${${id}}`))?.[1]
              .Properties
          : Properties
      expect(teller?.['AlarmActions'], id).toEqual(teller?.['OKActions'])
      expect([{ Ref: 'CriticalTopic' }, { Ref: 'WarningTopic' }], id).toContainEqual(
        (teller?.['AlarmActions'] as unknown[] | undefined)?.[0],
      )
    }
    for (const topic of ['CriticalTopic', 'WarningTopic'])
      expect(
        all.filter(([, r]) => JSON.stringify(r.Properties['TopicArn']) === JSON.stringify({ Ref: topic })),
      ).toHaveLength(2)
    expect(composites.length).toBeGreaterThan(3)
  })

  test('every reference leads to something in the template', () => {
    const template = templateOf() as unknown as Record<string, Record<string, unknown>>
    const known = [...Object.keys(template['Resources'] ?? {}), ...Object.keys(template['Parameters'] ?? {})]
    const text = JSON.stringify(template)
    for (const [, name] of text.matchAll(/"Ref":"([^"]+)"/g)) expect(known).toContain(name)
    for (const [, name] of text.matchAll(/\$\{(?!!|AWS::)([^}]+)\}/g)) expect(known).toContain(name)
  })

  test('is small enough to be handed over without a bucket', () => {
    expect(Buffer.byteLength(filesOf()['celeriac.template.yaml'] ?? '')).toBeLessThan(51_200)
  })
})

test('a queue with a limit of its own has its own alarm and is not among the others', () => {
  const alerts = configureAlerts({ CeleryQueueDepthHigh: { queues: { archive: null, reports: 1000 } } })
  const account = accountWith(alerts)
  expect(accountFaults(account)).toEqual([])
  expect(publishedMetrics(alerts).find(({ name }) => name === 'QueueDepth')?.apart.queues).toEqual([
    'archive',
    'reports',
  ])
  expect(
    account.alarms.filter(({ metric }) => metric === 'QueueDepth').map(({ dimensions }) => dimensions),
  ).toEqual([['Broker'], ['Broker', 'Queue']])
})

test('a longer `for` is as many periods as it lasts', () => {
  const [alarm] = accountWith(configureAlerts({ CeleryQueueDepthHigh: { for: '7m30s' } })).alarms
  expect(alarm).toMatchObject({ period: 60, evaluationPeriods: 8, datapointsToAlarm: 8 })
})

test('what is published can be asked for, ends with the broker alone, and is counted', () => {
  const table = publishedMetrics(configureAlerts())
  for (const { name, dimensionSets, ...entry } of table) {
    expect(dimensionSets.at(-1), name).toEqual(['broker'])
    if (entry.kind === 'gauge') expect(() => parse(entry.expr.text), name).not.toThrow()
    expect(entry.kind === 'increase', name).toBe(entry.statistics.includes('Sum'))
  }
  expect(new Set(table.map(({ name }) => name)).size).toBe(table.length)
  expect(publishedCount(table, { queues: 0, containers: 0, tasks: 0 })).toBe(table.length)
  expect(publishedCount(table, { queues: 10, containers: 4, tasks: 0 })).toBe(table.length + 10 * 10 + 2 * 4)
})

test('the script has the same alarms and is read by a shell', () => {
  const script = filesOf()['celeriac.sh'] ?? ''
  const names = (text: string, form: RegExp) => [...text.matchAll(form)].map(([, name]) => name).toSorted()
  expect(names(script, /--alarm-name (\S+)/g)).toEqual(
    names(filesOf()['celeriac.template.yaml'] ?? '', /AlarmName: (\S+)/g),
  )
  const { status, stderr } = spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
})
