/** The target filebeat: its configuration, what becomes of real lines, and what the guide's would lack. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { RE2JS } from 're2js'
import { parse, parseAllDocuments } from 'yaml'
import { createLog } from '../../src/app/index.ts'
import { emitSettings, type EmitSettings, targets } from '../../src/emit/index.ts'
import { checkFilebeat, filebeatProblems } from '../judges/filebeat.ts'
import { objectProblems } from '../judges/kubernetes.ts'

const files = (name: string, given: Partial<EmitSettings> = {}) =>
  targets.find(target => target.name === name)?.files(emitSettings(given)) ?? []
const text = (path: string, given: Partial<EmitSettings> = {}): string =>
  files('filebeat', given).find(file => file.path === path)?.content ?? ''

const beat = checkFilebeat(parse(text('filebeat.yml')))
const templates = beat.filebeat.autodiscover?.providers[0]?.templates ?? []

interface Loose {
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels: Record<string, string>
  }
  readonly data: Readonly<Record<string, string>>
  readonly subjects: readonly { readonly namespace: string }[]
  readonly spec: {
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> }
      readonly spec: {
        readonly containers: readonly {
          readonly env: readonly { readonly name: string }[]
          readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
        }[]
        readonly volumes: readonly { readonly name: string }[]
      }
    }
  }
}
const documents = (content: string): readonly Loose[] =>
  parseAllDocuments(content).map(document => document.toJS() as Loose)

test('every object is what its schema says; the ConfigMap holds what stands beside it', async () => {
  for (const given of [{}, { namespace: 'logging', labels: { team: 'x' } }]) {
    const objects = documents(text('daemonset.yaml', given))
    for (const object of objects) expect(await objectProblems(object)).toEqual([])
    const config = objects.find(({ kind }) => kind === 'ConfigMap')?.data['filebeat.yml'] ?? ''
    expect(parse(config)).toEqual(parse(text('filebeat.yml', given)))
  }
})

test('it has all that it needs: account, rights, mounts, and each variable that its configuration names', () => {
  const objects = documents(text('daemonset.yaml'))
  expect(objects.map(({ kind }) => kind)).toEqual([
    'Namespace',
    'ServiceAccount',
    'ClusterRole',
    'ClusterRoleBinding',
    'ConfigMap',
    'DaemonSet',
  ])
  const pod = objects.at(-1)?.spec.template.spec
  const container = pod?.containers[0]
  const used = [...text('filebeat.yml').matchAll(/\$\{([A-Z_]+)/g)].map(([, name]) => name)
  expect(used.length).toBeGreaterThan(2)
  expect(container?.env.map(({ name }) => name).sort()).toEqual([...new Set(used)].sort())
  expect(pod?.volumes.map(({ name }) => name)).toEqual(container?.volumeMounts.map(({ name }) => name))
  const ca = beat.output.elasticsearch.ssl?.certificate_authorities?.[0] ?? ''
  expect(container?.volumeMounts.some(({ mountPath }) => ca.startsWith(`${mountPath}/`))).toBe(true)
  const namespaces = new Set(
    objects.flatMap(({ metadata, subjects }) => [metadata.namespace, subjects?.[0]?.namespace]),
  )
  expect([...namespaces].filter(name => name !== undefined)).toEqual(['celeriac-filebeat'])
})

test('logs of the API, of workers and of Celeriac are read: by labels that those pods have (guide-flaws 83 and 84)', () => {
  const labels = [...files('kubernetes')]
    .filter(({ path }) => path.endsWith('.yaml'))
    .flatMap(({ content }) => documents(content))
    .filter(({ kind }) => kind === 'Deployment')
    .map(({ spec }) => spec.template.metadata.labels)
  const matches = (
    condition: (typeof templates)[number]['condition'],
    pod: Readonly<Record<string, string>>,
  ) => {
    const fields = Object.fromEntries(
      Object.entries(pod).map(([name, value]) => [`kubernetes.labels.${name.replaceAll('.', '_')}`, value]),
    )
    const leaves = 'or' in condition ? condition.or : [condition]
    return leaves.some(
      leaf =>
        'equals' in leaf && Object.entries(leaf.equals).every(([field, value]) => fields[field] === value),
    )
  }
  expect(
    labels.map(pod => [
      pod['app.kubernetes.io/name'],
      templates.findIndex(each => matches(each.condition, pod)),
    ]),
  ).toEqual([
    ['celeriac', 0],
    ['redis', -1],
    ['reports-api', 1],
    ['reports-worker', 1],
  ])
})

/** What Filebeat makes of the lines of one container, by template: multiline, JSON, renamed fields. */
function events(template: number, lines: readonly string[]): readonly Record<string, unknown>[] {
  const input = templates[template]?.config[0]
  const parsers = input?.parsers ?? []
  const multiline = parsers.flatMap(each => ('multiline' in each ? [each.multiline] : []))[0]
  const ndjson = parsers.flatMap(each => ('ndjson' in each ? [each.ndjson] : []))[0]
  const goesOn = RE2JS.compile(multiline?.pattern ?? '')
  const joined: string[] = []
  for (const line of lines) {
    if (joined.length > 0 && goesOn.matcher(line).find()) joined.push(`${joined.pop() ?? ''}\n${line}`)
    else joined.push(line)
  }
  return joined.map(message => {
    let event: Record<string, unknown> = { message }
    try {
      const fields = JSON.parse(message) as Record<string, unknown>
      const prefix = ndjson?.target === '' ? '' : `${ndjson?.target ?? ''}.`
      event = Object.fromEntries(Object.entries(fields).map(([name, value]) => [prefix + name, value]))
    } catch {
      // ignore_decoding_error: what is no JSON stays a message.
    }
    for (const processor of input?.processors ?? []) {
      if (!('rename' in processor)) continue
      for (const { from, to } of processor.rename.fields) {
        if (!(from in event)) continue
        event[to] = event[from]
        Reflect.deleteProperty(event, from)
      }
    }
    return event
  })
}

