import { type Command, CommanderError, Option } from 'commander'
import { CeleriacError } from '../base/index.ts'
import type { Flags } from '../config/index.ts'

/** What every command gets besides its own arguments: the world, so that tests can stand in for it. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly folder: string
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
  /** Resolves when the user or the system asks the program to end. */
  readonly untilStopped: () => Promise<NodeJS.Signals>
}

/** Ends a command with an exit code that is not an error's: 1 = found something wrong. */
export class Exit extends Error {
  override readonly name = 'Exit'
  readonly code: 0 | 1 | 2

  constructor(code: 0 | 1 | 2) {
    super(`exit ${code}`)
    this.code = code
  }
}

/** Gathers the values of a repeatable option. */
export const collect = (value: string, previous: readonly string[] | undefined): string[] => [
  ...(previous ?? []),
  value,
]

/** The flags that say what to watch and how to log, the same on every command that connects. */
export function addBrokerFlags(command: Command): Command {
  return command
    .addOption(new Option('-b, --broker <url>', 'broker to watch, [name=]URL; repeatable').argParser(collect))
    .addOption(
      new Option(
        '--broker-transport-option <name=value>',
        "one of Celery's broker_transport_options; repeatable",
      ).argParser(collect),
    )
    .option('--enable-events', 'ask workers that send no task events to send them, once each')
    .option('-q, --queues <names>', 'queues to read besides those that are found, comma-separated')
    .option('-c, --config <file>', 'configuration file (celeriac.config.ts, .js, .yaml or .json)')
    .addOption(new Option('--log-level <level>', 'what to log').choices(['debug', 'info', 'warn', 'error']))
    .addOption(
      new Option('--log-format <format>', 'how to log; default: pretty on a terminal, else json').choices([
        'json',
        'pretty',
      ]),
    )
}

/** Which exporter to stand in for. */
export const compatOption = (): Option =>
  new Option('--compat <exporter>', 'stand in for another exporter: its metrics on /metrics').choices([
    'celery-exporter',
    'none',
  ])

/** The flags of the commands that serve, whatever they stand in for. */
export function addServeFlags(command: Command, listenDefault: string): Command {
  return command
    .option('-l, --listen <host:port>', `address of UI, API and metrics (default ${listenDefault})`)
    .option('--external-url <url>', 'how people reach Celeriac; links in messages begin with it')
    .addOption(
      new Option(
        '--rules <file>',
        'Prometheus rule file to evaluate besides the catalog; repeatable',
      ).argParser(collect),
    )
    .option('--retention <duration>', 'how long samples are kept in memory (default 24h)')
}

/** The flags of the commands that serve under Celeriac's own names. */
export function addOwnServeFlags(command: Command): Command {
  return addServeFlags(command, '127.0.0.1:9808')
    .addOption(compatOption())
    .option(
      '--publish-cloudwatch',
      'publish to Amazon CloudWatch, with the credentials that the AWS SDK finds',
    )
    .option('--worker-timeout <duration>', 'silence after which a worker counts as vanished (default 30s)')
}

/** Options as commander parsed them, in the shape the configuration takes. */
export const flagsOf = (command: Command): Flags => command.opts<Flags>()

/**
 * One line for whatever ended the program, and its exit code: 0 ok, 1 found something wrong, 2 used wrongly.
 * A fault of ours shows its stack, since only a report can mend it.
 */
export function explain(error: unknown, name: string): { readonly text: string; readonly exitCode: number } {
  if (error instanceof Exit) return { text: '', exitCode: error.code }
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return { text: '', exitCode: 0 }
    const message = error.message
      .replace(/^error: /, '')
      .replace(/\s*\n\s*/g, ' ')
      .replace(/\.+$/, '')
    return {
      text: error.code === 'commander.help' ? '' : `celeriac: ${message}. See: ${name} --help\n`,
      exitCode: 2,
    }
  }
  if (error instanceof CeleriacError) return { text: `celeriac: ${error.line}\n`, exitCode: error.exitCode }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { text: `celeriac: a fault of Celeriac itself, please report it: ${stack}\n`, exitCode: 1 }
}
