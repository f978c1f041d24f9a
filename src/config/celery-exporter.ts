import { CeleriacError, didYouMean, parseDurationMs, SECOND } from '../base/index.ts'
import { CELERY_EXPORTER_DEFAULTS, type CeleryExporterOptions } from '../compat/index.ts'
import type { BrokerEntry, FileConfig } from './schema.ts'

/** celery-exporter's flags as its users write them; see its `src/cli.py`. */
export interface CeleryExporterFlags {
  readonly brokerUrl?: string
  readonly brokerTransportOption?: readonly string[]
  readonly brokerSslOption?: readonly string[]
  readonly acceptContent?: string
  readonly retryInterval?: string
  readonly host?: string
  readonly port?: string
  readonly buckets?: string
  readonly queueWaitBuckets?: string
  readonly logLevel?: string
  readonly workerTimeout?: string
  readonly purgeOfflineWorkerMetrics?: string
  readonly genericHostnameTaskSentMetric?: boolean
  readonly genericHostnameWorkerTaskMetric?: boolean
  readonly queues?: string
  readonly metricPrefix?: string
  readonly defaultQueueName?: string
  readonly staticLabel?: readonly string[]
}

type Environment = Readonly<Record<string, string | undefined>>

/** What celery-exporter's flags and variables say in Celeriac's own terms; what they do not say is left out. */
export interface FromCeleryExporter {
  readonly broker?: string
  readonly tls?: NonNullable<BrokerEntry['tls']>
  readonly brokerTransportOption?: readonly string[]
  readonly listen?: string
  readonly logLevel?: string
  readonly queues?: string
  readonly options: Partial<CeleryExporterOptions>
  readonly warnings: readonly string[]
}

/** Each flag's name and its variable: `CE_` and the name (click's `auto_envvar_prefix`). */
const FLAGS = {
  brokerUrl: '--broker-url',
  brokerTransportOption: '--broker-transport-option',
  brokerSslOption: '--broker-ssl-option',
  acceptContent: '--accept-content',
  retryInterval: '--retry-interval',
  host: '--host',
  port: '--port',
  buckets: '--buckets',
  queueWaitBuckets: '--queue-wait-buckets',
  logLevel: '--log-level',
  workerTimeout: '--worker-timeout',
  purgeOfflineWorkerMetrics: '--purge-offline-worker-metrics',
  genericHostnameTaskSentMetric: '--generic-hostname-task-sent-metric',
  genericHostnameWorkerTaskMetric: '--generic-hostname-worker-task-metric',
  queues: '--queues',
  metricPrefix: '--metric-prefix',
  defaultQueueName: '--default-queue-name',
  staticLabel: '--static-label',
} as const satisfies Readonly<Record<keyof CeleryExporterFlags, string>>

const variableOf = (key: keyof CeleryExporterFlags): string =>
  `CE_${FLAGS[key].slice(2).replaceAll('-', '_').toUpperCase()}`

/** Variables of Celeriac's own that say the same and win. */
const OWN_VARIABLES: Partial<Readonly<Record<keyof CeleryExporterFlags, readonly string[]>>> = {
  brokerUrl: ['CELERIAC_BROKER', 'CELERIAC_BROKER_FILE'],
  host: ['CELERIAC_LISTEN'],
  port: ['CELERIAC_LISTEN'],
  queues: ['CELERIAC_QUEUES'],
  logLevel: ['CELERIAC_LOG_LEVEL'],
}

const usage = (message: string, hint?: string): CeleriacError =>
  new CeleriacError('USAGE', message, hint === undefined ? {} : { hint })

/** One value, and what to call it in an error. */
interface Said {
  readonly text: string
  readonly at: string
}

