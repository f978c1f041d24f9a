import { z } from 'zod'
import { type AlertOverrides, checkAlertOverrides, CLOUDWATCH_INTERVAL_SECONDS } from '../catalog/index.ts'
import { DAY, MINUTE, parseDurationMs, SECOND } from '../base/index.ts'
import { notifyOptions } from '../notify/index.ts'

/** `5m`, `90s`, `1h30m` as milliseconds. */
export const duration = z
  .string()
  .transform((text, context) => {
    const ms = parseDurationMs(text)
    if (ms !== undefined) return ms
    context.addIssue({
      code: 'custom',
      message: `expected a duration such as 30s, 5m or 1h30m, got ${JSON.stringify(text)}`,
    })
    return z.NEVER
  })
  .describe('A duration such as 30s, 5m or 1h30m.')

/** A duration of at least `least`: what is shorter is a mistake of units, and would ask or write without end. */
const durationFrom = (least: string, because = '') =>
  duration.refine(
    ms => ms >= (parseDurationMs(least) ?? 0),
    `expected at least ${least}${because === '' ? '' : `: ${because}`}`,
  )

/** A duration in which 0 means never. */
const durationOrNever = duration.refine(
  ms => ms === 0 || ms >= SECOND,
  'expected at least 1s, or 0s for never',
)

/** Less holds not even the series of a small fleet. */
export const MIN_STORE_BYTES = 1024 * 1024
const MIN_FLEET_BYTES = 16 * 1024 * 1024

/** `127.0.0.1:9808`, `[::1]:9808` or `:9808` (all addresses). */
export const listenAddress = z.string().transform((text, context) => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) {
    context.addIssue({
      code: 'custom',
      message: `expected HOST:PORT such as 127.0.0.1:9808, got ${JSON.stringify(text)}`,
    })
    return z.NEVER
  }
  return { host: match[1] ?? (match[2] === '' || match[2] === undefined ? '0.0.0.0' : match[2]), port }
})

const httpUrl = z.string().refine(text => {
  try {
    return /^https?:$/.test(new URL(text).protocol)
  } catch {
    return false
  }
}, 'expected a URL that begins with http:// or https://')

const fileName = z.string().min(1, 'expected the name of a file')

const tlsFiles = z.strictObject({
  ca: fileName.optional().describe('Certificates of the authorities to trust, PEM.'),
  cert: fileName.optional().describe('Our certificate, PEM.'),
  key: fileName.optional().describe('Its private key, PEM.'),
  verify: z.boolean().optional().describe('False accepts any certificate. Default true.'),
})

const brokerTls = tlsFiles.extend({
  checkHostname: z
    .boolean()
    .optional()
    .describe('False accepts a certificate that was made for another host. Default true.'),
})

/** One broker of the list. */
export const brokerEntry = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/, 'expected 1 to 64 letters, digits, dots, dashes or underscores')
    .default('default')
    .describe('The value of the label `broker`.'),
  url: z.string().min(1).describe('Where the broker is, such as redis://host:6379/0.'),
  password: z
    .string()
    .min(1)
    .optional()
    .describe('The password, when it is not in the URL: {file: PATH} or {env: NAME} keep it out of here.'),
  transportOptions: z
    .record(z.string(), z.unknown())
    .default({})
    .describe(
      "Celery's broker_transport_options, as far as they move names: global_keyprefix, fanout_prefix, …",
    ),
  eventExchange: z.string().min(1).optional().describe("Celery's event_exchange. Default celeryev."),
  controlExchange: z.string().min(1).optional().describe("Celery's control_exchange. Default celery."),
  queues: z
    .array(z.string().min(1))
    .optional()
    .describe('Queues of this broker to read besides those found.'),
  managementUrl: httpUrl
    .optional()
    .describe("RabbitMQ's management API, such as http://user:password@host:15672."),
  tls: z
    .union([z.literal(true), brokerTls])
    .optional()
    .describe('Speak TLS, whatever the scheme of the URL; true trusts the authorities of the system.'),
  enableEvents: z
    .boolean()
    .optional()
    .describe('Ask workers that send no task events to send them, once each. Default false.'),
})

/** A broker of a configuration file, checked. */
export type BrokerEntry = z.output<typeof brokerEntry>

