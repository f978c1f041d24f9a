import { type AlertOverrides, CLOUDWATCH_NAMESPACE } from '../catalog/index.ts'
import { CeleriacError, didYouMean, parseBytes, Secret } from '../base/index.ts'
import type { CeleryExporterOptions } from '../compat/index.ts'
import type { ScrapeOptions } from '../host/index.ts'
import type { ReceiverOptions } from '../notify/index.ts'
import type { AwsOptions, PublishOptions } from '../publish/index.ts'
import { type BrokerConfig, brokerConfigs, namedEntries, splitUrls } from './brokers.ts'
import {
  CELERY_EXPORTER_LISTEN,
  type CeleryExporterFlags,
  celeryExporterOptions,
  type FromCeleryExporter,
  fromCeleryExporter,
  isSetUpAsCeleryExporter,
} from './celery-exporter.ts'
import { findConfigFile, readConfigFile } from './file.ts'
import { DEFAULTS, type FileConfig, type FileInput, fileSchema, MIN_STORE_BYTES } from './schema.ts'
import { scrapeConfigs } from './scrape.ts'

/** What is published to CloudWatch, and where that is. */
export interface CloudWatchConfig extends PublishOptions, AwsOptions {}

/** Everything the program runs on, complete and checked. Durations in ms. */
export interface Config {
  readonly brokers: readonly BrokerConfig[]
  /** Queues to read on every broker besides those that are found; those of one broker stand in its entry. */
  readonly queues: readonly string[]
  readonly listen: { readonly host: string; readonly port: number }
  readonly externalUrl: string | undefined
  readonly ruleFiles: readonly string[]
  readonly retentionMs: number
  readonly storeBytes: number
  /** Of each broker's fleet. */
  readonly fleetBytes: number
  readonly workerTimeoutMs: number
  readonly inspectIntervalMs: number
  readonly evaluationIntervalMs: number
  /** Whether workers on this host are measured, and how often what targets told is joined to workers. */
  readonly host: { readonly enabled: boolean; readonly intervalMs: number }
  readonly scrape: readonly ScrapeOptions[]
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  readonly logFormat: 'json' | 'pretty' | undefined
  /** Which exporter it stands in for: whose metrics `/metrics` serves. */
  readonly compat: 'celery-exporter' | undefined
  /** The page `/metrics/celery-exporter`. */
  readonly celeryExporter: CeleryExporterOptions
  /** Undefined while nothing is published there. */
  readonly cloudwatch: CloudWatchConfig | undefined
  readonly alerts: AlertOverrides
  readonly receivers: readonly ReceiverOptions[]
  readonly groupWaitMs: number
  readonly groupIntervalMs: number
  readonly repeatIntervalMs: number
  /** The configuration file that was read, if any. */
  readonly file: string | undefined
  /** What deserves a line in the log: variables nobody knows, for example. */
  readonly warnings: readonly string[]
}

/** Flags as the command line gives them, still text. */
export interface Flags {
  readonly broker?: readonly string[]
  readonly brokerTransportOption?: readonly string[]
  readonly enableEvents?: boolean
  readonly queues?: string
  readonly listen?: string
  readonly externalUrl?: string
  readonly config?: string
  readonly rules?: readonly string[]
  readonly retention?: string
  readonly workerTimeout?: string
  readonly publishCloudwatch?: boolean
  readonly logLevel?: string
  readonly logFormat?: string
  readonly compat?: string
  /** What was said in celery-exporter's own words. */
  readonly celeryExporter?: CeleryExporterFlags
}

type Environment = Readonly<Record<string, string | undefined>>

/** Variable -> what it sets. Lists are comma-separated. */
export const VARIABLES = {
  CELERIAC_BROKER: 'brokers, comma-separated',
  CELERIAC_BROKER_FILE: 'a file that holds CELERIAC_BROKER',
  CELERY_BROKER_URL: 'the broker, when CELERIAC_BROKER is not set',
  CELERIAC_BROKER_TRANSPORT_OPTIONS: 'transport options as a JSON object',
  CELERIAC_QUEUES: 'queues, comma-separated',
  CELERIAC_ENABLE_EVENTS: 'true or false',
  CELERIAC_LISTEN: 'HOST:PORT',
  CELERIAC_EXTERNAL_URL: 'how people reach Celeriac',
  CELERIAC_CONFIG: 'the configuration file',
  CELERIAC_RULES: 'rule files, comma-separated',
  CELERIAC_RETENTION: 'a duration',
  CELERIAC_WORKER_TIMEOUT: 'a duration',
  CELERIAC_PUBLISH_CLOUDWATCH: 'true or false',
  CELERIAC_LOG_LEVEL: 'debug, info, warn or error',
  CELERIAC_LOG_FORMAT: 'json or pretty',
  CELERIAC_COMPAT: 'celery-exporter or none',
  CELERIAC_SLACK_WEBHOOK_URL: 'a Slack incoming webhook: adds the receiver slack',
  CELERIAC_SLACK_WEBHOOK_URL_FILE: 'a file that holds CELERIAC_SLACK_WEBHOOK_URL',
  CELERIAC_WEBHOOK_URL: "a URL that takes Alertmanager's webhook JSON: adds the receiver webhook",
  CELERIAC_WEBHOOK_URL_FILE: 'a file that holds CELERIAC_WEBHOOK_URL',
  CELERIAC_STORE_BYTES: 'memory for samples, such as 256MiB',
} as const

