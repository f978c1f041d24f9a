/** One test for each fault of the guide's Alertmanager configuration (rows 57 to 67): it shows there, and not in ours. */
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { type Alert, alerts, configureAlerts, inhibitions, ruleGroups } from '../../src/catalog/index.ts'
import { type EmitSettings, emitSettings, targets } from '../../src/emit/index.ts'
import { receivers, rendered, runIn } from './amtool.ts'

/** The guide's, with its Slack and PagerDuty placeholders. */
const GUIDE = `
global:
  resolve_timeout: 5m
  slack_api_url: 'https://hooks.slack.com/services/YOUR/SLACK/WEBHOOK'
route:
  group_by: ['alertname', 'cluster', 'service']
  group_wait: 10s
  group_interval: 10s
  repeat_interval: 12h
  receiver: 'slack-notifications'
  routes:
  - match:
      severity: critical
    receiver: 'pagerduty'
    continue: true
receivers:
- name: 'slack-notifications'
  slack_configs:
  - channel: '#celery-alerts'
    title: '{{ .GroupLabels.alertname }}'
    text: '{{ range .Alerts }}{{ .Annotations.description }}{{ end }}'
    send_resolved: true
- name: 'pagerduty'
  pagerduty_configs:
  - service_key: 'YOUR_PAGERDUTY_KEY'
`

interface Config {
  readonly route: {
    readonly group_by: readonly string[]
    readonly group_wait: string
    readonly group_interval: string
  }
  readonly inhibit_rules?: readonly {
    readonly source_matchers: readonly string[]
    readonly target_matchers: readonly string[]
    readonly equal: readonly string[]
  }[]
  readonly receivers: readonly {
    readonly name: string
    readonly slack_configs?: readonly { readonly title: string; readonly text: string }[]
    readonly pagerduty_configs?: readonly { readonly details?: { readonly firing: string } }[]
    readonly webhook_configs?: readonly { readonly url: string }[]
  }[]
}

const everyAlert: readonly Alert[] = alerts

const emitted = (given: Partial<EmitSettings> = {}): Readonly<Record<string, string>> =>
  Object.fromEntries(
    targets
      .find(({ name }) => name === 'alertmanager')
      ?.files(emitSettings(given))
      .map(({ path, content }) => [path, content]) ?? [],
  )

const ours = (given: Partial<EmitSettings> = {}): string => emitted(given)['alertmanager.yml'] ?? ''
const read = (text: string): Config => parse(text) as Config

/** Every key of a document, at any depth. */
const keys = (value: unknown): readonly string[] =>
  Array.isArray(value)
    ? value.flatMap(keys)
    : typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, each]) => [key, ...keys(each)])
      : []

test('flaw 57: every critical alert reaches PagerDuty and Slack', () => {
  const critical = { alertname: 'CeleryNoWorkers', severity: 'critical' }
  expect(receivers(GUIDE, critical)).toEqual(['pagerduty'])
  expect(receivers(ours(), critical)).toEqual(['pagerduty', 'slack'])
  expect(receivers(ours(), { ...critical, severity: 'warning' })).toEqual(['slack'])
  expect(receivers(ours(), { alertname: 'Unlabelled' })).toEqual(['slack'])
})

test('flaw 58: a syntax check passes the guide’s file; the route tests that are emitted do not, and pass ours', () => {
  const script = emitted()['routes.test.sh'] ?? ''
  const play = (config: string) =>
    runIn('sh', ['routes.test.sh'], { 'routes.test.sh': script, 'alertmanager.yml': config })
  expect(runIn('amtool', ['check-config', 'a.yml'], { 'a.yml': GUIDE })).toMatchObject({ ok: true })
  expect(play(GUIDE).ok).toBe(false)
  expect(play(ours())).toMatchObject({ ok: true })
  for (const { name } of everyAlert) expect(script).toContain(`alertname=${name}`)
  // A severity that config changes changes the expectation, and the file still fulfils it.
  const changed = emitted({ alerts: configureAlerts({ WorkerCpuHigh: { severity: 'critical' } }) })
  expect(changed['routes.test.sh']).toMatch(/^expect pagerduty,slack .*alertname=WorkerCpuHigh$/m)
  expect(runIn('sh', ['routes.test.sh'], changed)).toMatchObject({ ok: true })
})

test('flaw 59: groups are made by labels that the alerts have', () => {
  const unknown = (config: string, alert: Alert): readonly string[] => {
    const has = ['alertname', 'severity', 'component', ...alert.labels]
    return read(config).route.group_by.filter(label => !has.includes(label))
  }
  for (const alert of everyAlert) {
    expect(unknown(GUIDE, alert)).toEqual(['cluster', 'service'])
    // Celeriac itself has no broker; its alerts are grouped by name.
    expect(unknown(ours(), alert)).toEqual(alert.labels.includes('broker') ? [] : ['broker'])
  }
})

test('flaw 60: one outage is told once, and a broker never hushes another', () => {
  expect(read(GUIDE).inhibit_rules).toBeUndefined()
  const rules = read(ours()).inhibit_rules ?? []
  expect(rules).toHaveLength(inhibitions.length)
  for (const { equal } of rules) expect(equal.length).toBeGreaterThan(0)
  const labels = (name: string): readonly string[] =>
    everyAlert.find(each => each.name === name)?.labels ?? []
  for (const { source, targets: hushed, equal } of inhibitions) {
    expect(hushed).not.toContain(source)
    // A label that both lack is the same for both: then one would hush them everywhere.
    for (const name of [source, ...hushed]) expect(labels(name)).toEqual(expect.arrayContaining([...equal]))
  }
})

