import { compareText } from '../base/index.ts'
import type { Fault, Finding, LintRule } from './contract.ts'
import type { LintFile } from './file.ts'
import { isIgnored } from './ignores.ts'
import { createProject, type Project } from './project.ts'
import { readFiles } from './read.ts'
import { RULES } from './rules/index.ts'

export interface LintOptions {
  /** Names of rules that are not asked. */
  readonly disable?: readonly string[]
}

/** What was found, and how much there was to look at. */
export interface LintReport {
  readonly findings: readonly Finding[]
  readonly counts: {
    readonly files: number
    readonly rules: number
    readonly panels: number
    readonly alarms: number
    readonly objects: number
    readonly routes: number
  }
}

/**
 * Looks at files together, so that what one says can be held against another. Pure: no file is read or written. Findings are sorted
 * by file, line and column.
 */
export function lint(files: readonly LintFile[], { disable = [] }: LintOptions = {}): LintReport {
  const project = createProject(readFiles(files))
  const lines = new Map(files.map(({ path, text }) => [path, text.split('\n')]))
  const findings = RULES.filter(({ name }) => !disable.includes(name))
    .flatMap(rule => ask(rule, project, lines))
    .sort(
      (a, b) =>
        compareText(a.file, b.file) || a.line - b.line || a.column - b.column || compareText(a.rule, b.rule),
    )
  return {
    findings,
    counts: {
      files: files.length,
      rules: project.rules.length,
      panels: project.dashboards.reduce((sum, { panels }) => sum + panels.length, 0),
      alarms: project.alarms.length,
      objects: project.objects.length,
      routes: project.alertmanagers.length,
    },
  }
}

function ask(
  rule: LintRule,
  project: Project,
  lines: ReadonlyMap<string, readonly string[]>,
): readonly Finding[] {
  const findings: Finding[] = []
  const seen = new Set<string>()
  rule.check(project, fault => {
    const finding = findingOf(rule, fault)
    const key = `${finding.file}:${finding.line}:${finding.column}:${finding.message}`
    if (seen.has(key)) return
    seen.add(key)
    const { file, line } = finding
    const own = project.ignores.filter(({ at }) => at.source.file === file)
    const scope = fault.within === undefined ? [] : [fault.within.source.position(fault.within.start).line]
    if (!isIgnored(own, rule.name, [line, ...scope], lines.get(file) ?? [])) findings.push(finding)
  })
  return findings
}

function findingOf(rule: LintRule, { at, message, fix, edits, severity }: Fault): Finding {
  const { source, start, end } = at
  const from = source.position(start)
  const endInFile = source.endInFile(start, end)
  const to = source.root.position(endInFile)
  const written = edits?.map(edit => source.toFileEdit(edit)) ?? []
  return {
    rule: rule.name,
    severity: severity ?? rule.severity,
    file: source.file,
    line: from.line,
    column: from.column,
    endLine: to.line,
    endColumn: to.column,
    message,
    why: rule.why,
    fix: fix ?? null,
    // All of a change or none of it.
    edits: written.every(edit => edit !== undefined) ? written : [],
  }
}
