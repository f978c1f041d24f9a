import { styleText } from 'node:util'
import { Command } from 'commander'
import { type CheckReport, runCheck, systemClock } from '../app/index.ts'
import { CeleriacError, parseDurationMs, SECOND } from '../base/index.ts'
import { addBrokerFlags, Exit, flagsOf, type World } from './command.ts'
import { type Level, MARK_WIDTH, markOf, worstLast } from './marks.ts'
import { configOf, logOf } from './serve.ts'

function print(report: CheckReport, stdout: NodeJS.WritableStream): void {
  const style = (format: Parameters<typeof styleText>[0], text: string): string =>
    styleText(format, text, { stream: stdout, validateStream: true })
  for (const broker of report.brokers) {
    stdout.write(`${style('bold', broker.name)} ${broker.address}\n`)
    const findings = [...broker.findings].sort(worstLast)
    for (const { level, title, cost, fix } of findings) {
      stdout.write(`  ${markOf(level, stdout)}${title}\n`)
      if (cost !== null) stdout.write(`  ${' '.repeat(MARK_WIDTH)}Cost: ${cost}\n`)
      if (fix !== null) stdout.write(`  ${' '.repeat(MARK_WIDTH)}Fix:  ${fix}\n`)
    }
  }
  const all = report.brokers.flatMap(({ findings }) => findings)
  const count = (level: Level): number => all.filter(finding => finding.level === level).length
  const [wrong, missing] = [count('wrong'), count('missing')]
  stdout.write(
    wrong + missing === 0 ? '\nAll well.\n' : `\n${wrong} wrong, ${missing} missing, ${count('ok')} ok.\n`,
  )
}

/** A line on the terminal that says how long it still takes; nothing where nobody looks. */
function progressOn(stderr: NodeJS.WritableStream, watchMs: number): ((doneMs: number) => void) | undefined {
  if (!('isTTY' in stderr) || stderr.isTTY !== true) return undefined
  return doneMs => {
    const left = Math.ceil((watchMs - doneMs) / SECOND)
    stderr.write(left <= 0 ? '\r\u001b[2K' : `\r\u001b[2KWatching, ${left} s to go`)
  }
}

/** `celeriac check`: validates the configuration, connects, and says what is visible, what is missing and what would bring it. */
export function checkCommand(world: World): Command {
  const command = new Command('check').description('connect, and say what is visible and what is missing')
  addBrokerFlags(command)
    .option('--watch <duration>', 'how long to watch', '20s')
    .option('--strict', 'exit with 1 also when something is only missing')
    .option('--json', 'print the findings as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  celeriac check --broker redis://localhost:6379/0\n\nExit code: 0 all well, 1 something is wrong, 2 used wrongly.',
    )
    .action(async () => {
      const config = await configOf({ logLevel: 'error', ...flagsOf(command) }, world)
      const { watch, json, strict } = command.opts<{ watch: string; json?: boolean; strict?: boolean }>()
      const watchMs = parseDurationMs(watch)
      if (watchMs === undefined || watchMs < SECOND)
        throw new CeleriacError(
          'USAGE',
          `--watch: expected a duration of at least 1s, such as 20s, got ${JSON.stringify(watch)}.`,
        )
      if (config.brokers.length === 0) {
        throw new CeleriacError('USAGE', 'No broker is configured.', {
          hint: 'Give --broker redis://HOST:6379/0 or amqp://HOST//, or set CELERIAC_BROKER or CELERY_BROKER_URL.',
        })
      }
      const onProgress = progressOn(world.stderr, watchMs)
      const report = await runCheck({
        config,
        log: logOf(config, world),
        clock: systemClock,
        watchMs,
        ...(onProgress === undefined ? {} : { onProgress }),
      })
      if (json === true) world.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
      else print(report, world.stdout)
      const missing = report.brokers.some(({ findings }) => findings.some(({ level }) => level === 'missing'))
      if (!report.ok || (strict === true && missing)) throw new Exit(1)
    })
  return command
}
