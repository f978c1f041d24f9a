/** A configuration back as the file that brings it: what `emit` carries to where the program is deployed. */
import { formatDuration, redactSecrets, REDACTED, Secret } from '../base/index.ts'
import { CLOUDWATCH_NAMESPACE } from '../catalog/index.ts'
import { CELERY_EXPORTER_DEFAULTS, type CeleryExporterOptions } from '../compat/index.ts'
import type { ScrapeOptions } from '../host/index.ts'
import type { BrokerConfig } from './brokers.ts'
import type { CloudWatchConfig, Config } from './load.ts'
import { DEFAULTS } from './schema.ts'

/** Plain data in the shape of a configuration file, in which each secret stands as a `Secret`. */
export type ConfigFile = Readonly<Record<string, unknown>>

/**
 * Everything of a configuration that differs from the defaults and may be written into a file: whoever writes it puts a reference in
 * place of each `Secret`. Left out: where it listens, how it logs, which file it was read from and rule files, whose content is not known here.
 */
export function configFile(config: Config): ConfigFile {
  const file = {
    brokers: some(config.brokers.map(broker => brokerEntry(broker, config.queues))),
    queues: some(config.queues),
    externalUrl: config.externalUrl,
    retention: time(config.retentionMs, DEFAULTS.retention),
    storeBytes: config.storeBytes === DEFAULTS.storeBytes ? undefined : config.storeBytes,
    fleetBytes: config.fleetBytes === DEFAULTS.fleetBytes ? undefined : config.fleetBytes,
    workerTimeout: time(config.workerTimeoutMs, DEFAULTS.workerTimeout),
    inspectInterval: time(config.inspectIntervalMs, DEFAULTS.inspectInterval),
    evaluationInterval: time(config.evaluationIntervalMs, DEFAULTS.evaluationInterval),
    compat: config.compat,
    celeryExporter: full(celeryExporter(config.celeryExporter)),
    host: full({
      enabled: config.host.enabled ? undefined : false,
      interval: time(config.host.intervalMs, DEFAULTS.hostInterval),
    }),
    scrape: some(config.scrape.map(scrapeEntry)),
    publish: full({
      cloudwatch: config.cloudwatch === undefined ? undefined : cloudwatchEntry(config.cloudwatch),
    }),
    alerts: full(config.alerts),
    notify: full({
      receivers: some(config.receivers.map(receiver => present(receiver))),
      groupWait: time(config.groupWaitMs, DEFAULTS.groupWait),
      groupInterval: time(config.groupIntervalMs, DEFAULTS.groupInterval),
      repeatInterval: time(config.repeatIntervalMs, DEFAULTS.repeatInterval),
    }),
  }
  return present(file)
}

const brokerEntry = (broker: BrokerConfig, all: readonly string[]): ConfigFile =>
  present({
    name: broker.name,
    url: broker.url,
    queues: some(broker.queues.filter(queue => !all.includes(queue))),
    transportOptions: full(secretsApart(broker.transportOptions)),
    managementUrl: broker.managementUrl,
    tls:
      broker.tls === undefined
        ? undefined
        : (full({
            ca: broker.tls.caFile,
            cert: broker.tls.certFile,
            key: broker.tls.keyFile,
            verify: broker.tls.verify,
            checkHostname: broker.tls.checkHostname,
          }) ?? true),
    enableEvents: broker.enableEvents ? true : undefined,
  })

const cloudwatchEntry = (options: CloudWatchConfig): ConfigFile =>
  present({
    namespace: options.namespace === CLOUDWATCH_NAMESPACE ? undefined : options.namespace,
    region: options.region,
    endpointUrl: options.endpointUrl,
    interval: time(options.intervalMs, DEFAULTS.cloudwatch.interval),
    highResolution: options.highResolution ? true : undefined,
    taskDetail: options.taskDetail ? true : undefined,
    maxMetrics: options.maxMetrics === DEFAULTS.cloudwatch.maxMetrics ? undefined : options.maxMetrics,
  })

const scrapeEntry = (target: ScrapeOptions): ConfigFile =>
  present({
    name: target.name,
    url: target.url,
    broker: target.broker,
    interval: time(target.intervalMs, DEFAULTS.scrapeInterval),
    timeout: time(target.timeoutMs, Math.min(target.intervalMs, DEFAULTS.scrapeTimeout)),
    match: full(target.match),
    bearerTokenFile: target.bearerTokenFile,
    headers: full(target.headers),
    tls: target.tls,
  })

function celeryExporter(options: CeleryExporterOptions): ConfigFile {
  const changed = <K extends keyof CeleryExporterOptions>(key: K): CeleryExporterOptions[K] | undefined =>
    JSON.stringify(options[key]) === JSON.stringify(CELERY_EXPORTER_DEFAULTS[key]) ? undefined : options[key]
  return {
    metricPrefix: changed('metricPrefix'),
    buckets: changed('runtimeBuckets'),
    queueWaitBuckets: changed('waitBuckets'),
    workerTimeout: time(options.workerTimeoutMs, CELERY_EXPORTER_DEFAULTS.workerTimeoutMs),
    purgeOfflineWorkerMetrics: time(options.purgeAfterMs, CELERY_EXPORTER_DEFAULTS.purgeAfterMs),
    genericHostnameTaskSentMetric: changed('genericSentHostname'),
    genericHostnameWorkerTaskMetric: changed('genericWorkerHostname'),
    defaultQueueName: changed('defaultQueue'),
    staticLabels: some(Object.entries(options.staticLabels).map(([name, value]) => `${name}=${value}`)),
  }
}

const time = (ms: number, usual: number): string | undefined =>
  ms === usual ? undefined : formatDuration(ms)

const some = <T>(list: readonly T[]): readonly T[] | undefined => (list.length === 0 ? undefined : list)

/** Without what is undefined; undefined when nothing is left. */
function full(data: object): ConfigFile | undefined {
  const kept = present(data)
  return Object.keys(kept).length === 0 ? undefined : kept
}

const present = (data: object): ConfigFile =>
  Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined))

/** Transport options are plain data: a text under a name that holds a secret (`sentinel_kwargs.password`) becomes one. */
function secretsApart(options: Readonly<Record<string, unknown>>): ConfigFile {
  const walk = (value: unknown, shown: unknown): unknown => {
    if (shown === REDACTED && value !== REDACTED) return new Secret(String(value))
    if (Array.isArray(value) && Array.isArray(shown)) return value.map((each, i) => walk(each, shown[i]))
    if (typeof value !== 'object' || value === null || typeof shown !== 'object' || shown === null)
      return value
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [
        key,
        walk(each, (shown as Readonly<Record<string, unknown>>)[key]),
      ]),
    )
  }
  return walk({ ...options }, redactSecrets({ ...options })) as ConfigFile
}
