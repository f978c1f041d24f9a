import { expect, test } from 'vitest'
import {
  checkAlertmanagers,
  checkDashboards,
  checkRoutes,
  checkRules,
  checkScrapes,
  type ExpectedRule,
  type LoadedRule,
  readRouting,
} from './index.ts'

const RULE: ExpectedRule = {
  kind: 'alert',
  name: 'Deep',
  expr: 'max by (broker, queue) (celery_queue_depth) > 100',
  forMs: 300_000,
  labels: { severity: 'warning' },
  openLabels: ['broker', 'queue'],
}
const loaded = (change: Partial<LoadedRule> = {}): LoadedRule => ({
  kind: 'alert',
  name: 'Deep',
  query: 'max by(broker, queue) (celery_queue_depth) > 100',
  forMs: 300_000,
  labels: { severity: 'warning' },
  health: 'ok',
  lastError: '',
  place: 'a.yml; g',
  ...change,
})
const said = (...rules: readonly LoadedRule[]): string =>
  checkRules([RULE], rules)
    .map(({ level, title }) => `${level}: ${title}`)
    .join()

test('a rule that says the same in another layout is loaded', () => {
  expect(said(loaded())).toBe('ok: Alert Deep is loaded.')
  expect(said(loaded({ query: 'max  by (broker,queue)(\n celery_queue_depth ) > 1e2' }))).toMatch(/^ok/)
})

test.each([
  [[], /^missing: Alert Deep is not loaded\./],
  [[loaded({ kind: 'record' })], /^missing/],
  [
    [loaded({ query: 'max by (broker, queue) (celery_queue_depth) > 500' })],
    /^wrong: .*the limit is 500 there, 100 here\.$/,
  ],
  [
    [loaded({ forMs: 600_000, labels: {} })],
    /^wrong: .*for is 10m there, 5m here; severity is not set there, warning here\.$/,
  ],
  [
    [loaded({ query: 'celery_queue_depth > 100' })],
    /^wrong: .*the expression is another: celery_queue_depth > 100\.$/,
  ],
  [[loaded({ query: 'rate(celery_queue_depth[' })], /^wrong: .*the expression is another\.$/],
  [
    [loaded({ health: 'err', lastError: 'many-to-many' })],
    /^wrong: Alert Deep is loaded and fails: many-to-many$/,
  ],
  [[loaded({ health: 'unknown' })], /^info: .*not evaluated yet/],
  [[loaded(), loaded({ place: 'b.yml; g' })], /^info: .*loaded 2 times: a\.yml; g, b\.yml; g\.$/],
  [[loaded({ query: 'x > 1' }), loaded()], /^info: .*2 times/],
] as const)('rules %#', (rules, message) => {
  expect(said(...rules)).toMatch(message)
})

const routing = (routes: string, root = 'slack'): ReturnType<typeof readRouting> =>
  readRouting(`
route:
  receiver: ${root}
  routes: ${routes}
receivers:
  - { name: slack, slack_configs: [{ channel: a, api_url: <secret> }] }
  - { name: pagerduty, pagerduty_configs: [{ routing_key: <secret> }] }
  - name: nobody
`)
const goes = (
  config: ReturnType<typeof readRouting>,
  severity: string,
  own: Readonly<Record<string, string>> = {},
): string =>
  checkRoutes(config, [{ ...RULE, labels: { severity } }], own)
    .map(({ level, title }) => `${level}: ${title}`)
    .join()

