import type { LintReport } from '../lint.ts'

/** How the severities look; given from outside, since colours are the terminal's. */
export interface TextStyle {
  readonly severity: (severity: 'error' | 'warning' | 'info') => string
  readonly strong: (text: string) => string
  readonly faint: (text: string) => string
}

const PLAIN: TextStyle = { severity: word => word, strong: text => text, faint: text => text }

/** Findings for people: place, severity, rule and what; below it why it hurts and what to write. */
export function formatText({ findings, counts }: LintReport, style: TextStyle = PLAIN): string {
  const blocks = findings.map(({ file, line, column, severity, rule, message, why, fix }) =>
    [
      `${style.strong(`${file}:${line}:${column}`)} ${style.severity(severity)} ${message} ${style.faint(`[${rule}]`)}`,
      `  why: ${why}`,
      ...(fix === null ? [] : [`  fix: ${fix.replaceAll('\n', '\n       ')}`]),
    ].join('\n'),
  )
  return [...blocks, summary({ findings, counts })].join('\n\n') + '\n'
}

/** One line: how much was looked at, and what was found. */
export function summary({ findings, counts }: LintReport): string {
  const seen = [
    some(counts.rules, 'rule'),
    some(counts.panels, 'panel'),
    some(counts.alarms, 'alarm'),
    some(counts.objects, 'object'),
    some(counts.routes, 'Alertmanager configuration'),
  ].filter(text => text !== '')
  const looked = `${some(counts.files, 'file')}${seen.length === 0 ? ', nothing in them that lint knows' : `: ${seen.join(', ')}`}`
  if (findings.length === 0) return `${looked}. Nothing found.`
  const by = (severity: string): number => findings.filter(finding => finding.severity === severity).length
  return `${looked}. Found ${[some(by('error'), 'error'), some(by('warning'), 'warning'), some(by('info'), 'hint')].filter(text => text !== '').join(', ')}.`
}

const some = (count: number, word: string): string =>
  count === 0 ? '' : `${count} ${word}${count === 1 ? '' : 's'}`
