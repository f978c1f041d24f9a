import { Command, Option } from 'commander'
import { type CeleryExporterFlags, type Flags, isSetUpAsCeleryExporter } from '../config/index.ts'
import { addServeFlags, collect, compatOption, type World } from './command.ts'
import { configOf, requireBroker, serve } from './serve.ts'

/**
 * Whether a command line is written for celery-exporter: `--compat celery-exporter`, CELERIAC_COMPAT, or nothing but a broker URL as
 * only celery-exporter takes it. What it says is then read as celery-exporter does.
 */
export function speaksCeleryExporter(args: readonly string[], env: World['env']): boolean {
  const [word] = args
  if (word !== undefined && !word.startsWith('-') && word !== 'start') return false
  const valueOf = (flag: string): string | undefined => {
    const at = args.findIndex(arg => arg === flag || arg.startsWith(`${flag}=`))
    return at < 0 ? undefined : args[at] === flag ? (args[at + 1] ?? '') : args[at]?.slice(flag.length + 1)
  }
  const wanted = valueOf('--compat') ?? (env['CELERIAC_COMPAT'] === '' ? undefined : env['CELERIAC_COMPAT'])
  if (wanted !== undefined) return wanted === 'celery-exporter'
  const ours = args.some(arg => arg === '-b' || arg === '--broker' || arg.startsWith('--broker='))
  return valueOf('--broker-url') !== undefined || (!ours && isSetUpAsCeleryExporter(env))
}

/** The keys of celery-exporter's own flags, as commander names them. */
const KEYS = [
  'brokerUrl',
  'brokerTransportOption',
  'brokerSslOption',
  'acceptContent',
  'retryInterval',
  'host',
  'port',
  'buckets',
  'queueWaitBuckets',
  'logLevel',
  'workerTimeout',
  'purgeOfflineWorkerMetrics',
  'genericHostnameTaskSentMetric',
  'genericHostnameWorkerTaskMetric',
  'queues',
  'metricPrefix',
  'defaultQueueName',
  'staticLabel',
] as const satisfies readonly (keyof CeleryExporterFlags)[]

/** Sorts parsed options into celery-exporter's own and Celeriac's. */
function sorted(options: Readonly<Record<string, unknown>>): Flags {
  const own = new Set<string>(KEYS)
  const pick = (wanted: boolean): Record<string, unknown> =>
    Object.fromEntries(Object.entries(options).filter(([key]) => own.has(key) === wanted))
  return { ...(pick(false) as Flags), celeryExporter: pick(true) }
}

/** `celeriac --compat celery-exporter`: the same as `start`, with celery-exporter's flags, variables and defaults. */
export function celeryExporterCommand(world: World): Command {
  const list = (flags: string, text: string): Option => new Option(flags, text).argParser(collect)
  const command = new Command('start')
    .description(
      "watch a fleet in celery-exporter's place: its flags, its CE_ variables, its metrics on /metrics",
    )
    .addOption(compatOption())
    .option('--broker-url <url>', 'the broker (CE_BROKER_URL, and so on for all that follow)')
    .addOption(
      list('--broker-transport-option <name=value>', "one of Celery's broker_transport_options; repeatable"),
    )
    .addOption(
      list('--broker-ssl-option <name=value>', 'keyfile, certfile, ca_certs or cert_reqs; repeatable'),
    )
    .option('--accept-content <kinds>', 'understood; events are read in JSON')
    .option('--retry-interval <seconds>', 'understood; Celeriac reconnects for ever by itself')
    .option('--host <address>', 'address to listen on (default 0.0.0.0)')
    .option('--port <number>', 'port to listen on (default 9808)')
    .option('--buckets <seconds>', 'bounds of celery_task_runtime, comma-separated')
    .option('--queue-wait-buckets <seconds>', 'bounds of celery_task_queue_wait_time, comma-separated')
    .option('--log-level <level>', 'DEBUG, INFO, WARNING or ERROR (default INFO)')
    .option('--worker-timeout <seconds>', 'silence after which celery_worker_up is 0; 0: never (default 300)')
    .option(
      '--purge-offline-worker-metrics <seconds>',
      'silence after which the series of a worker that is gone are removed; 0: never (default 600)',
    )
    .option('--generic-hostname-task-sent-metric', 'one hostname, generic, for all that send')
    .option('--generic-hostname-worker-task-metric', 'one hostname, generic, for the tasks of all workers')
    .option('-Q, --queues <names>', 'queues to read besides those that are found, comma-separated')
    .option('--metric-prefix <prefix>', 'what metric names begin with (default celery_)')
    .option('--default-queue-name <name>', 'told for a queue that is not known (default unknown)')
    .addOption(list('--static-label <name=value>', 'a label of every series; repeatable'))
    .addOption(list('-b, --broker <url>', 'broker to watch, [name=]URL; repeatable'))
    .option('--enable-events', 'ask workers that send no task events to send them, once each')
    .option('-c, --config <file>', 'configuration file (celeriac.config.ts, .js, .yaml or .json)')
    .addOption(new Option('--log-format <format>', 'how to log').choices(['json', 'pretty']))
  return addServeFlags(command, '--host and --port')
    .addHelpText(
      'after',
      '\nExample:\n  celeriac --compat celery-exporter --broker-url redis://localhost:6379/0\n\nMetrics of Celeriac itself: /metrics/celeriac. What is the same and what is not: docs/celery-exporter.md',
    )
    .action(async () => {
      const config = await configOf(sorted(command.opts()), world)
      requireBroker(config, 'Give --broker-url redis://HOST:6379/0, or set CE_BROKER_URL.')
      await serve(config, world)
    })
}