const TRACEBACK = [
  'Traceback (most recent call last):',
  '  File "/app/app/settings.py", line 40, in load_settings',
  '    raise SettingsError("x")',
  'kombu.exceptions.OperationalError: Error 111 connecting to redis:6379.',
  '',
  'The above exception was the direct cause of the following exception:',
  '',
]

describe('what becomes of lines', () => {
  test("the example's own lines: its words become those of ECS, with correlation and task id (guide-flaw 80)", () => {
    const root = join(import.meta.dirname, '..', '..')
    const said = execFileSync(
      join(root, '.cache', 'venv', 'bin', 'python'),
      [
        '-c',
        [
          'import structlog',
          'from app.log import configure_logging',
          'configure_logging("INFO")',
          'structlog.contextvars.bind_contextvars(correlation_id="order-12345", task_id="abc", task="reports.build")',
          'log = structlog.get_logger("reports.tasks")',
          'log.info("report started", rows=5)',
          'try:',
          '    1 / 0',
          'except ZeroDivisionError:',
          '    log.exception("failed")',
        ].join('\n'),
      ],
      { cwd: join(root, 'examples', 'reports'), encoding: 'utf8' },
    )
    const [started, failed] = events(1, said.trimEnd().split('\n'))
    expect(started).toMatchObject({
      message: 'report started',
      'log.level': 'info',
      'log.logger': 'reports.tasks',
      'labels.correlation_id': 'order-12345',
      'labels.task_id': 'abc',
      'labels.task': 'reports.build',
      'reports.rows': 5,
    })
    expect(failed?.['error.stack_trace']).toContain('ZeroDivisionError')
    const stamp = String(started?.['reports.timestamp'])
    // As the layout 2006-01-02T15:04:05.999999Z has it.
    expect(stamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/)
  })

  test('lines of Celeriac are events of ECS as they are', () => {
    let line = ''
    const stream = { write: (chunk: string) => ((line += chunk), true) } as unknown as NodeJS.WritableStream
    createLog({ level: 'info', format: 'json', stream }).warn('A broker is away.', { broker: 'default' })
    expect(events(0, [line.trimEnd()])[0]).toMatchObject({
      message: 'A broker is away.',
      'log.level': 'warn',
      'service.name': 'celeriac',
      celeriac: { broker: 'default' },
    })
  })

  test('a traceback is one event, and takes no line of JSON with it', () => {
    const lines = [
      '{"event":"a"}',
      ...TRACEBACK,
      ...TRACEBACK.slice(0, 3),
      'SettingsError: x',
      '{"event":"b"}',
    ]
    const made = events(1, lines)
    expect(made.map(({ message }) => String(message).split('\n').length)).toEqual([1, 7, 4, 1])
    expect(made.map(({ message }) => String(message).slice(0, 9))).toEqual([
      'a',
      'Traceback',
      'Traceback',
      'b',
    ])
  })

  test.each([
    'celery.exceptions.TimeLimitExceeded: TimeLimitExceeded(300,)',
    'billiard.exceptions.WorkerLostError: Worker exited prematurely: signal 9 (SIGKILL) Job: 3.',
    'ValueError: bad',
    'KeyboardInterrupt',
    "SystemExit('x')",
  ])('%s ends a traceback', line => {
    expect(events(1, [...TRACEBACK.slice(0, 3), line])).toHaveLength(1)
  })

  test.each([
    'INFO:     Started server process [1]',
    '{"event":"x"}',
    'celery beat v5.7.0 is starting.',
    'Error',
  ])('%s begins an event of its own', line => {
    expect(events(1, ['{"event":"a"}', line])).toHaveLength(2)
  })
})

describe("the guide's filebeat.yml", () => {
  const guide = {
    filebeat: { inputs: [{ type: 'container', paths: ['/var/log/containers/revrx-celery-worker*.log'] }] },
    output: { elasticsearch: { hosts: ['${ELASTICSEARCH_HOST:elasticsearch}:${ELASTICSEARCH_PORT:9200}'] } },
  }
  test('has an input that is gone, without an id, and speaks plain HTTP (guide-flaws 79 and 82)', () => {
    const problems = filebeatProblems(guide)
    expect(problems.some(problem => problem.startsWith('filebeat.inputs.0.type'))).toBe(true)
    expect(problems.some(problem => problem.startsWith('filebeat.inputs.0.id'))).toBe(true)
    expect(problems.at(-1)).toBe(
      'output.elasticsearch.hosts.0: expected an address that begins with https://',
    )
  })
  test('an unknown key is refused', () => {
    expect(filebeatProblems({ ...beat, filebeat: { ...beat.filebeat, input: [] } })).toEqual([
      'filebeat: Unrecognized key: "input"',
    ])
  })
})
