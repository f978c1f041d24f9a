import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { styleText } from 'node:util'
import { Command, Option } from 'commander'
import { CeleriacError, didYouMean, errorText } from '../base/index.ts'
import {
  ENDINGS,
  fix,
  formatSarif,
  formatText,
  lint,
  type LintFile,
  type LintReport,
  type LintSeverity,
  RULES,
  type TextStyle,
} from '../lint/index.ts'
import { collect, Exit, type World } from './command.ts'
import { readLintFiles } from './lint-files.ts'
import { readVersion } from './version.ts'

interface LintFlags {
  readonly format: 'text' | 'json' | 'sarif'
  readonly disable?: readonly string[]
  readonly fix?: boolean
  readonly list?: boolean
  readonly explain?: string
}

const COLORS = { error: 'red', warning: 'yellow', info: 'gray' } as const
const STDIN = '-'

/** `celeriac lint FILE...`: what is wrong with monitoring files that people have, whoever wrote them. */
export function lintCommand(world: World): Command {
  return new Command('lint')
    .description(
      'find what is wrong with monitoring files: rules, manifests, Alertmanager, Grafana, CloudWatch, Filebeat',
    )
    .argument('[file...]', 'files, folders or patterns, looked at together; - reads stdin')
    .addOption(
      new Option('--format <format>', 'how to print findings')
        .choices(['text', 'json', 'sarif'])
        .default('text'),
    )
    .addOption(new Option('--disable <rule>', 'do not ask this rule; repeatable').argParser(collect))
    .option('--fix', 'mend what can be mended safely; comments and layout stay')
    .option('--list', 'name all rules')
    .option('--explain <rule>', 'say what a rule looks for, why, and how it is put right')
    .addHelpText(
      'after',
      '\nExamples:\n  celeriac lint rules/ alertmanager.yml dashboards/*.json\n  kubectl get prometheusrules -A -o yaml | celeriac lint -\n  celeriac lint --explain rate-on-gauge\n\nExit code: 0 nothing found (hints do not count), 1 found errors or warnings, 2 used wrongly.',
    )
    .action((named: readonly string[], flags: LintFlags) => {
      if (flags.list === true) return list(world)
      if (flags.explain !== undefined) return explainRule(flags.explain, world)
      if (named.length === 0)
        throw new CeleriacError('USAGE', 'No file is named.', {
          hint: 'Name files or folders, or - for stdin.',
        })
      for (const name of flags.disable ?? []) checkRuleName(name)
      const files = read(named, world)
      const options = { disable: flags.disable ?? [] }
      const report = flags.fix === true ? mend(files, options, world) : lint(files, options)
      print(report, flags.format, world)
      if (report.findings.some(({ severity }) => severity !== 'info')) throw new Exit(1)
    })
}

function read(named: readonly string[], world: World): readonly LintFile[] {
  const others = named.filter(name => name !== STDIN)
  return [
    ...(named.includes(STDIN) ? [{ path: STDIN, text: readStdin() }] : []),
    ...readLintFiles(others, world.folder, ENDINGS),
  ]
}

/** All of standard input, which a pipe has or somebody types. Throws FILE_UNREADABLE when there is none. */
function readStdin(): string {
  try {
    return readFileSync(0, 'utf8')
  } catch (error) {
    throw new CeleriacError('FILE_UNREADABLE', `Cannot read standard input: ${errorText(error)}.`, {
      cause: error,
    })
  }
}

/** Writes the files that changed; what was read from stdin goes to stdout in no form but findings. */
function mend(
  files: readonly LintFile[],
  options: { readonly disable: readonly string[] },
  world: World,
): LintReport {
  const { changed, fixed, report } = fix(
    files.filter(({ path }) => path !== STDIN),
    options,
  )
  for (const { path, text } of changed) {
    try {
      writeFileSync(resolve(world.folder, path), text)
    } catch (error) {
      throw new CeleriacError('FILE_UNWRITABLE', `Cannot write ${path}: ${errorText(error)}.`, {
        cause: error,
      })
    }
  }
  if (changed.length > 0)
    world.stderr.write(`Mended ${fixed} in ${changed.map(({ path }) => path).join(', ')}.\n`)
  return files.some(({ path }) => path === STDIN) ? lint(files, options) : report
}

function print(report: LintReport, format: LintFlags['format'], world: World): void {
  if (format === 'json') world.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  else if (format === 'sarif') world.stdout.write(formatSarif(report, readVersion()))
  else world.stdout.write(formatText(report, styleOf(world)))
}

function styleOf({ stdout }: World): TextStyle {
  const style = (format: Parameters<typeof styleText>[0], text: string): string =>
    styleText(format, text, { stream: stdout, validateStream: true })
  return {
    severity: (severity: LintSeverity) => style(COLORS[severity], severity === 'info' ? 'hint' : severity),
    strong: text => style('bold', text),
    faint: text => style('gray', text),
  }
}

function list({ stdout }: World): void {
  const width = Math.max(...RULES.map(({ name }) => name.length)) + 2
  for (const { name, severity, title } of RULES)
    stdout.write(`${name.padEnd(width)}${severity.padEnd(9)}${title}\n`)
}

function explainRule(name: string, { stdout }: World): void {
  checkRuleName(name)
  const rule = RULES.find(each => each.name === name)
  if (rule === undefined) return
  const files = (examples: readonly LintFile[]): string =>
    examples.map(({ path, text }) => `${path}:\n${text.trimEnd().replaceAll(/^/gm, '    ')}`).join('\n')
  const sources =
    rule.sources === undefined ? '' : `\n\nSources:\n${rule.sources.map(url => `  ${url}`).join('\n')}`
  stdout.write(
    `${rule.name} (${rule.severity})\n${rule.title}\n\n${rule.why}\n\nWrong: ${files(rule.bad)}\n\nRight: ${files(rule.good)}${sources}\n`,
  )
}

function checkRuleName(name: string): void {
  const names = RULES.map(rule => rule.name)
  if (!names.includes(name))
    throw new CeleriacError(
      'USAGE',
      `There is no lint rule ${JSON.stringify(name)}${didYouMean(name, names)}`,
      {
        hint: 'celeriac lint --list names them all.',
      },
    )
}