/** Reads flags first, then variables. Throws USAGE; the message names the flag or variable and never a secret. */
export function fromCeleryExporter(flags: CeleryExporterFlags, env: Environment): FromCeleryExporter {
  const isSet = (name: string): boolean => env[name] !== undefined && env[name] !== ''
  const said = (key: keyof CeleryExporterFlags): Said | undefined => {
    const flag = flags[key]
    if (typeof flag === 'string') return { text: flag, at: FLAGS[key] }
    const variable = variableOf(key)
    // Kubernetes sets CE_PORT=tcp://10.0.0.1:9808 for a service named ce.
    if (!isSet(variable) || (key === 'port' && /^\w+:\/\//.test(env[variable] ?? ''))) return undefined
    return OWN_VARIABLES[key]?.some(isSet) === true ? undefined : { text: env[variable] ?? '', at: variable }
  }
  const list = (key: 'brokerTransportOption' | 'brokerSslOption' | 'staticLabel'): readonly Said[] =>
    flags[key]?.map(text => ({ text, at: FLAGS[key] })) ??
    // click splits the variable of a repeatable option at white space.
    (env[variableOf(key)] ?? '')
      .split(/\s+/)
      .filter(text => text !== '')
      .map(text => ({ text, at: variableOf(key) }))
  const flag = (
    key: 'genericHostnameTaskSentMetric' | 'genericHostnameWorkerTaskMetric',
  ): boolean | undefined => flags[key] ?? readFlag(said(key))

  const [url, host, port] = [said('brokerUrl'), said('host'), said('port')]
  const options = list('brokerTransportOption')
  const tls = readTls(list('brokerSslOption'))
  const logLevel = said('logLevel')
  const queues = said('queues')
  const buckets = readBounds(said('buckets'))
  const waits = readBounds(said('queueWaitBuckets'))
  const workerTimeoutMs = readSeconds(said('workerTimeout'))
  const purgeAfterMs = readSeconds(said('purgeOfflineWorkerMetrics'))
  const sent = flag('genericHostnameTaskSentMetric')
  const worker = flag('genericHostnameWorkerTaskMetric')
  const prefix = said('metricPrefix')
  const queue = said('defaultQueueName')
  const labels = list('staticLabel').map(pair)
  readSeconds(said('retryInterval'))
  return {
    ...(url === undefined ? {} : { broker: url.text }),
    ...(tls === undefined ? {} : { tls }),
    ...(options.length === 0 ? {} : { brokerTransportOption: options.map(({ text }) => text) }),
    ...(host === undefined && port === undefined ? {} : { listen: listenAt(host, port) }),
    ...(logLevel === undefined ? {} : { logLevel: readLevel(logLevel) }),
    ...(queues === undefined ? {} : { queues: queues.text }),
    options: {
      ...(buckets === undefined ? {} : { runtimeBuckets: buckets }),
      ...(waits === undefined ? {} : { waitBuckets: waits }),
      ...(workerTimeoutMs === undefined ? {} : { workerTimeoutMs }),
      ...(purgeAfterMs === undefined ? {} : { purgeAfterMs }),
      ...(sent === undefined ? {} : { genericSentHostname: sent }),
      ...(worker === undefined ? {} : { genericWorkerHostname: worker }),
      ...(prefix === undefined ? {} : { metricPrefix: prefix.text }),
      ...(queue === undefined ? {} : { defaultQueue: queue.text }),
      ...(labels.length === 0 ? {} : { staticLabels: Object.fromEntries(labels) }),
    },
    warnings: [...unknownVariables(env), ...unreadable(said('acceptContent'))],
  }
}

/** The options of the page: defaults < file < flags and variables. */
export function celeryExporterOptions(
  file: FileConfig['celeryExporter'],
  said: Partial<CeleryExporterOptions>,
): CeleryExporterOptions {
  const defaults = CELERY_EXPORTER_DEFAULTS
  return {
    ...defaults,
    metricPrefix: file?.metricPrefix ?? defaults.metricPrefix,
    runtimeBuckets: file?.buckets ?? defaults.runtimeBuckets,
    waitBuckets: file?.queueWaitBuckets ?? defaults.waitBuckets,
    workerTimeoutMs: file?.workerTimeout ?? defaults.workerTimeoutMs,
    purgeAfterMs: file?.purgeOfflineWorkerMetrics ?? defaults.purgeAfterMs,
    genericSentHostname: file?.genericHostnameTaskSentMetric ?? defaults.genericSentHostname,
    genericWorkerHostname: file?.genericHostnameWorkerTaskMetric ?? defaults.genericWorkerHostname,
    defaultQueue: file?.defaultQueueName ?? defaults.defaultQueue,
    staticLabels: Object.fromEntries(
      (file?.staticLabels ?? []).map(text => pair({ text, at: 'celeryExporter.staticLabels' })),
    ),
    ...said,
  }
}

/** True when somebody set up celery-exporter, and not Celeriac, by variables. */
export function isSetUpAsCeleryExporter(env: Environment): boolean {
  const isSet = (name: string): boolean => env[name] !== undefined && env[name] !== ''
  return isSet(variableOf('brokerUrl')) && !(OWN_VARIABLES.brokerUrl ?? []).some(isSet)
}

/** Where celery-exporter listens when nobody says. */
export const CELERY_EXPORTER_LISTEN = { host: '0.0.0.0', port: 9808 } as const

function listenAt(host: Said | undefined, port: Said | undefined): string {
  const number = port === undefined ? CELERY_EXPORTER_LISTEN.port : Number(port.text)
  if (port !== undefined && !(/^\d{1,5}$/.test(port.text.trim()) && number <= 65_535))
    throw usage(`${port.at}: expected a port number such as 9808, got ${JSON.stringify(port.text)}.`)
  const name = host?.text ?? CELERY_EXPORTER_LISTEN.host
  return `${name.includes(':') ? `[${name.replace(/^\[|\]$/g, '')}]` : name}:${number}`
}

/** Whole seconds as celery-exporter takes them, or a duration as Celeriac does. */
function readSeconds(said: Said | undefined): number | undefined {
  if (said === undefined) return undefined
  const text = said.text.trim()
  const ms = /^\d+$/.test(text) ? Number(text) * SECOND : parseDurationMs(text)
  if (ms === undefined)
    throw usage(`${said.at}: expected a number of seconds such as 300, got ${JSON.stringify(said.text)}.`)
  return ms
}

/** `0.1,1,10`; +Inf at the end is understood. Order is judged by the page, which says the same for a configuration file. */
function readBounds(said: Said | undefined): readonly number[] | undefined {
  if (said === undefined) return undefined
  const words = said.text.split(',').map(word => word.trim())
  if (/^\+?inf(?:inity)?$/i.test(words.at(-1) ?? '')) words.pop()
  const bounds = words.map(word => (word === '' ? Number.NaN : Number(word)))
  if (bounds.some(bound => !Number.isFinite(bound)))
    throw usage(`${said.at}: expected numbers of seconds such as 0.1,1,10, got ${JSON.stringify(said.text)}.`)
  return bounds
}

/** What click takes for a flag's variable. */
function readFlag(said: Said | undefined): boolean | undefined {
  if (said === undefined) return undefined
  const text = said.text.trim().toLowerCase()
  if (['1', 'true', 't', 'yes', 'y', 'on'].includes(text)) return true
  if (['0', 'false', 'f', 'no', 'n', 'off'].includes(text)) return false
  throw usage(`${said.at}: expected true or false, got ${JSON.stringify(said.text)}.`)
}

/** loguru's levels, and ours. */
const LEVELS: Readonly<Record<string, string>> = {
  trace: 'debug',
  debug: 'debug',
  info: 'info',
  success: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  critical: 'error',
}

function readLevel({ text, at }: Said): string {
  const level = LEVELS[text.trim().toLowerCase()]
  if (level === undefined)
    throw usage(`${at}: expected DEBUG, INFO, WARNING or ERROR, got ${JSON.stringify(text)}.`)
  return level
}

function pair({ text, at }: Said): readonly [string, string] {
  const equals = text.indexOf('=')
  if (equals < 1) throw usage(`${at}: expected NAME=VALUE, got ${JSON.stringify(text)}.`)
  return [text.slice(0, equals), text.slice(equals + 1)]
}

/** Celery's `broker_use_ssl`, by the names of Redis (`ssl_certfile`) or of AMQP (`certfile`). */
function readTls(given: readonly Said[]): FromCeleryExporter['tls'] {
  if (given.length === 0) return undefined
  const tls: { ca?: string; cert?: string; key?: string; verify?: boolean } = {}
  for (const said of given) {
    const [name, value] = pair(said)
    const option = name.replace(/^ssl_/, '')
    if (option === 'ca_certs') tls.ca = value
    else if (option === 'certfile') tls.cert = value
    else if (option === 'keyfile') tls.key = value
    // By name, or by the number of Python's ssl.CERT_NONE.
    else if (option === 'cert_reqs') tls.verify = !/^(?:0|(?:ssl\.)?(?:cert_)?none)$/i.test(value)
    else
      throw usage(
        `${said.at}: ${JSON.stringify(name)} is not known.`,
        'Known: keyfile, certfile, ca_certs, cert_reqs.',
      )
  }
  return tls
}

function unknownVariables(env: Environment): string[] {
  const known = (Object.keys(FLAGS) as (keyof CeleryExporterFlags)[]).map(variableOf)
  return Object.keys(env)
    .filter(name => name.startsWith('CE_') && !known.includes(name) && !/^CE_(?:SERVICE_|PORT_)/.test(name))
    .map(
      name =>
        `The environment variable ${name} is none of celery-exporter's and has no effect${didYouMean(name, known).replaceAll('"', '')}`,
    )
}

function unreadable(said: Said | undefined): string[] {
  const kinds = said?.text.split(',').map(kind => kind.trim().toLowerCase()) ?? []
  if (said === undefined || kinds.includes('json') || kinds.includes('application/json')) return []
  return [
    `${said.at}: Celeriac reads events and answers in JSON; those in ${said.text} are skipped and counted.`,
  ]
}
