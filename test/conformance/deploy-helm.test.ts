/** The chart before two versions of Helm, its objects before their schemas, and all of it joined with the other targets. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '../../src/config/index.ts'
import { emitSettings, type EmitSettings, targets } from '../../src/emit/index.ts'
import { HELMS, lint, render } from '../judges/helm.ts'
import { objectProblems } from '../judges/kubernetes.ts'
import { podProblems, type PodSpec } from '../judges/pods.ts'

const folder = mkdtempSync(join(tmpdir(), 'celeriac-helm-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const files = (name: string, given: Partial<EmitSettings> = {}) =>
  targets.find(target => target.name === name)?.files(emitSettings({ version: '1.2.3', ...given })) ?? []

function chartFolder(given: Partial<EmitSettings> = {}): string {
  const chart = mkdtempSync(join(folder, 'chart-'))
  for (const { path, content } of files('helm', given)) {
    mkdirSync(dirname(join(chart, path)), { recursive: true })
    writeFileSync(join(chart, path), content)
  }
  return chart
}
const chart = chartFolder()

interface Rendered {
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly labels: Readonly<Record<string, string>>
  }
  readonly data: Readonly<Record<string, string>>
  readonly spec: {
    readonly jobLabel: string
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> } & Readonly<
      Record<string, unknown>
    >
    readonly endpoints: readonly { readonly port: string; readonly path: string }[]
    readonly ports: readonly { readonly name: string }[]
    readonly groups: readonly unknown[]
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> }
      readonly spec: PodSpec & {
        readonly containers: readonly { readonly image: string; readonly env: unknown }[]
      }
    }
  }
}

const EVERYTHING = [
  'serviceMonitor.enabled=true',
  'prometheusRule.enabled=true',
  'grafanaDashboards.enabled=true',
  'podDisruptionBudget.enabled=true',
  'commonLabels={"team":"x","release":"prom"}',
  'podLabels={"sidecar":"no"}',
  'podAnnotations={"a/b":"c"}',
  'extraEnv=[{"name":"CELERIAC_QUEUES","value":"a,b"}]',
  'extraVolumes=[{"name":"ca","secret":{"secretName":"ca"}}]',
  'extraVolumeMounts=[{"name":"ca","mountPath":"/ca"}]',
  'image.pullSecrets=[{"name":"registry"}]',
  'nodeSelector={"disk":"ssd"}',
  'tolerations=[{"key":"a","operator":"Exists"}]',
  'affinity={"nodeAffinity":{}}',
  'priorityClassName="high"',
  'service.annotations={"a/b":"c"}',
  'serviceAccount.annotations={"a/b":"c"}',
  'serviceMonitor.scrapeTimeout="10s"',
  'serviceMonitor.relabelings=[{"action":"labeldrop","regex":"pod"}]',
  'networkPolicy.extraFrom=[{"podSelector":{"matchLabels":{"a":"b"}}}]',
]

describe.each(HELMS)('%s', helm => {
  test('lints it strictly, as it is and with everything set', () => {
    for (const values of [[], EVERYTHING]) {
      const { ok, text } = lint(helm, chart, values)
      expect(text).toContain('0 chart(s) failed')
      expect(text).not.toMatch(/WARNING|ERROR/)
      expect(ok).toBe(true)
    }
  })

  test.each([
    ['an unknown value', 'servicemonitor={"enabled":true}', /servicemonitor/],
    ['an unknown value of a group', 'serviceMonitor.enable=true', /enable/],
    ['a wrong type', 'serviceMonitor.enabled="yes"', /serviceMonitor/],
    ['a tag that moves (guide-flaw 35)', 'image.tag="latest"', /tag/],
    ['a level that there is not', 'logLevel="verbose"', /logLevel/],
    ['an empty name of the Secret', 'existingSecret=""', /existingSecret/],
    ['a port beyond ports', 'networkPolicy.egressPorts=[70000]', /egressPorts/],
  ])('%s is refused', (_what, value, message) => {
    const { ok, text } = lint(helm, chart, [value])
    expect(ok).toBe(false)
    expect(text).toMatch(message)
  })

  test('makes objects that are what their schemas say, without a key that they do not know', async () => {
    for (const values of [[], EVERYTHING, ['networkPolicy.enabled=false', 'serviceAccount.create=false']]) {
      const objects = render(helm, chart, values)
      expect(objects.length).toBeGreaterThanOrEqual(3)
      for (const object of objects) expect(await objectProblems(object)).toEqual([])
    }
    const persistent = render(helm, chartFolder({ dataFolder: 'CELERIAC_DATA_DIR' }), EVERYTHING)
    for (const object of persistent) expect(await objectProblems(object)).toEqual([])
    expect(JSON.stringify(persistent)).toContain('"persistentVolumeClaim":{"claimName":"celeriac"}')
  })
})

test('both versions make the same', () => {
  expect(render('helm-4', chart, EVERYTHING)).toEqual(render('helm-3', chart, EVERYTHING))
})

const objects = render('helm-4', chart, EVERYTHING, 'demo') as readonly Rendered[]
const find = (kind: string): Rendered => {
  const found = objects.find(object => object.kind === kind)
  if (found === undefined) throw new Error(`no ${kind}`)
  return found
}
const meets = (
  selector: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): boolean =>
  Object.keys(selector).length > 0 &&
  Object.entries(selector).every(([name, value]) => labels[name] === value)

test('the ServiceMonitor selects the Service, the Service the pod, and the policy too (guide-flaw 32)', () => {
  const pod = find('Deployment').spec.template.metadata.labels
  const [service, monitor] = [find('Service'), find('ServiceMonitor')]
  expect(meets(monitor.spec.selector.matchLabels, service.metadata.labels)).toBe(true)
  expect(meets(service.spec.selector as unknown as Record<string, string>, pod)).toBe(true)
  for (const kind of ['PodDisruptionBudget', 'Deployment'])
    expect(meets(find(kind).spec.selector.matchLabels, pod)).toBe(true)
  expect(monitor.spec.endpoints.map(({ port }) => port)).toEqual(service.spec.ports.map(({ name }) => name))
  // The guide's: it selects what no Service has.
  expect(meets({ app: 'celery-worker' }, { app: 'celery-metrics-exporter' })).toBe(false)
})

test('the job is the one that the alerts look for, whatever the release is called', () => {
  const { metadata } = find('Service')
  const job = metadata.labels[find('ServiceMonitor').spec.jobLabel] ?? ''
  const rules = JSON.stringify(objects.filter(({ kind }) => kind === 'PrometheusRule'))
  expect(rules).toContain(`up{job=\\"${job}\\"}`)
  expect(metadata.name).toBe('demo-celeriac')
})

test("kube-prometheus-stack's Prometheus takes the objects, by the label of its release (guide-flaw 33)", () => {
  const release = (values: readonly string[]): readonly (string | undefined)[] =>
    (
      render('helm-4', chart, [
        'serviceMonitor.enabled=true',
        'prometheusRule.enabled=true',
        ...values,
      ]) as Rendered[]
    )
      .filter(({ kind }) => ['ServiceMonitor', 'PrometheusRule'].includes(kind))
      .map(({ metadata }) => metadata.labels['release'])
  expect(new Set(release([]))).toEqual(new Set(['kube-prometheus-stack']))
  expect(new Set(release(['commonLabels={"release":"mine"}']))).toEqual(new Set(['mine']))
})

test('rules are those of the target prometheus, none missing', () => {
  const groups = objects.filter(({ kind }) => kind === 'PrometheusRule').flatMap(({ spec }) => spec.groups)
  const emitted = files('prometheus')
    .filter(({ path }) => path.endsWith('.rules.yml'))
    .flatMap(({ content }) => (parse(content) as { groups: readonly { name: string }[] }).groups)
  const byName = (list: readonly unknown[]): readonly unknown[] =>
    [...(list as readonly { name: string }[])].sort((a, b) => (a.name < b.name ? -1 : 1))
  expect(byName(groups)).toEqual(byName(emitted))
})

test('dashboards are those of the target grafana, under the label that the sidecar looks for (guide-flaw 44)', () => {
  const maps = objects.filter(
    ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.includes('-dashboard-'),
  )
  const boards = files('grafana').filter(({ path }) => path.startsWith('dashboards/'))
  expect(boards.length).toBeGreaterThanOrEqual(5)
  expect(Object.assign({}, ...maps.map(({ data }) => data))).toEqual(
    Object.fromEntries(boards.map(({ path, content }) => [path.slice('dashboards/'.length), content])),
  )
  for (const { metadata } of maps) expect(metadata.labels['grafana_dashboard']).toBe('1')
})

test('the pod is that of the target kubernetes', () => {
  const plain = (render('helm-4', chart) as Rendered[]).find(({ kind }) => kind === 'Deployment')?.spec
    .template.spec
  const other = files('kubernetes').find(({ path }) => path === 'deployment.yaml')?.content ?? ''
  const pod = (parse(other) as Rendered).spec.template.spec
  const level = { name: 'CELERIAC_LOG_LEVEL', value: 'info' }
  const [container, ...none] = pod.containers
  expect(none).toEqual([])
  expect(plain).toEqual({
    ...pod,
    containers: [{ ...container, env: [...((container?.env ?? []) as unknown[]), level] }],
  })
  expect(plain?.containers[0]?.image).toBe('celeriac:1.2.3')
  expect(plain === undefined ? ['none'] : podProblems(plain)).toEqual([])
})

test('a digest wins over a tag', () => {
  const digest = `sha256:${'a'.repeat(64)}`
  const image = (values: readonly string[]): string | undefined =>
    (render('helm-4', chart, values) as Rendered[]).find(({ kind }) => kind === 'Deployment')?.spec.template
      .spec.containers[0]?.image
  expect(image([`image.digest="${digest}"`, 'image.tag="9"'])).toBe(`celeriac@${digest}`)
  expect(image(['image.tag="9"', 'image.repository="registry.example.com/celeriac"'])).toBe(
    'registry.example.com/celeriac:9',
  )
})

test('the configuration that it makes is one that the program reads', async () => {
  const text = find('ConfigMap').data['celeriac.config.yaml'] ?? ''
  writeFileSync(join(folder, 'celeriac.config.yaml'), text)
  const config = await loadConfig(
    { config: join(folder, 'celeriac.config.yaml') },
    {},
    folder,
    () => 'redis://redis/0',
  )
  expect(config.brokers.map(({ name }) => name)).toEqual(['default'])
})
