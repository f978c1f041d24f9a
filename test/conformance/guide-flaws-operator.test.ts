/** Faults of the guide's objects for Prometheus Operator (rows 32 to 36 and 64): each shows in the guide's form, and not in ours. */
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments, stringify } from 'yaml'
import { alerts, recorded } from '../../src/catalog/index.ts'
import { type EmitSettings, emitSettings, targets } from '../../src/emit/index.ts'
import { objectProblems } from '../judges/kubernetes.ts'
import { receivers } from './amtool.ts'
import { promtool, readRules, type RuleFile } from './catalog-promtool.ts'
import { emitted as prometheusFiles } from './catalog-promtool.ts'

interface Meta {
  readonly name: string
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}
interface ServiceMonitor {
  readonly metadata: Meta
  readonly spec: {
    readonly jobLabel?: string
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> }
    readonly namespaceSelector?: { readonly matchNames: readonly string[] }
    readonly endpoints: readonly {
      readonly port: string
      readonly path: string
      readonly honorLabels?: boolean
    }[]
  }
}
interface Service {
  readonly metadata: Meta
  readonly spec: { readonly ports: readonly { readonly name: string; readonly port: number }[] }
}
interface Route {
  readonly receiver: string
  readonly continue?: boolean
  readonly matchers?: readonly { readonly name: string; readonly matchType: string; readonly value: string }[]
  readonly routes?: readonly Route[]
}
interface AlertmanagerConfig {
  readonly metadata: Meta
  readonly spec: { readonly route: Route; readonly receivers: readonly { readonly name: string }[] }
}

const emitted = (given: Partial<EmitSettings> = {}) => {
  const files = Object.fromEntries(
    targets
      .find(({ name }) => name === 'operator')
      ?.files(emitSettings(given))
      .map(({ path, content }) => [path, content]) ?? [],
  )
  const object = (path: string): unknown => parse(files[path] ?? '')
  return {
    files,
    service: object('service.yaml') as Service,
    monitor: object('servicemonitor.yaml') as ServiceMonitor,
    rule: object('prometheusrule.yaml') as { readonly metadata: Meta; readonly spec: RuleFile },
    routes: object('alertmanagerconfig.yaml') as AlertmanagerConfig,
  }
}

/** Whether labels have all that a selector asks for. */
const selects = (
  wanted: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>> = {},
): boolean => Object.entries(wanted).every(([name, value]) => labels[name] === value)

/** What keeps a ServiceMonitor from scraping a Service; empty when it does. */
const scrapeFaults = ({ metadata, spec }: ServiceMonitor, service: Service): readonly string[] => [
  ...(selects(spec.selector.matchLabels, service.metadata.labels) ? [] : ['the Service is not selected']),
  ...((spec.namespaceSelector?.matchNames ?? [metadata.namespace]).includes(service.metadata.namespace ?? '')
    ? []
    : ['the Service stands in another namespace']),
  ...spec.endpoints
    .filter(({ port }) => !service.spec.ports.some(({ name }) => name === port))
    .map(({ port }) => `the Service has no port ${port}`),
]

/** The guide's, as far as they matter. */
const guide = {
  monitor: {
    metadata: { name: 'celery-worker-metrics', namespace: 'revrx', labels: { app: 'celery-worker' } },
    spec: {
      selector: { matchLabels: { app: 'celery-worker' } },
      endpoints: [{ port: 'metrics', path: '/metrics' }],
    },
  },
  service: {
    metadata: {
      name: 'celery-metrics-exporter',
      namespace: 'revrx',
      labels: { app: 'celery-metrics-exporter' },
    },
    spec: { ports: [{ name: 'metrics', port: 9090 }] },
  },
} satisfies { monitor: ServiceMonitor; service: Service }

test('flaw 32: the ServiceMonitor selects the Service that is emitted with it, whatever labels and namespace are given', () => {
  expect(scrapeFaults(guide.monitor, guide.service)).toEqual(['the Service is not selected'])
  for (const given of [
    {},
    { namespace: 'monitoring', labels: { team: 'x', release: 'prometheus' } },
    { labels: { 'app.kubernetes.io/name': 'other' }, selector: { app: 'mine' } },
  ]) {
    const { monitor, service } = emitted(given)
    expect(scrapeFaults(monitor, service)).toEqual([])
    // The rules that watch Celeriac look for this job.
    expect(service.metadata.labels?.[monitor.spec.jobLabel ?? '']).toBe('celeriac')
    expect(prometheusFiles()['celeriac-meta.rules.yml']).toContain('up{job="celeriac"}')
    expect(monitor.spec.endpoints[0]?.honorLabels).toBe(true)
  }
})

test('flaw 33: the default selectors of kube-prometheus-stack take ServiceMonitor and rules without an edit', () => {
  // templates/prometheus/prometheus.yaml of the chart: matchLabels: {release: <name of the Helm release>}
  const taken = (release: string, meta: Meta): boolean => selects({ release }, meta.labels)
  expect(taken('prometheus', guide.monitor.metadata)).toBe(false)
  const plain = emitted()
  const named = emitted({ labels: { release: 'prometheus' } })
  for (const kind of ['monitor', 'rule'] as const) {
    expect(taken('kube-prometheus-stack', plain[kind].metadata)).toBe(true)
    expect(taken('prometheus', named[kind].metadata)).toBe(true)
  }
})

test('flaw 34: the port is not that of Prometheus', () => {
  expect(guide.service.spec.ports[0]?.port).toBe(9090)
  expect(emitted().service.spec.ports.map(({ port }) => port)).toEqual([9808])
})