test.each([
  ['[]', 'critical', 'ok: Deep (critical) goes to slack (slack).'],
  [
    '[{ matchers: [severity="critical"], receiver: pagerduty, continue: true }]',
    'critical',
    'ok: Deep (critical) goes to pagerduty (pagerduty).',
  ],
  [
    '[{ match: { severity: critical }, receiver: pagerduty, continue: true }, { match_re: { severity: "crit.*" }, receiver: slack }]',
    'critical',
    'ok: Deep (critical) goes to pagerduty (pagerduty) and slack (slack).',
  ],
  [
    '[{ matchers: ["severity=~\\"critical|page\\""], receiver: nobody }]',
    'critical',
    'wrong: Deep (critical) goes to nobody, which tells nobody.',
  ],
  [
    "['{ x: 1 }', { matchers: ['severity != info'], receiver: nobody }]",
    'warning',
    'missing: Deep (warning) goes to nobody, which tells nobody.',
  ],
  [
    '[{ matchers: [severity=info], receiver: nobody }]',
    'info',
    'info: Deep (info) goes to nobody, which tells nobody.',
  ],
  [
    '[{ matchers: [queue="reports"], receiver: pagerduty }]',
    'warning',
    'ok: Deep (warning) goes to pagerduty (pagerduty, if queue="reports") and slack (slack).',
  ],
  [
    '[{ matchers: [severity="critical"], receiver: nobody, routes: [{ matchers: [queue="reports"], receiver: pagerduty }] }]',
    'critical',
    'wrong: Deep (critical) goes to pagerduty (pagerduty, if queue="reports"), else to nobody, which tells nobody.',
  ],
])('routes %s take %s where Alertmanager takes it', (routes, severity, expected) => {
  expect(goes(routing(routes.replace("'{ x: 1 }', ", '')), severity)).toBe(expected)
})

test('labels that Prometheus adds decide too, and what is missing is empty', () => {
  const config = routing('[{ matchers: [cluster="a"], receiver: nobody }]')
  expect(goes(config, 'critical', { cluster: 'a' })).toMatch(/^wrong/)
  expect(goes(config, 'critical')).toMatch(/^ok/)
  expect(goes(routing('[{ matchers: [cluster=""], receiver: nobody }]'), 'critical')).toMatch(/^wrong/)
})

test('what is no configuration is refused', () => {
  expect(() => readRouting('a: [')).toThrow(/cannot be read/)
  expect(() => readRouting('receivers: []')).toThrow(/cannot be read/)
})

const target = (health: 'up' | 'down' | 'unknown', job = 'celeriac') => ({
  labels: { job, instance: 'a:9808' },
  url: 'http://a:9808/metrics',
  health,
  lastError: health === 'down' ? 'connection refused' : '',
})
const build = { job: 'celeriac', instance: 'a:9808' }
const scrapes = (of: Partial<Parameters<typeof checkScrapes>[0]>): readonly string[] =>
  checkScrapes({ active: [], dropped: [], builds: [], renamedLabels: [], ...of }, 'celeriac').map(
    ({ level, title }) => `${level}: ${title}`,
  )

test('scrapes are told as they are', () => {
  expect(scrapes({ active: [target('up')], builds: [build] })).toEqual([
    'ok: Celeriac at http://a:9808/metrics is scraped.',
  ])
  expect(scrapes({})).toEqual(['missing: No target of this Prometheus is Celeriac.'])
  expect(scrapes({ dropped: [{ __address__: 'a:1', __meta_kubernetes_service_name: 'celeriac' }] })).toEqual([
    'missing: Celeriac was discovered (a:1) and dropped by relabelling.',
  ])
  expect(scrapes({ active: [target('down')] })[0]).toMatch(/^wrong: .*cannot be scraped: connection refused/)
  expect(scrapes({ active: [target('unknown')] })[0]).toMatch(/^info: .*not scraped yet/)
  expect(scrapes({ active: [target('up')] })[0]).toMatch(/^wrong: .*is not Celeriac/)
  expect(scrapes({ active: [target('up', 'celery')], builds: [{ ...build, job: 'celery' }] })[0]).toMatch(
    /^wrong: .*scraped as job celery/,
  )
  expect(scrapes({ active: [target('up')], builds: [build], renamedLabels: ['container'] })[1]).toMatch(
    /^wrong: .*renamed/,
  )
})

test('a Prometheus without an Alertmanager tells nobody', () => {
  expect(checkAlertmanagers([], 1)[0]).toMatchObject({
    level: 'wrong',
    title: expect.stringContaining('1 were found and dropped') as string,
  })
  expect(checkAlertmanagers(['http://a/'], 0)[0]?.level).toBe('ok')
})

test('dashboards are known by their uid', () => {
  const found = (uid: string, title: string) =>
    checkDashboards([{ uid: 'celery', title: 'Celery' }], [{ uid, title, folder: 'F' }])[0]
  expect(found('celery', 'Celery')?.level).toBe('ok')
  expect(found('celery', 'Ours')?.title).toBe('Dashboard Celery is there under the title Ours in folder F.')
  expect(found('x', 'Celery')?.level).toBe('wrong')
  expect(found('x', 'Y')?.level).toBe('missing')
})