const bounds = z
  .array(z.number().finite())
  .min(1)
  .refine(
    list => list.every((bound, i) => i === 0 || bound > (list[i - 1] ?? bound)),
    'expected ascending numbers',
  )

/** The page that celery-exporter would serve: its flags by the names they have there. */
const celeryExporter = z.strictObject({
  metricPrefix: z.string().optional().describe('What its metric names begin with. Default celery_.'),
  buckets: bounds.optional().describe('Bounds of run times in seconds.'),
  queueWaitBuckets: bounds.optional().describe('Bounds of waits in seconds.'),
  workerTimeout: durationOrNever
    .optional()
    .describe('Silence after which a worker is down; 0s never. Default 5m.'),
  purgeOfflineWorkerMetrics: durationOrNever
    .optional()
    .describe('Silence after which all series of a worker that is gone are removed; 0s never. Default 10m.'),
  genericHostnameTaskSentMetric: z.boolean().optional().describe('One hostname for all that send.'),
  genericHostnameWorkerTaskMetric: z
    .boolean()
    .optional()
    .describe('One hostname for the tasks of all workers.'),
  defaultQueueName: z.string().min(1).optional().describe('Told for a queue not known. Default unknown.'),
  // No object: `{env: prod}` would be a reference to a variable.
  staticLabels: z
    .array(z.string().regex(/^[^=]+=/, 'expected NAME=VALUE'))
    .optional()
    .describe('Labels of every series, each NAME=VALUE.'),
})

/** One place to scrape. */
export const scrapeEntry = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9._:/-]{1,128}$/, 'expected 1 to 128 letters, digits or any of . _ : / -')
    .optional()
    .describe('What it is called in logs and in the label `target`. Default host and path of the URL.'),
  url: httpUrl.describe(
    'cAdvisor, a kubelet or a Prometheus federation, such as http://cadvisor:8080/metrics.',
  ),
  broker: z.string().min(1).optional().describe('Whose workers run there. Default any broker.'),
  interval: durationFrom('1s').optional().describe('How often it is scraped, at least 1s. Default 15s.'),
  timeout: durationFrom('100ms')
    .optional()
    .describe('How long a scrape may take. Default 10s, at most the interval.'),
  match: z
    .record(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'expected the name of a label'), z.string())
    .optional()
    .describe('Labels that samples of containers must have, such as {namespace: shop}.'),
  bearerTokenFile: fileName.optional().describe('A file that holds a bearer token, read for each scrape.'),
  headers: z
    .record(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'expected a header name'), z.string())
    .optional()
    .describe('Headers to send along.'),
  tls: tlsFiles.optional().describe('For https.'),
})

/** A target of a configuration file, checked. */
export type ScrapeEntry = z.output<typeof scrapeEntry>