test('flaw 60: what is off hushes nothing, and nothing hushes what is more severe', () => {
  const hushing = (overrides: Parameters<typeof configureAlerts>[0]) =>
    read(ours({ alerts: configureAlerts(overrides) })).inhibit_rules?.map(
      ({ source_matchers: [source], target_matchers: [target] }) => `${source} ${target}`,
    )
  const depth = 'alertname="CeleryQueueDepthHigh" alertname=~"CeleryQueueGrowing"'
  const without = hushing({ CeleryNoWorkers: { enabled: false } })
  expect(without).toContain(depth)
  expect(without?.join()).not.toContain('CeleryNoWorkers')
  expect(hushing({ CeleryQueueGrowing: { severity: 'critical' } })).not.toContain(depth)
  expect(hushing({ CeleryQueueGrowing: { queues: { a: { severity: 'critical' } } } })).not.toContain(depth)
  expect(hushing({ CeleryQueueDepthHigh: { queues: { a: { severity: 'info' } } } })).not.toContain(depth)
})

test('flaw 61: matchers, not the deprecated match', () => {
  expect(keys(parse(GUIDE))).toContain('match')
  for (const key of ['match', 'match_re', 'source_match', 'target_match'])
    expect(keys(parse(ours()))).not.toContain(key)
})

test('flaw 62: each alert of a message has a line of its own and says whether it ended', () => {
  const alert = (n: string, status: string) => ({
    status,
    labels: { alertname: 'CeleryQueueDepthHigh', severity: 'warning', broker: 'default', queue: n },
    annotations: { summary: `${n} is deep`, description: `${n} problem`, runbook_url: 'http://r/x' },
  })
  const data = {
    status: 'firing',
    alerts: [alert('First', 'firing'), alert('Second', 'resolved')],
    groupLabels: { alertname: 'CeleryQueueDepthHigh', broker: 'default' },
    commonLabels: { alertname: 'CeleryQueueDepthHigh', severity: 'warning', broker: 'default' },
    commonAnnotations: { runbook_url: 'http://r/x' },
  }
  const slack = (config: string) =>
    read(config).receivers.find(each => each.slack_configs)?.slack_configs?.[0]
  expect(rendered(slack(GUIDE)?.text ?? '', data)).toBe('First problemSecond problem')
  expect(
    rendered(slack(ours())?.text ?? '', data)
      .trimEnd()
      .split('\n'),
  ).toEqual([
    '• *First is deep* [warning]',
    '  First problem <http://r/x|Runbook>',
    '• Resolved: Second is deep',
  ])
  expect(rendered(slack(ours())?.title ?? '', data)).toBe('FIRING 1 CeleryQueueDepthHigh (default)')
  expect(rendered(slack(ours())?.title ?? '', { ...data, status: 'resolved' })).toBe(
    'RESOLVED CeleryQueueDepthHigh (default)',
  )
  const pagerduty = read(ours()).receivers.find(each => each.pagerduty_configs)?.pagerduty_configs?.[0]
  expect(rendered(pagerduty?.details?.firing ?? '', data).trim()).toBe('First is deep: First problem')
})

test('flaw 63: no secret stands in the file, only names of files', () => {
  const inline = ['slack_api_url', 'api_url', 'service_key', 'routing_key', 'smtp_auth_password']
  expect(keys(parse(GUIDE)).filter(key => inline.includes(key))).toEqual(['slack_api_url', 'service_key'])
  expect(keys(parse(ours())).filter(key => inline.includes(key))).toEqual([])
  expect(ours({ secrets: '/run/secrets' })).toContain('api_url_file: /run/secrets/slack-webhook-url')
  expect(ours({ secrets: '/run/secrets' })).toContain('routing_key_file: /run/secrets/pagerduty-routing-key')
})

test('flaw 65: PagerDuty is spoken to by its Events API v2, in the region that was given', () => {
  expect(keys(parse(ours()))).not.toContain('service_key')
  const eu = ours({ pagerdutyUrl: 'https://events.eu.pagerduty.com/v2/enqueue' })
  expect(eu).toContain('pagerduty_url: https://events.eu.pagerduty.com/v2/enqueue')
  expect(runIn('amtool', ['check-config', 'a.yml'], { 'a.yml': eu })).toMatchObject({ ok: true })
})

test('flaw 66: a group waits at least as long as rules take to see what belongs together', () => {
  const seconds = (text: string): number => Number.parseInt(text, 10) * (text.endsWith('m') ? 60 : 1)
  const evaluationSeconds = Math.max(...ruleGroups().map(({ intervalMs }) => intervalMs)) / 1000
  const guide = read(GUIDE).route
  expect(seconds(guide.group_wait)).toBeLessThan(30)
  const { group_wait: wait, group_interval: interval } = read(ours()).route
  expect(seconds(wait)).toBeGreaterThanOrEqual(2 * evaluationSeconds)
  expect(seconds(interval)).toBeGreaterThanOrEqual(60)
})

test('flaw 67: the watchdog has a route of its own to what calls when it stops', () => {
  const watchdog = { alertname: 'CeleriacWatchdog', severity: 'info' }
  expect(receivers(GUIDE, watchdog)).toEqual(['slack-notifications'])
  expect(receivers(ours(), watchdog)).toEqual(['watchdog'])
  const given = ours({ watchdogUrl: 'https://hc.example.com/ping/1' })
  expect(read(given).receivers.find(({ name }) => name === 'watchdog')?.webhook_configs).toEqual([
    { url: 'https://hc.example.com/ping/1', send_resolved: false },
  ])
  expect(runIn('amtool', ['check-config', 'a.yml'], { 'a.yml': given })).toMatchObject({ ok: true })
})
