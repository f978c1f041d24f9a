import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { styleText } from 'node:util'
import { Command } from 'commander'
import { catalogSettings, type DoctorPlace, type DoctorReport, examine } from '../app/index.ts'
import { CeleriacError, errorText, redactUrl, Secret } from '../base/index.ts'
import { dashboards } from '../catalog/index.ts'
import type { Config } from '../config/index.ts'
import type { ExpectedRule } from '../doctor/index.ts'
import { JOB, outsideGroups } from '../emit/index.ts'
import { Exit, flagsOf, type World } from './command.ts'
import { MARK_WIDTH, markOf, worstLast } from './marks.ts'
import { configOf } from './serve.ts'

const KINDS = ['prometheus', 'alertmanager', 'grafana'] as const
type Kind = (typeof KINDS)[number]

const NAMES: Readonly<Record<Kind, string>> = {
  prometheus: 'Prometheus',
  alertmanager: 'Alertmanager',
  grafana: 'Grafana',
}

/** `celeriac doctor`: what of ours is really loaded in the servers that people run. */
export function doctorCommand(world: World): Command {
  const command = new Command('doctor').description(
    'say which of our rules, scrapes, routes and dashboards are loaded where you think they are',
  )
  for (const kind of KINDS) command.option(`--${kind} <url>`, `the ${NAMES[kind]} to ask`)
  return command
    .option('-c, --config <file>', 'configuration file: thresholds, durations and severities of the alerts')
    .option('--json', 'print the checks as JSON')
    .addHelpText(
      'after',
      `\nTokens are taken from CELERIAC_PROMETHEUS_TOKEN, CELERIAC_ALERTMANAGER_TOKEN and CELERIAC_GRAFANA_TOKEN, or the files named in\nthe same with _FILE behind.\n\nExamples:\n  celeriac doctor --prometheus http://prometheus:9090 --alertmanager http://alertmanager:9093\n  CELERIAC_GRAFANA_TOKEN_FILE=token celeriac doctor --grafana https://grafana.example.org\n\nExit code: 0 all is loaded, 1 something is wrong or missing, 2 used wrongly.`,
    )
    .action(async () => {
      const given = command.opts<{ json?: boolean } & Partial<Record<Kind, string>>>()
      if (KINDS.every(kind => given[kind] === undefined))
        throw new CeleriacError('USAGE', 'No server is named.', {
          hint: 'Give --prometheus, --alertmanager or --grafana with its URL.',
        })
      const config = await configOf(flagsOf(command), world)
      const places = Object.fromEntries(
        KINDS.flatMap(kind => (given[kind] === undefined ? [] : [[kind, placeOf(kind, given[kind], world)]])),
      )
      const report = await examine({
        ...places,
        rules: expectedRules(config),
        dashboards: expectedDashboards(),
        job: JOB,
      })
      if (given.json === true) world.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
      else print(report, world.stdout)
      if (!report.ok) throw new Exit(1)
    })
}

function placeOf(kind: Kind, url: string, world: World): DoctorPlace {
  let protocol: string
  try {
    protocol = new URL(url).protocol
  } catch {
    protocol = ''
  }
  if (!/^https?:$/.test(protocol))
    throw new CeleriacError(
      'USAGE',
      `--${kind}: expected a URL that begins with http:// or https://, got ${JSON.stringify(redactUrl(url))}.`,
    )
  const token = tokenOf(kind, world)
  return { url, ...(token === undefined ? {} : { token }) }
}

function tokenOf(kind: Kind, { env, folder }: World): Secret | undefined {
  const name = `CELERIAC_${kind.toUpperCase()}_TOKEN`
  const value = env[name]
  if (value !== undefined && value !== '') return new Secret(value)
  const file = env[`${name}_FILE`]
  if (file === undefined || file === '') return undefined
  try {
    return new Secret(readFileSync(resolve(folder, file), 'utf8').trim())
  } catch (error) {
    throw new CeleriacError(
      'FILE_UNREADABLE',
      `Cannot read the token file ${file} of ${name}_FILE: ${errorText(error)}.`,
    )
  }
}

/** The rules as they are emitted for Prometheus under a configuration, those on Celeriac itself among them. */
function expectedRules(config: Config): readonly ExpectedRule[] {
  const settings = catalogSettings(config)
  const open = new Map<string, readonly string[]>(
    settings.alerts.map(({ alert }) => [alert.name, alert.labels]),
  )
  return outsideGroups(settings)
    .flatMap(({ rules }) => rules)
    .map(rule =>
      rule.kind === 'record'
        ? {
            kind: 'record',
            name: rule.record,
            expr: rule.expr,
            forMs: 0,
            labels: rule.labels,
            openLabels: [],
          }
        : {
            kind: 'alert',
            name: rule.alert,
            expr: rule.expr,
            forMs: rule.forMs,
            labels: rule.labels,
            openLabels: open.get(rule.alert) ?? [],
          },
    )
}

const expectedDashboards = (): readonly { readonly uid: string; readonly title: string }[] =>
  dashboards.map(({ slug, title }) => ({ uid: slug, title }))

function print({ places }: DoctorReport, stdout: NodeJS.WritableStream): void {
  const bold = (text: string): string => styleText('bold', text, { stream: stdout, validateStream: true })
  for (const { kind, address, error, checks } of places) {
    stdout.write(`${bold(NAMES[kind])} ${address}\n`)
    if (error !== null) stdout.write(`  ${markOf('wrong', stdout)}${error}\n`)
    for (const { level, title, fix } of shortened(checks).sort(worstLast)) {
      stdout.write(`  ${markOf(level, stdout)}${title}\n`)
      if (fix !== null) stdout.write(`  ${' '.repeat(MARK_WIDTH)}Fix:  ${fix}\n`)
    }
  }
  const all = places.flatMap(({ checks }) => checks)
  const count = (level: string): number => all.filter(check => check.level === level).length
  const silent = places.filter(({ error }) => error !== null).length
  stdout.write(
    `\n${count('wrong')} wrong, ${count('missing')} missing, ${count('ok')} ok${silent === 0 ? '' : `, ${silent} could not be asked`}.\n`,
  )
}

type Check = DoctorReport['places'][number]['checks'][number]

/** Rules that are as they should be are told together: their names are in --json. */
function shortened(checks: readonly Check[]): Pick<Check, 'level' | 'title' | 'fix'>[] {
  const rules = checks.filter(({ area }) => area === 'rules')
  const loaded = rules.filter(({ level }) => level === 'ok')
  const others = checks.filter(check => !loaded.includes(check))
  if (loaded.length === 0) return others
  const all = loaded.length === rules.length ? `All ${rules.length}` : `${loaded.length} of ${rules.length}`
  return [{ level: 'ok', title: `${all} rules are loaded as they should be.`, fix: null }, ...others]
}
