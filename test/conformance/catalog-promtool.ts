/** Plays rules and cases through the real promtool, in a folder of their own. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { emitPrometheus, type EmitSettings } from '../../src/emit/index.ts'

export interface Verdict {
  readonly ok: boolean
  readonly output: string
}

/** Runs promtool on files that exist only meanwhile. */
export function promtool(args: readonly string[], files: Readonly<Record<string, string>>): Verdict {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-promtool-'))
  try {
    for (const [path, content] of Object.entries(files)) writeFileSync(join(folder, path), content)
    const { status, stdout, stderr, error } = spawnSync('promtool', args, { cwd: folder, encoding: 'utf8' })
    if (error) throw error
    return { ok: status === 0, output: `${stdout}${stderr}` }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** `promtool check metrics` of an exposition. */
export function checkMetrics(exposition: string): Verdict {
  const { status, stdout, stderr, error } = spawnSync('promtool', ['check', 'metrics'], {
    input: exposition,
    encoding: 'utf8',
  })
  if (error) throw error
  return { ok: status === 0, output: `${stdout}${stderr}` }
}

/** What the Prometheus target emits, by path. */
export const emitted = (options: Partial<EmitSettings> = {}): Readonly<Record<string, string>> =>
  Object.fromEntries(emitPrometheus(options).map(({ path, content }) => [path, content]))

export interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly for?: string
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

export interface RuleFile {
  readonly groups: readonly {
    readonly name: string
    readonly interval: string
    readonly rules: readonly Rule[]
  }[]
}

export interface AlertCase {
  readonly eval_time: string
  readonly alertname: string
  readonly exp_alerts?: readonly {
    readonly exp_labels: Readonly<Record<string, string>>
    readonly exp_annotations?: Readonly<Record<string, string>>
  }[]
}

export interface Case {
  readonly name: string
  readonly interval: string
  readonly input_series: readonly { readonly series: string; readonly values: string }[]
  readonly alert_rule_test?: readonly AlertCase[]
  readonly promql_expr_test?: readonly {
    readonly expr: string
    readonly eval_time: string
    readonly exp_samples: readonly { readonly labels: string; readonly value: number }[]
  }[]
}

export interface TestFile {
  readonly rule_files: readonly string[]
  readonly evaluation_interval: string
  readonly group_eval_order?: readonly string[]
  readonly tests: readonly Case[]
}

export const readRules = (text: string): RuleFile => parse(text) as RuleFile
export const readTests = (text: string): TestFile => parse(text) as TestFile

/** `promtool test rules` of cases against rule files. */
export function play(rules: Readonly<Record<string, string>>, tests: readonly Case[]): Verdict {
  const order = Object.values(rules).flatMap(text => readRules(text).groups.map(({ name }) => name))
  const file: TestFile = {
    rule_files: Object.keys(rules),
    evaluation_interval: '15s',
    group_eval_order: order,
    tests,
  }
  return promtool(['test', 'rules', 'cases.yml'], {
    ...rules,
    'cases.yml': stringify(file, { aliasDuplicateObjects: false }),
  })
}

/** The three rule files, without tests and scrape configuration. */
export const ruleFiles = (options: Partial<EmitSettings> = {}): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(emitted(options)).filter(([path]) => path.endsWith('.rules.yml')))