const cloudwatch = z.strictObject({
  enabled: z.boolean().optional().describe('Default true.'),
  namespace: z
    .string()
    .regex(
      /^(?!AWS\/)[A-Za-z0-9._/#:-]{1,255}$/,
      'expected letters, digits or any of . _ / # : -, and no AWS/ at the start',
    )
    .optional()
    .describe('Namespace of the metrics. Default Celeriac.'),
  region: z.string().min(1).optional().describe('Default: as the AWS SDK finds it.'),
  endpointUrl: httpUrl.optional().describe('A server that stands in for AWS.'),
  interval: durationFrom('10s')
    .refine(ms => ms <= MINUTE, 'expected at most 1m: alarms look at every minute')
    .optional()
    .describe('How often, 10s to 1m. Default 1m.'),
  highResolution: z.boolean().optional().describe('Keep numbers by the second. Default false.'),
  taskDetail: z.boolean().optional().describe('Publish every task by itself. Default false.'),
  maxMetrics: z
    .number()
    .int()
    .min(20, 'expected at least 20')
    .optional()
    .describe('Metrics that may be published, as CloudWatch counts and charges them. Default 500.'),
})

/** What a configuration file may hold. Unknown keys are refused. */
export const fileSchema = z.strictObject({
  brokers: z.array(brokerEntry).optional().describe('The brokers to watch.'),
  queues: z.array(z.string().min(1)).optional().describe('Queues to read besides those that are found.'),
  enableEvents: brokerEntry.shape.enableEvents,
  listen: listenAddress.optional().describe('HOST:PORT of the one HTTP listener. Default 127.0.0.1:9808.'),
  externalUrl: httpUrl.optional().describe('How people reach Celeriac: links in messages begin with it.'),
  rules: z
    .array(z.string().min(1))
    .optional()
    .describe('Prometheus rule files to evaluate besides the catalog.'),
  retention: durationFrom('1h', 'rules and the UI look back that far')
    .optional()
    .describe('How long samples are kept, at least 1h. Default 24h (in memory).'),
  storeBytes: z
    .number()
    .int()
    .min(MIN_STORE_BYTES, 'expected at least 1048576 (1 MiB)')
    .optional()
    .describe('Memory for samples in bytes, at least 1 MiB. Default 256 MiB.'),
  fleetBytes: z
    .number()
    .int()
    .min(MIN_FLEET_BYTES, 'expected at least 16777216 (16 MiB)')
    .optional()
    .describe(
      'Memory for what is known of the tasks, workers and queues of one broker, in bytes, at least 16 MiB: half a million tasks that wait take 256 MiB, the default. The oldest tasks are forgotten beyond it, and counted.',
    ),
  workerTimeout: durationFrom('5s', 'workers beat every 2s')
    .optional()
    .describe('Silence after which a worker counts as vanished, at least 5s. Default 30s.'),
  inspectInterval: durationFrom('1s', 'every worker answers each time')
    .optional()
    .describe('How often workers are asked, at least 1s. Default 30s.'),
  evaluationInterval: durationFrom('1s')
    .optional()
    .describe("How often the catalog's rules are evaluated, at least 1s. Default 15s."),
  compat: z
    .enum(['celery-exporter', 'none'])
    .optional()
    .describe(
      'Stand in for another exporter: its metrics on /metrics, its flags, its defaults. Default none.',
    ),
  celeryExporter: celeryExporter.optional().describe('The page /metrics/celery-exporter.'),
  host: z
    .strictObject({
      enabled: z.boolean().optional().describe('Default true.'),
      interval: durationFrom('1s').optional().describe('At least 1s. Default 10s.'),
    })
    .optional()
    .describe('CPU and memory of workers on this host, from /proc and cgroups.'),
  scrape: z.array(scrapeEntry).optional().describe('Where to learn CPU and memory of workers elsewhere.'),
  publish: z
    .strictObject({
      cloudwatch: cloudwatch.optional().describe('Amazon CloudWatch: docs/cloudwatch.md.'),
    })
    .optional()
    .describe('Where numbers are sent to.'),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).optional(),
  logFormat: z.enum(['json', 'pretty']).optional(),
  alerts: z
    .unknown()
    .transform((value, context): AlertOverrides => {
      const problems = checkAlertOverrides(value)
      for (const { path, message } of problems)
        context.addIssue({ code: 'custom', path: path === '' ? [] : path.split('.'), message })
      return problems.length > 0 ? z.NEVER : (value as AlertOverrides)
    })
    .optional()
    .describe('Changes to the alerts of the catalog, by name.'),
  notify: z
    .strictObject({
      receivers: notifyOptions.shape.receivers.optional(),
      groupWait: duration.optional().describe('Default 30s.'),
      groupInterval: durationFrom('1s').optional().describe('At least 1s. Default 5m.'),
      repeatInterval: durationFrom('1m', 'people are told again and again')
        .optional()
        .describe('At least 1m. Default 4h.'),
    })
    .optional(),
})

/** A checked configuration file, durations in ms. */
export type FileConfig = z.output<typeof fileSchema>

/** The same before checking: what `defineConfig` takes. */
export type FileInput = z.input<typeof fileSchema>

export const DEFAULTS = {
  listen: { host: '127.0.0.1', port: 9808 },
  retention: DAY,
  storeBytes: 256 * 1024 * 1024,
  fleetBytes: 256 * 1024 * 1024,
  workerTimeout: 30 * SECOND,
  inspectInterval: 30 * SECOND,
  evaluationInterval: 15 * SECOND,
  hostInterval: 10 * SECOND,
  scrapeInterval: 15 * SECOND,
  scrapeTimeout: 10 * SECOND,
  cloudwatch: { interval: CLOUDWATCH_INTERVAL_SECONDS * SECOND, maxMetrics: 500 },
  logLevel: 'info',
  groupWait: 30 * SECOND,
  groupInterval: 300 * SECOND,
  repeatInterval: 4 * 3600 * SECOND,
} as const
