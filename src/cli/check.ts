import { Command } from 'commander'
import { type CheckReport, runCheck, systemClock } from '../app/index.ts'
import { CeleriacError, parseDurationMs } from '../base/index.ts'
import { addBrokerFlags, Exit, flagsOf, type World } from './command.ts'
import { configOf, logOf } from './serve.ts'

const MARKS = { ok: 'ok     ', missing: 'missing', wrong: 'WRONG  ' } as const

function print(report: CheckReport, stdout: NodeJS.WritableStream): void {
  for (const broker of report.brokers) {
    stdout.write(`${broker.name} (${broker.address})\n`)
    for (const { level, text, fix } of broker.findings)
      stdout.write(`  ${MARKS[level]}  ${text}${fix === null ? '' : ` ${fix}`}\n`)
  }
}

/** `celeriac check`: validates the configuration, connects, and says what is visible, what is missing and what would bring it. */
export function checkCommand(world: World): Command {
  const command = new Command('check').description('connect, and say what is visible and what is missing')
  addBrokerFlags(command)
    .option('--watch <duration>', 'how long to listen for events', '10s')
    .option('--json', 'print the findings as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  celeriac check --broker redis://localhost:6379/0\n\nExit code: 0 all well, 1 something is wrong, 2 used wrongly.',
    )
    .action(async () => {
      const config = await configOf({ logLevel: 'error', ...flagsOf(command) }, world)
      const { watch, json } = command.opts<{ watch: string; json?: boolean }>()
      const watchMs = parseDurationMs(watch)
      if (watchMs === undefined || watchMs <= 0)
        throw new CeleriacError(
          'USAGE',
          `--watch: expected a duration such as 10s, got ${JSON.stringify(watch)}.`,
        )
      if (config.brokers.length === 0) {
        throw new CeleriacError('USAGE', 'No broker is configured.', {
          hint: 'Give --broker redis://HOST:6379/0, or set CELERIAC_BROKER or CELERY_BROKER_URL.',
        })
      }
      const report = await runCheck({ config, log: logOf(config, world), clock: systemClock, watchMs })
      if (json === true) world.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
      else print(report, world.stdout)
      if (!report.ok) throw new Exit(1)
    })
  return command
}