const list = (text: string | undefined): string[] | undefined =>
  text
    ?.split(',')
    .map(part => part.trim())
    .filter(part => part !== '')

const usage = (message: string, hint?: string): CeleriacError =>
  new CeleriacError('USAGE', message, hint === undefined ? {} : { hint })

/** `k=v` with v as JSON where it is JSON, else as text; split at the first `=` only. */
function transportOption(text: string): readonly [string, unknown] {
  const at = text.indexOf('=')
  if (at < 1)
    throw usage(
      `--broker-transport-option: expected NAME=VALUE, got ${JSON.stringify(text)}.`,
      'Example: --broker-transport-option global_keyprefix=app1:',
    )
  const value = text.slice(at + 1)
  try {
    return [text.slice(0, at), JSON.parse(value) as unknown]
  } catch {
    return [text.slice(0, at), value]
  }
}

function jsonObject(text: string, name: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new CeleriacError(
      'CONFIG_INVALID',
      `${name}: expected a JSON object such as {"global_keyprefix": "app1:"}.`,
      { cause: error },
    )
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CeleriacError(
      'CONFIG_INVALID',
      `${name}: expected a JSON object such as {"global_keyprefix": "app1:"}.`,
    )
  }
  return value as Record<string, unknown>
}

/** A value of the schema given as text by a flag or variable; the error names the flag or variable. */
function read<K extends keyof FileInput>(
  key: K,
  text: string | undefined,
  name: string,
): FileConfig[K] | undefined {
  if (text === undefined) return undefined
  const parsed = fileSchema.shape[key].safeParse(text)
  if (parsed.success) return parsed.data as FileConfig[K]
  throw usage(`${name}: ${parsed.error.issues[0]?.message ?? 'wrong value'}.`)
}

/** On when the file has it and does not say otherwise, or when it was asked for beside the file. */
function cloudwatchConfig(
  given: NonNullable<FileConfig['publish']>['cloudwatch'],
  asked: boolean | undefined,
): CloudWatchConfig | undefined {
  if (!(asked ?? (given !== undefined && given.enabled !== false))) return undefined
  return {
    namespace: given?.namespace ?? CLOUDWATCH_NAMESPACE,
    region: given?.region,
    endpointUrl: given?.endpointUrl,
    intervalMs: given?.interval ?? DEFAULTS.cloudwatch.interval,
    highResolution: given?.highResolution ?? false,
    taskDetail: given?.taskDetail ?? false,
    maxMetrics: given?.maxMetrics ?? DEFAULTS.cloudwatch.maxMetrics,
  }
}

/** The value of a variable, or of the file that NAME_FILE points to. */
function secretVariable(
  env: Environment,
  name: string,
  readFile: (path: string) => string,
): string | undefined {
  const direct = env[name]
  if (direct !== undefined && direct !== '') return direct
  const path = env[`${name}_FILE`]
  if (path === undefined || path === '') return undefined
  try {
    return readFile(path).trim()
  } catch (error) {
    throw new CeleriacError('FILE_UNREADABLE', `${name}_FILE: cannot read ${path}.`, {
      hint: 'Check the path and its permissions.',
      cause: error,
    })
  }
}

/** Kubernetes puts CELERIAC_PORT, CELERIAC_SERVICE_HOST, … into every pod when a service is named celeriac. */
const FROM_KUBERNETES = /^CELERIAC_(SERVICE_|PORT(_|$))/

function unknownVariables(env: Environment): string[] {
  const known = Object.keys(VARIABLES)
  return Object.keys(env)
    .filter(name => name.startsWith('CELERIAC_') && !known.includes(name) && !FROM_KUBERNETES.test(name))
    .map(name => {
      return `The environment variable ${name} is not known and has no effect${didYouMean(name, known).replaceAll('"', '')}`
    })
}

