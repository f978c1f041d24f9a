/** The Compose stack before its judges, joined with what it is made of; the Dockerfiles by their text, since no engine builds them here. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { configSettings } from '../../src/cli/emit.ts'
import { loadConfig, VARIABLES } from '../../src/config/index.ts'
import { emitSettings, type EmitSettings, targets } from '../../src/emit/index.ts'
import { composeConfig, composeProblems } from '../judges/compose.ts'
import { runIn } from './amtool.ts'

const root = join(import.meta.dirname, '..', '..')
const folder = mkdtempSync(join(tmpdir(), 'celeriac-compose-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Service {
  readonly image: string
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly secrets?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly command?: readonly string[]
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly user?: string
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
}
interface Stack {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
}

const CONFIG = `
brokers: [{ name: production, url: 'redis://user:hidden-one@elsewhere:6379/0' }]
alerts: { CeleryQueueDepthHigh: { threshold: 500 } }
notify: { receivers: [{ name: on-call, slack: { webhookUrl: 'https://hooks.slack.com/hidden-two' } }] }
`
writeFileSync(join(folder, 'celeriac.config.yaml'), CONFIG)
const program = configSettings(
  await loadConfig({ config: join(folder, 'celeriac.config.yaml') }, {}, folder, () => ''),
)

const files = (name: string, given: Partial<EmitSettings> = {}) =>
  targets.find(target => target.name === name)?.files(emitSettings({ ...program, ...given })) ?? []

const place = (given: Partial<EmitSettings> = {}): string => {
  const stack = mkdtempSync(join(folder, 'stack-'))
  for (const { path, content, executable } of files('compose', given)) {
    mkdirSync(dirname(join(stack, path)), { recursive: true })
    writeFileSync(join(stack, path), content)
    if (executable) chmodSync(join(stack, path), 0o755)
  }
  return stack
}
const stackFolder = place()
const text = (path: string): string => readFileSync(join(stackFolder, path), 'utf8')
const stack = parse(text('compose.yaml'), { version: '1.1' }) as Stack
const all = Object.entries(stack.services)

test('docker-compose takes it once it is prepared, and prepared twice nothing changes', () => {
  const run = (): string => execFileSync(join(stackFolder, 'prepare.sh'), { encoding: 'utf8' })
  expect(run().trim().split('\n')).toHaveLength(3)
  const password = text('secrets/grafana-admin-password')
  expect(password).toMatch(/^[A-Za-z0-9+/]{32}$/)
  expect(run()).toBe('')
  expect(text('secrets/grafana-admin-password')).toBe(password)
  expect(statSync(join(stackFolder, 'secrets')).mode & 0o777).toBe(0o700)
  for (const { file } of Object.values(stack.secrets)) expect(existsSync(join(stackFolder, file))).toBe(true)
  expect(composeConfig(join(stackFolder, 'compose.yaml'))).toBe('')
  writeFileSync(
    join(stackFolder, 'wrong.yaml'),
    text('compose.yaml').replace('healthcheck:', 'healthchecks:'),
  )
  expect(composeConfig(join(stackFolder, 'wrong.yaml'))).toContain('healthchecks')
})

test('the schema of the specification takes it, and refuses a key that it does not know', async () => {
  for (const given of [{}, { dataFolder: 'CELERIAC_DATA_DIR' }]) {
    const data = parse(readFileSync(join(place(given), 'compose.yaml'), 'utf8')) as Stack
    expect(await composeProblems(data)).toEqual([])
  }
  const wrong = { ...stack, services: { celeriac: { ...stack.services['celeriac'], imagee: 'x' } } }
  expect((await composeProblems(wrong)).join('\n')).toContain('imagee')
})

test('Prometheus and Alertmanager take their files', () => {
  const said = execFileSync(
    'promtool',
    ['check', 'config', join(stackFolder, 'prometheus', 'prometheus.yml')],
    {
      encoding: 'utf8',
    },
  )
  expect(said).toContain('SUCCESS')
  expect(said).not.toContain('FAILED')
  const { ok, output } = runIn('amtool', ['check-config', 'alertmanager.yml'], {
    'alertmanager.yml': text('alertmanager/alertmanager.yml'),
  })
  expect(ok, output).toBe(true)
})

test('rules and routes are those of their own targets', () => {
  for (const { path, content } of files('prometheus', { externalUrl: 'http://127.0.0.1:9808' }))
    if (path.endsWith('.rules.yml')) expect(text(`prometheus/${path}`)).toBe(content)
  expect(text('prometheus/celery-alerts.rules.yml')).toContain('> 500')
  const [own] = files('alertmanager', { externalUrl: 'http://127.0.0.1:9808', secrets: '/run/secrets' })
  expect(text('alertmanager/alertmanager.yml')).toBe(own?.content)
})

test('Grafana loads the dashboards of its own target from where they are mounted', () => {
  const boards = files('grafana').filter(({ path }) => path.startsWith('dashboards/'))
  expect(boards.length).toBeGreaterThanOrEqual(5)
  for (const { path, content } of boards) expect(text(`grafana/${path}`)).toBe(content)
  const provider = parse(text('grafana/provisioning/dashboards/celeriac.yaml')) as {
    readonly providers: readonly { readonly options: { readonly path: string } }[]
  }
  expect(stack.services['grafana']?.volumes).toContain(
    `./grafana/dashboards:${provider.providers[0]?.options.path ?? ''}:ro`,
  )
})

test('Prometheus looks for Celeriac and Alertmanager where the stack has them', () => {
  const config = parse(text('prometheus/prometheus.yml')) as {
    readonly scrape_configs: readonly {
      readonly static_configs: readonly { readonly targets: readonly string[] }[]
    }[]
    readonly alerting: {
      readonly alertmanagers: readonly {
        readonly static_configs: readonly { readonly targets: readonly string[] }[]
      }[]
    }
  }
  const reached = [...config.scrape_configs, ...config.alerting.alertmanagers].flatMap(each =>
    each.static_configs.flatMap(({ targets }) => targets),
  )
  expect(reached).toEqual(['celeriac:9808', 'alertmanager:9093'])
  for (const address of reached) {
    const [name = '', port = ''] = address.split(':')
    expect(stack.services[name]?.ports?.[0]).toBe(`127.0.0.1:${port}:${port}`)
  }
  expect(text('grafana/provisioning/datasources/celeriac.yaml')).toContain('url: http://prometheus:9090')
})

test('what is mounted from beside it is there, and what is mounted by name is declared', () => {
  for (const [name, { volumes = [] }] of all)
    for (const volume of volumes) {
      const from = volume.split(':')[0] ?? ''
      expect(
        from.startsWith('./') ? existsSync(join(stackFolder, from)) : from in stack.volumes,
        `${name} ${volume}`,
      ).toBe(true)
    }
})

test('no secret is published: none is in a file or a variable, and each that is read is a secret of its service', () => {
  for (const { content } of files('compose')) expect(content).not.toContain('hidden-')
  const asked = [...text('alertmanager/alertmanager.yml').matchAll(/_file: \/run\/secrets\/(\S+)/g)].map(
    ([, name]) => name,
  )
  expect(asked.sort()).toEqual([...(stack.services['alertmanager']?.secrets ?? [])].sort())
  for (const [name, { environment = {}, secrets = [] }] of all)
    for (const [variable, value] of Object.entries(environment)) {
      if (/password|secret|token|key/i.test(variable)) expect(variable, name).toMatch(/(__|_)FILE$/)
      if (value.startsWith('/run/secrets/')) expect(secrets).toContain(value.slice('/run/secrets/'.length))
    }
})

test('only this host reaches what is published, and Redis nobody', () => {
  for (const [name, { ports = [] }] of all)
    for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:/)
  expect(stack.services['redis']?.ports).toBeUndefined()
})

test('containers are confined, pinned and healthy before others wait for them', () => {
  for (const [name, service] of all) {
    const { read_only, cap_drop, image, depends_on = {} } = service
    expect([name, read_only, cap_drop]).toEqual([name, true, ['ALL']])
    expect(image, name).toMatch(/:v?\d+\.\d+(\.\d+)?[\w.-]*\}?$/)
    if (name !== 'reports-worker') expect(service.healthcheck, name).toBeDefined()
    for (const [other, { condition }] of Object.entries(depends_on)) {
      expect(condition).toBe('service_healthy')
      expect(stack.services[other]?.healthcheck, `${name} waits for ${other}`).toBeDefined()
    }
  }
  for (const name of ['celeriac', 'redis', 'reports-api', 'reports-worker'])
    expect(stack.services[name]?.user).toBe('65532:65532')
})

test('Celeriac is set up by variables and a configuration that it knows; Alertmanager alone tells people', async () => {
  const { environment = {} } = stack.services['celeriac'] ?? {}
  expect(Object.keys(environment).filter(name => !(name in VARIABLES))).toEqual([])
  const config = await loadConfig(
    { config: join(stackFolder, 'celeriac', 'celeriac.config.yaml') },
    {},
    stackFolder,
    () => '',
  )
  expect(config.brokers.map(({ url }) => url.reveal())).toEqual(['redis://redis:6379/0'])
  expect(config.receivers).toEqual([])
  expect(config.alerts).toEqual({ CeleryQueueDepthHigh: { threshold: 500 } })
})

describe('the Dockerfiles', () => {
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8')
  const example = readFileSync(join(root, 'examples', 'reports', 'Dockerfile'), 'utf8')
  const stages = (content: string): readonly string[] => content.split(/^FROM /m).slice(1)

  test.each([
    ['celeriac', dockerfile, root],
    ['reports', example, join(root, 'examples', 'reports')],
  ])(
    '%s: two stages, a pinned base, a numeric user that is no root, and only what is there is copied',
    (_name, content, context) => {
      expect(stages(content)).toHaveLength(2)
      expect(content).toMatch(
        /^ARG \w+_IMAGE=\w+:\d+\.\d+\.\d+-slim-bookworm$|^ARG \w+_IMAGE=\w+:\d+\.\d+\.\d+-bookworm-slim$/m,
      )
      expect(stages(content)[1]).toMatch(/^USER 65532:65532$/m)
      for (const [, sources = ''] of content.matchAll(/^COPY (?!--from)(.+) \S+$/gm))
        for (const source of sources.split(' ')) expect(existsSync(join(context, source)), source).toBe(true)
      const ignored = readFileSync(join(context, '.dockerignore'), 'utf8')
      for (const [, sources = ''] of content.matchAll(/^COPY (?!--from)(.+) \S+$/gm))
        for (const source of sources.split(' ')) expect(ignored.split('\n')).toContain(`!${source}`)
    },
  )

  test('base, user, port and probe are those that the other targets name', () => {
    const emitted = files('kubernetes')
      .map(({ content }) => content)
      .join('')
    expect(emitted).toContain('runAsUser: 65532')
    expect(dockerfile).toContain('/livez')
    expect(emitted).toContain('path: /livez')
    expect(dockerfile).toMatch(/^EXPOSE 9808$/m)
    const variables = [...dockerfile.matchAll(/\b(CELERIAC_[A-Z_]+)=/g)].map(([, name]) => name ?? '')
    expect(variables.filter(name => !(name in VARIABLES))).toEqual([])
    const entry = /ENTRYPOINT \["node", "\/app\/dist\/(.+)\.js"\]/.exec(dockerfile)?.[1] ?? ''
    expect(existsSync(join(root, `${entry}.ts`))).toBe(true)
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      readonly version: string
    }
    expect(dockerfile).toContain(`docker build -t celeriac:${version} .`)
    expect(example).toContain(`docker build -t celeriac-example-reports:${version} `)
    expect(files('kubernetes').find(({ path }) => path === 'deployment.yaml')?.content).toContain(
      `image: celeriac:${version}\n`,
    )
  })

  test('the workers of the stack run the command that the example documents', () => {
    const readme = readFileSync(join(root, 'examples', 'reports', 'README.md'), 'utf8')
    const command = stack.services['reports-worker']?.command?.slice(0, 4).join(' ') ?? '-'
    expect(readme).toContain(command)
    expect(example).toContain('"uvicorn", "app.main:app"')
  })
})