test('flaw 36: one discovery finds the Service: there are no scrape annotations beside the ServiceMonitor', () => {
  for (const text of Object.values(emitted().files)) expect(text).not.toContain('prometheus.io/')
})

describe('PrometheusRule', () => {
  test('holds the rules of the Prometheus target, each alert with its namespace', () => {
    const { rule } = emitted({ namespace: 'shop' })
    const plain = Object.entries(prometheusFiles())
      .filter(([path]) => path.endsWith('.rules.yml'))
      .flatMap(([, text]) => readRules(text).groups)
    expect(
      rule.spec.groups.map(group => ({
        ...group,
        rules: group.rules.map(({ labels = {}, ...each }) => {
          const { namespace, ...others } = labels
          if (each.alert !== undefined) expect(namespace).toBe('shop')
          return Object.keys(others).length === 0 ? each : { ...each, labels: others }
        }),
      })),
    ).toEqual(
      plain.map(group => ({
        ...group,
        rules: group.rules.map(({ labels, ...each }) => (labels ? { ...each, labels } : each)),
      })),
    )
  })

  test('promtool finds its groups sound', () => {
    const file = stringify(emitted().rule.spec)
    const checked = promtool(['check', 'rules', '--lint=all', '--lint-fatal', 'a.yml'], { 'a.yml': file })
    expect(checked.ok).toBe(true)
    expect(checked.output).toContain(`${alerts.length + 2 + Object.keys(recorded).length} rules found`)
  })
})

/**
 * What the operator makes of an AlertmanagerConfig: a route below the root that sees only alerts of its namespace
 * (`alertmanagerConfigMatcherStrategy: OnNamespace`, the default) and goes on to its siblings.
 */
function generated({ metadata, spec }: AlertmanagerConfig): string {
  const route = ({ matchers = [], routes = [], receiver, ...rest }: Route): unknown => ({
    receiver,
    ...(rest.continue && { continue: true }),
    matchers: matchers.map(({ name, matchType, value }) => `${name}${matchType}"${value}"`),
    routes: routes.map(route),
  })
  const top = route({
    ...spec.route,
    continue: true,
    matchers: [{ name: 'namespace', matchType: '=', value: metadata.namespace ?? '' }],
  })
  return stringify({
    route: { receiver: 'null', routes: [top] },
    receivers: [{ name: 'null' }, ...spec.receivers.map(({ name }) => ({ name }))],
  })
}

test('flaw 64: the routes are an AlertmanagerConfig, which the operator reads; no Secret has to have the right name and key', () => {
  const { files, routes, rule } = emitted({ namespace: 'shop' })
  for (const text of Object.values(files)) expect(text).not.toMatch(/^kind: Secret/m)
  const config = generated(routes)
  for (const { alert, labels } of rule.spec.groups.flatMap(group => group.rules)) {
    if (alert === undefined) continue
    const expected =
      alert === 'CeleriacWatchdog'
        ? ['watchdog']
        : labels?.['severity'] === 'critical'
          ? ['pagerduty', 'slack']
          : ['slack']
    expect([alert, receivers(config, { alertname: alert, ...labels })]).toEqual([alert, expected])
  }
  // Without the label, or with that of another namespace, the operator would hide the alert from these routes.
  expect(receivers(config, { alertname: 'CeleryNoWorkers', severity: 'critical' })).toEqual(['null'])
})

/** The CRD has `description` of PagerDuty, the package's schema lost it with the descriptions of properties. */
const NOT_IN_THE_SCHEMA = /\/spec\/route\/routes\/\d|\/pagerdutyConfigs\/\d\/description: is not known$/

test('the schemas of Kubernetes and of the operator know every key of every object, and refuse one more', async () => {
  const objects = ['operator', 'grafana'].flatMap(name =>
    (targets.find(each => each.name === name)?.files(emitSettings({ labels: { team: 'x' } })) ?? [])
      .filter(({ path }) => /^[a-z]+\.yaml$/.test(path))
      .flatMap(({ content }) => parseAllDocuments(content).map(document => document.toJS() as unknown)),
  )
  expect(objects).toHaveLength(9)
  for (const object of objects) {
    const problems = await objectProblems(object)
    expect(problems.filter(problem => !NOT_IN_THE_SCHEMA.test(problem))).toEqual([])
  }
  const { monitor, routes } = emitted()
  // Routes below the first have no schema there, since they nest without end; each is judged as a first one.
  for (const route of routes.spec.route.routes ?? [])
    expect(
      (await objectProblems({ ...routes, spec: { ...routes.spec, route } })).filter(
        problem => !NOT_IN_THE_SCHEMA.test(problem),
      ),
    ).toEqual([])
  const [endpoint] = monitor.spec.endpoints
  const wrong = { ...monitor, spec: { ...monitor.spec, endpoints: [{ ...endpoint, portt: 'http' }] } }
  expect(await objectProblems(wrong)).toEqual([
    'monitoring.coreos.com/v1/ServiceMonitor /spec/endpoints/0/portt: is not known',
  ])
})

test('secrets are references to one Secret, whose making the file tells', () => {
  const text = emitted().files['alertmanagerconfig.yaml'] ?? ''
  expect(text).toContain('create secret generic celeriac-alertmanager')
  const references = [...text.matchAll(/name: (\S+)\n\s+key: (\S+)/g)].map(([, name, key]) => [name, key])
  expect(references).toEqual([
    ['celeriac-alertmanager', 'slack-webhook-url'],
    ['celeriac-alertmanager', 'pagerduty-routing-key'],
  ])
  for (const [, key] of references) expect(text).toContain(`--from-file=${key ?? ''}`)
})
