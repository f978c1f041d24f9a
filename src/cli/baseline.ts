import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import { catalogSettings } from '../app/index.ts'
import { isLearnable, type Proposal, propose, proposedSettings, question } from '../baseline/index.ts'
import {
  CeleriacError,
  DAY,
  didYouMean,
  formatDuration,
  HOUR,
  parseDurationMs,
  redactUrl,
  SECOND,
} from '../base/index.ts'
import { inWords } from '../catalog/index.ts'
import { settingsText, writeSettings } from '../config/index.ts'
import { collect, Exit, type World } from './command.ts'
import { readHistory } from './history.ts'
import { configOf } from './serve.ts'

interface Options {
  readonly url?: string
  readonly config?: string
  readonly since: string
  readonly step: string
  readonly headroom: string
  readonly minimum: string
  readonly alert?: readonly string[]
  readonly json?: boolean
  readonly write?: string
}

const usage = (message: string, hint?: string): CeleriacError =>
  new CeleriacError('USAGE', message, hint === undefined ? {} : { hint })

function durationOf(name: string, text: string): number {
  const ms = parseDurationMs(text)
  if (ms === undefined || ms <= 0)
    throw usage(`--${name}: expected a duration such as 24h, got ${JSON.stringify(text)}.`)
  return ms
}

const rateOf = (value: number, unit: Proposal['unit']): string =>
  unit === 'seconds'
    ? inWords(Number(value.toPrecision(3)), unit)
    : inWords(Number(value.toPrecision(3)), unit) + (unit === 'per_second' ? '/s' : '')

/** One table an alert: what each queue or task is used to, what holds, what is proposed, and how often either would have fired. */
function print(proposals: readonly Proposal[], stdout: NodeJS.WritableStream): void {
  for (const alert of new Set(proposals.map(proposal => proposal.alert))) {
    const of = proposals.filter(proposal => proposal.alert === alert)
    stdout.write(
      `\n${alert}, for ${[...new Set(of.map(({ forMs }) => formatDuration(forMs)))].join(' or ')}\n`,
    )
    const rows = of.map(({ scope, name, unit, present, proposed, reason, usual }) => [
      scope === null ? 'all together' : `${scope} ${name}`,
      usual === null ? '-' : `${rateOf(usual.median, unit)} to ${rateOf(usual.high, unit)}`,
      present === null ? 'off' : `${rateOf(present.threshold, unit)} (${present.fires}x)`,
      proposed === null ? (reason ?? '-') : `${rateOf(proposed.threshold, unit)} (${proposed.fires}x)`,
    ])
    const table = [['', 'usual', 'now (fired)', 'proposed (fired)'], ...rows]
    const widths = [0, 1, 2].map(column => Math.max(...table.map(row => row[column]?.length ?? 0)))
    for (const row of table)
      stdout.write(
        `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd() + '\n',
      )
  }
}

/** `celeriac baseline`: limits from history, with how often each would have fired in it. */
export function baselineCommand(world: World): Command {
  const command = new Command('baseline')
    .description('propose limits of alerts by queue and task from history')
    .option(
      '--url <url>',
      'a running Celeriac or another Prometheus-compatible server (default: this one, by its configuration)',
    )
    .option('-c, --config <file>', 'configuration file: the limits that hold now')
    .option('--since <duration>', 'how far to look back', '24h')
    .option('--step <duration>', 'how often rules are evaluated in what is looked at', '15s')
    .option('--headroom <factor>', 'how much above what is usual a limit lies', '1.5')
    .option('--minimum <duration>', 'with less history than this there is no proposal', '12h')
    .addOption(new Option('--alert <name>', 'this alert only; repeatable').argParser(collect))
    .option('--json', 'print the proposals as JSON')
    .option('--write <file>', 'write them into this configuration file (.yaml or .json); comments stay')
    .addHelpText(
      'after',
      '\nExamples:\n  celeriac baseline\n  celeriac baseline --url http://prometheus:9090 --since 7d --step 1m\n  celeriac baseline --alert CelerySlowProcessing --write celeriac.config.yaml\n\nExit code: 0 something was proposed, 1 history is too short or missing, 2 used wrongly.',
    )
    .action(async () => {
      const options = command.opts<Options>()
      const config = await configOf(options.config === undefined ? {} : { config: options.config }, world)
      const url = options.url ?? `http://${ownHost(config.listen)}`
      if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
        throw usage('--url: expected a URL that begins with http:// or https://.')
      const headroom = Number(options.headroom)
      if (!(headroom >= 1 && headroom <= 100))
        throw usage(`--headroom: expected a number from 1 to 100, got ${JSON.stringify(options.headroom)}.`)
      const stepMs = durationOf('step', options.step)
      const sinceMs = durationOf('since', options.since)
      const minimumMs = durationOf('minimum', options.minimum)
      if (stepMs < SECOND || stepMs > HOUR) throw usage('--step: expected 1s to 1h.')
      if (sinceMs > 366 * DAY) throw usage('--since: expected at most a year.')
      const learnable = catalogSettings(config).alerts.filter(({ alert }) => isLearnable(alert))
      const known = learnable.map(({ alert }) => alert.name)
      const unknown = options.alert?.find(name => !known.includes(name))
      if (unknown !== undefined)
        throw usage(
          `--alert: nothing can be learnt for ${JSON.stringify(unknown)}${didYouMean(unknown, known)}`,
          `There are ${known.join(', ')}.`,
        )

      // On multiples of the step, where whoever asks again finds the same.
      const endMs = Math.floor(Date.now() / stepMs) * stepMs
      const steps = Math.floor(sinceMs / stepMs) + 1
      const grid = { startMs: endMs - (steps - 1) * stepMs, stepMs, steps }
      const proposals: Proposal[] = []
      const silent: string[] = []
      for (const configured of learnable) {
        const { name } = configured.alert
        if (options.alert !== undefined && !options.alert.includes(name)) continue
        const series = await readHistory(url, question(configured), grid)
        if (series.length === 0) silent.push(name)
        proposals.push(...propose(configured, series, { stepMs, headroom, minimumMs }))
      }
      const settings = proposedSettings(proposals)
      const shownUrl = redactUrl(url)
      if (options.json === true)
        world.stdout.write(
          `${JSON.stringify({ url: shownUrl, startMs: grid.startMs, endMs, stepMs, headroom, proposals, silent, settings }, null, 2)}\n`,
        )
      else {
        world.stdout.write(
          `History of ${formatDuration(sinceMs)} from ${shownUrl}, evaluated every ${formatDuration(stepMs)}.\n`,
        )
        print(proposals, world.stdout)
        if (silent.length > 0)
          world.stdout.write(
            `\nNo values in that time, so nothing is said of: ${silent.join(', ')}. Where nothing failed or was retried enough this is well.\n`,
          )
        if (settings.length > 0) world.stdout.write(`\nAs configuration:\n\n${settingsText(settings)}`)
      }
      if (options.write !== undefined && settings.length > 0) {
        writeSettings(resolve(world.folder, options.write), settings)
        world.stderr.write(
          `${settings.length} ${settings.length === 1 ? 'limit' : 'limits'} written into ${options.write}\n`,
        )
      }
      if (!proposals.some(({ proposed }) => proposed !== null)) throw new Exit(1)
    })
  return command
}

/** The address under which a listener is reached from its own host. */
const ownHost = ({ host, port }: { readonly host: string; readonly port: number }): string => {
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `${name.includes(':') ? `[${name}]` : name}:${port}`
}
