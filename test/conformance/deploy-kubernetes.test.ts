/** The target kubernetes before its judges, joined with the other targets, and against what the guide would deploy. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { configSettings } from '../../src/cli/emit.ts'
import { loadConfig, VARIABLES } from '../../src/config/index.ts'
import { emitSettings, type EmitSettings, type EmittedFile, targets } from '../../src/emit/index.ts'
import { kustomize, objectProblems } from '../judges/kubernetes.ts'
import { podProblems, type PodSpec } from '../judges/pods.ts'

const folder = mkdtempSync(join(tmpdir(), 'celeriac-kubernetes-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const CONFIG = `
brokers:
  - { name: orders, url: 'redis://user:hidden-one@redis-orders:6380/0', queues: [invoices] }
  - { name: media, url: 'amqp://u:hidden-two@rabbit//', managementUrl: 'http://rabbit:15672' }
alerts: { CeleryQueueDepthHigh: { threshold: 500, queues: { reports: 50 } } }
notify:
  receivers:
    - { name: on call, slack: { webhookUrl: 'https://hooks.slack.com/hidden-three' } }
    - { name: on-call, webhook: { url: 'https://example.org:8443/hidden-four', bearerToken: hidden-five } }
`
writeFileSync(join(folder, 'celeriac.config.yaml'), CONFIG)
const config = await loadConfig({ config: join(folder, 'celeriac.config.yaml') }, {}, folder, () => '')

interface KubeObject {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> }
  readonly data: Readonly<Record<string, string>>
  readonly spec: {
    readonly selector: Readonly<Record<string, unknown>>
    readonly ports: readonly { readonly name: string; readonly targetPort: string }[]
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> }
      readonly spec: PodSpec & {
        readonly containers: readonly {
          readonly name: string
          readonly ports?: readonly { readonly name: string; readonly containerPort: number }[]
          readonly env: readonly { readonly name: string; readonly value: string }[]
        }[]
        readonly volumes: readonly { readonly name: string; readonly secret?: { secretName: string } }[]
      }
    }
    readonly egress: readonly { readonly ports: readonly { readonly port: number }[] }[]
  }
}

const emit = (given: Partial<EmitSettings>): readonly EmittedFile[] => {
  const target = targets.find(({ name }) => name === 'kubernetes')
  return target?.files(emitSettings({ ...configSettings(config), ...given })) ?? []
}
const objectsOf = (files: readonly EmittedFile[]): readonly KubeObject[] =>
  files
    .filter(({ path }) => path.endsWith('.yaml') && !path.endsWith('kustomization.yaml'))
    .flatMap(({ content }) => parseAllDocuments(content).map(document => document.toJS() as KubeObject))

describe.each<[string, Partial<EmitSettings>]>([
  ['as usual', {}],
  [
    'with labels, a namespace, a selector and a data directory',
    {
      labels: { team: 'x' },
      namespace: 'shop',
      selector: { app: 'watcher' },
      dataFolder: 'CELERIAC_DATA_DIR',
    },
  ],
])('%s', (_what, given) => {
  const files = emit(given)
  const objects = objectsOf(files)
  const find = (kind: string, name = 'celeriac'): KubeObject => {
    const found = objects.find(object => object.kind === kind && object.metadata.name === name)
    if (found === undefined) throw new Error(`no ${kind} ${name}`)
    return found
  }

  test('every object is what its schema says, and has no key that the schema does not know', async () => {
    expect(objects.length).toBeGreaterThan(10)
    for (const object of objects) expect(await objectProblems(object)).toEqual([])
  })

  test('kubectl kustomize reads both folders, and loses none of the objects', () => {
    const place = mkdtempSync(join(folder, 'k-'))
    for (const { path, content } of files) {
      mkdirSync(dirname(join(place, path)), { recursive: true })
      writeFileSync(join(place, path), content)
    }
    const made = [kustomize(place), kustomize(join(place, 'example'))].flatMap(text =>
      parseAllDocuments(text).map(document => document.toJS() as KubeObject),
    )
    const named = (list: readonly KubeObject[]): readonly string[] =>
      list.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort()
    expect(named(made)).toEqual(named(objects))
  })

  test('pods are confined, limited and probed; a worker has no probe that could end its tasks', () => {
    for (const object of objects.filter(({ kind }) => kind === 'Deployment')) {
      const web = ['celeriac', 'reports-api'].includes(object.metadata.name)
      expect([object.metadata.name, podProblems(object.spec.template.spec, { probes: web })]).toEqual([
        object.metadata.name,
        [],
      ])
    }
  })

  test('each Service selects the pods of one Deployment and a port that they have', () => {
    for (const service of objects.filter(({ kind }) => kind === 'Service')) {
      const selected = objects.filter(
        ({ kind, spec }) =>
          kind === 'Deployment' &&
          Object.entries(service.spec.selector).every(
            ([label, value]) => spec.template.metadata.labels[label] === value,
          ),
      )
      expect(selected.map(({ metadata }) => metadata.name)).toEqual([service.metadata.name])
      const names = selected[0]?.spec.template.spec.containers[0]?.ports?.map(({ name }) => name)
      expect(names).toEqual(service.spec.ports.map(({ targetPort }) => targetPort))
    }
  })

  test('every variable is one that the program knows', () => {
    const celeriac = find('Deployment').spec.template.spec.containers[0]
    // The data directory's comes with the store on disk.
    const known = [...Object.keys(VARIABLES), given.dataFolder]
    expect(celeriac?.env.filter(({ name }) => !known.includes(name))).toEqual([])
    expect(celeriac?.env.find(({ name }) => name === 'CELERIAC_LISTEN')?.value).toBe(
      `0.0.0.0:${celeriac?.ports?.[0]?.containerPort ?? 0}`,
    )
  })

  test('no secret is emitted, and the pod reads each from a file of the Secret', async () => {
    for (const { content } of files) expect(content).not.toContain('hidden-')
    const secrets = mkdtempSync(join(folder, 's-'))
    const text = find('ConfigMap').data['celeriac.config.yaml'] ?? ''
    const names = [...text.matchAll(/file: \/run\/secrets\/celeriac\/(\S+)/g)].map(([, name]) => name ?? '')
    expect(names.sort()).toEqual([
      'broker-url-media',
      'broker-url-orders',
      'broker.media.managementUrl',
      'receivers.on-call.slack.webhookUrl',
      'receivers.on-call.webhook.bearerToken',
      'receivers.on-call.webhook.url',
    ])
    for (const name of names) expect(name).toMatch(/^[-._a-zA-Z0-9]{1,253}$/)
    writeFileSync(join(secrets, 'celeriac.config.yaml'), text)
    const again = await loadConfig({ config: join(secrets, 'celeriac.config.yaml') }, {}, secrets, path =>
      path.endsWith('url-orders')
        ? 'redis://user:hidden-one@redis-orders:6380/0\n'
        : path.endsWith('url-media')
          ? 'amqp://u:hidden-two@rabbit//'
          : path.endsWith('bearerToken')
            ? 'hidden-five'
            : 'http://rabbit:15672',
    )
    expect(again.alerts).toEqual(config.alerts)
    expect(again.brokers.map(({ url }) => url.reveal())).toEqual(
      config.brokers.map(({ url }) => url.reveal()),
    )
    const wanted = find('Deployment').spec.template.spec.volumes.find(({ name }) => name === 'secrets')
    expect(wanted?.secret?.secretName).toBe('celeriac')
  })

  test('it may reach every port that it connects to, and nothing else but names', () => {
    const ports = find('NetworkPolicy').spec.egress.flatMap(rule => rule.ports.map(({ port }) => port))
    expect(ports).toEqual([53, 53, 443, 5672, 6380, 8443, 15672])
  })
})

test('one more setting changes the annotation by which the pod is made anew', () => {
  const text = (given: Partial<EmitSettings>): string =>
    emit(given).find(({ path }) => path === 'deployment.yaml')?.content ?? ''
  const program = configSettings(config).program ?? {}
  expect(text({ program })).toBe(text({}))
  expect(text({ program: { ...program, retention: '3d' } })).not.toBe(text({}))
})

test('only its own namespace is made, and refuses what is not confined', () => {
  expect(emit({}).some(({ path }) => path === 'namespace.yaml')).toBe(true)
  expect(emit({ namespace: 'monitoring' }).some(({ path }) => path === 'namespace.yaml')).toBe(false)
})

describe("the guide's Deployment", () => {
  const exporter = {
    containers: [
      {
        name: 'exporter',
        image: 'revrx/celery-exporter:latest',
        ports: [{ containerPort: 9090, name: 'metrics' }],
      },
    ],
  }

  test('has no probes, limits or confinement, and an image that moves (guide-flaw 35)', () => {
    expect(podProblems(exporter)).toEqual([
      'runs as non-root',
      'numeric user',
      'seccomp profile',
      'no token of a service account',
      'exporter: pinned image',
      'exporter: limits and requests',
      'exporter: no privilege escalation',
      'exporter: read-only root',
      'exporter: no capabilities',
      'exporter: liveness and readiness',
      'exporter: liveness is not readiness',
    ])
  })

  test('listens where Prometheus does, and is scraped twice; ours does neither (guide-flaws 34 and 36)', () => {
    for (const { content } of emit({})) {
      expect(content).not.toContain('9090')
      expect(content).not.toContain('prometheus.io/scrape')
    }
  })
})

test('the judge of objects knows keys: misspelt ones and wrong types are found wherever they stand', async () => {
  const wrong = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'x', lables: {} },
    spec: {
      replicass: 1,
      selector: { matchLabels: { a: 'b' } },
      template: { spec: { containers: [{ name: 'a', image: 1, imagee: 'x' }] } },
    },
  }
  expect((await objectProblems(wrong)).map(problem => problem.split(' ')[1])).toEqual([
    '/spec/template/spec/containers/0/image:',
    '/metadata/lables:',
    '/spec/replicass:',
    '/spec/template/spec/containers/0/imagee:',
  ])
})