function readFlag(text: string | undefined, name: string): boolean | undefined {
  if (text === undefined || text === '') return undefined
  if (/^(true|1|yes|on)$/i.test(text)) return true
  if (/^(false|0|no|off)$/i.test(text)) return false
  throw new CeleriacError('CONFIG_INVALID', `${name}: expected true or false.`)
}

const IMPLIED =
  'Standing in for celery-exporter, since its broker URL is given: its metrics are on /metrics, those of Celeriac on /metrics/celeriac. CELERIAC_COMPAT=celery-exporter says the same without this line.'

/** Flags with what celery-exporter's flags and variables say laid under them, when it is that which Celeriac stands in for. */
function standIn(
  flags: Flags,
  env: Environment,
  file: FileConfig,
): {
  readonly flags: Flags
  readonly said: FromCeleryExporter | undefined
  readonly warnings: readonly string[]
} {
  const wanted =
    read('compat', flags.compat, '--compat') ??
    read('compat', env['CELERIAC_COMPAT'] === '' ? undefined : env['CELERIAC_COMPAT'], 'CELERIAC_COMPAT') ??
    file.compat
  const implied =
    wanted === undefined &&
    flags.broker === undefined &&
    (flags.celeryExporter?.brokerUrl !== undefined || isSetUpAsCeleryExporter(env))
  if (wanted !== 'celery-exporter' && !implied) return { flags, said: undefined, warnings: [] }
  const said = fromCeleryExporter(flags.celeryExporter ?? {}, env)
  const { broker, brokerTransportOption, listen, logLevel, queues } = said
  return {
    flags: {
      ...(broker === undefined ? {} : { broker: [broker] }),
      ...(brokerTransportOption === undefined ? {} : { brokerTransportOption }),
      ...(listen === undefined ? {} : { listen }),
      ...(logLevel === undefined ? {} : { logLevel }),
      ...(queues === undefined ? {} : { queues }),
      ...flags,
    },
    said,
    warnings: [...(implied ? [IMPLIED] : []), ...said.warnings],
  }
}

/**
 * Assembles the configuration: file < environment < flags < nothing. Throws USAGE for wrong flags, CONFIG_INVALID for a wrong file
 * or variable, FILE_UNREADABLE; each message says where, what was expected and never a secret.
 */
export async function loadConfig(
  given: Flags,
  env: Environment,
  folder: string,
  readFile: (path: string) => string,
): Promise<Config> {
  const path = findConfigFile(given.config ?? env['CELERIAC_CONFIG'], folder)
  const file: FileConfig = path === undefined ? {} : await readConfigFile(path, { env, readFile })
  const { flags, said, warnings } = standIn(given, env, file)

  const flagOptions = flags.brokerTransportOption?.map(transportOption)
  const envOptions = env['CELERIAC_BROKER_TRANSPORT_OPTIONS']
  const options = {
    ...(envOptions === undefined ? {} : jsonObject(envOptions, 'CELERIAC_BROKER_TRANSPORT_OPTIONS')),
    ...Object.fromEntries(flagOptions ?? []),
  }
  const queues = list(flags.queues) ?? list(env['CELERIAC_QUEUES']) ?? file.queues ?? []
  const variable = secretVariable(env, 'CELERIAC_BROKER', readFile)
  const urls = flags.broker ?? (variable === undefined ? undefined : splitUrls(variable))
  const fallback = env['CELERY_BROKER_URL']
  const entries =
    urls !== undefined && urls.length > 0
      ? namedEntries(urls)
      : (file.brokers ?? (fallback === undefined || fallback === '' ? [] : namedEntries([fallback])))
  const tls = said?.tls
  const brokers = brokerConfigs(tls === undefined ? entries : entries.map(entry => ({ ...entry, tls })), {
    transportOptions: options,
    queues,
    enableEvents: flags.enableEvents ?? readFlag(env['CELERIAC_ENABLE_EVENTS'], 'CELERIAC_ENABLE_EVENTS'),
    enableEventsDefault: file.enableEvents,
  })

  const pick = <K extends keyof FileInput>(
    key: K,
    flag: string | undefined,
    flagName: string,
    variable: keyof typeof VARIABLES,
  ): FileConfig[K] | undefined =>
    read(key, flag, flagName) ??
    read(key, env[variable] === '' ? undefined : env[variable], variable) ??
    file[key]

  const storeBytes = env['CELERIAC_STORE_BYTES']
  const bytes = storeBytes === undefined || storeBytes === '' ? file.storeBytes : parseBytes(storeBytes)
  if (bytes === undefined ? storeBytes !== undefined && storeBytes !== '' : bytes < MIN_STORE_BYTES)
    throw new CeleriacError(
      'CONFIG_INVALID',
      `CELERIAC_STORE_BYTES: expected a size of at least 1MiB, such as 256MiB, got ${JSON.stringify(storeBytes)}.`,
    )

  const receivers: ReceiverOptions[] = [...(file.notify?.receivers ?? [])]
  const slackUrl = secretVariable(env, 'CELERIAC_SLACK_WEBHOOK_URL', readFile)
  const webhookUrl = secretVariable(env, 'CELERIAC_WEBHOOK_URL', readFile)
  for (const [name, url] of [
    ['CELERIAC_SLACK_WEBHOOK_URL', slackUrl],
    ['CELERIAC_WEBHOOK_URL', webhookUrl],
  ] as const) {
    if (url !== undefined && !/^https?:\/\/[^\s/]/.test(url))
      throw new CeleriacError(
        'CONFIG_INVALID',
        `${name}: expected a URL that begins with http:// or https://.`,
      )
  }
  if (slackUrl !== undefined) receivers.push({ name: 'slack', slack: { webhookUrl: new Secret(slackUrl) } })
  if (webhookUrl !== undefined) receivers.push({ name: 'webhook', webhook: { url: new Secret(webhookUrl) } })

  const compat = said === undefined ? undefined : 'celery-exporter'
  const celeryExporter = celeryExporterOptions(file.celeryExporter, said?.options ?? {})
  const workerTimeoutMs =
    pick('workerTimeout', flags.workerTimeout, '--worker-timeout', 'CELERIAC_WORKER_TIMEOUT') ??
    DEFAULTS.workerTimeout

  return {
    brokers,
    queues,
    listen:
      pick('listen', flags.listen, '--listen', 'CELERIAC_LISTEN') ??
      (compat === undefined ? DEFAULTS.listen : CELERY_EXPORTER_LISTEN),
    externalUrl: pick('externalUrl', flags.externalUrl, '--external-url', 'CELERIAC_EXTERNAL_URL'),
    ruleFiles: flags.rules ?? list(env['CELERIAC_RULES']) ?? file.rules ?? [],
    retentionMs:
      pick('retention', flags.retention, '--retention', 'CELERIAC_RETENTION') ?? DEFAULTS.retention,
    storeBytes: bytes ?? DEFAULTS.storeBytes,
    fleetBytes: file.fleetBytes ?? DEFAULTS.fleetBytes,
    // Who is held for present here is not told as down there: a page that is to be quicker needs us to be.
    workerTimeoutMs:
      compat === undefined
        ? workerTimeoutMs
        : Math.min(
            workerTimeoutMs,
            celeryExporter.workerTimeoutMs || Infinity,
            celeryExporter.purgeAfterMs || Infinity,
          ),
    inspectIntervalMs: file.inspectInterval ?? DEFAULTS.inspectInterval,
    evaluationIntervalMs: file.evaluationInterval ?? DEFAULTS.evaluationInterval,
    host: {
      enabled: file.host?.enabled ?? true,
      intervalMs: file.host?.interval ?? DEFAULTS.hostInterval,
    },
    scrape: scrapeConfigs(
      file.scrape ?? [],
      brokers.map(({ name }) => name),
    ),
    logLevel: pick('logLevel', flags.logLevel, '--log-level', 'CELERIAC_LOG_LEVEL') ?? DEFAULTS.logLevel,
    logFormat: pick('logFormat', flags.logFormat, '--log-format', 'CELERIAC_LOG_FORMAT'),
    compat,
    celeryExporter,
    cloudwatch: cloudwatchConfig(
      file.publish?.cloudwatch,
      flags.publishCloudwatch ?? readFlag(env['CELERIAC_PUBLISH_CLOUDWATCH'], 'CELERIAC_PUBLISH_CLOUDWATCH'),
    ),
    alerts: file.alerts ?? {},
    receivers,
    groupWaitMs: file.notify?.groupWait ?? DEFAULTS.groupWait,
    groupIntervalMs: file.notify?.groupInterval ?? DEFAULTS.groupInterval,
    repeatIntervalMs: file.notify?.repeatInterval ?? DEFAULTS.repeatInterval,
    file: path,
    warnings: [...unknownVariables(env), ...warnings],
  }
}
