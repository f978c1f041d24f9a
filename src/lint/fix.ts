import type { Finding } from './contract.ts'
import type { LintFile } from './file.ts'
import { lint, type LintOptions, type LintReport } from './lint.ts'
import type { Edit } from './text/source.ts'

export interface FixResult {
  /** The files that changed, with their new text. */
  readonly changed: readonly LintFile[]
  /** How many findings were mended. */
  readonly fixed: number
  /** What is left, in the changed files. */
  readonly report: LintReport
}

/** Mending one thing may uncover another. */
const MAX_ROUNDS = 5

/**
 * Mends what can be mended safely. Everything else in the files stays as it is, comments and layout too. A change after which
 * a file can no longer be read, or after which its finding is still there, is taken back.
 */
export function fix(files: readonly LintFile[], options: LintOptions = {}): FixResult {
  let now = files
  let report = lint(now, options)
  let fixed = 0
  const refused = new Set<string>()
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const mendable = report.findings.filter(
      finding => finding.edits.length > 0 && !refused.has(keyOf(finding)),
    )
    if (mendable.length === 0) break
    const next = now.map(file => withEdits(file, mendable))
    const after = lint(next, options)
    if (after.findings.length < report.findings.length && broken(after) <= broken(report)) {
      fixed += report.findings.length - after.findings.length
      now = next
      report = after
      continue
    }
    // Something among them does harm: one at a time.
    for (const finding of mendable) {
      const alone = now.map(file => withEdits(file, [finding]))
      const then = lint(alone, options)
      if (then.findings.length < report.findings.length && broken(then) <= broken(report)) {
        fixed += report.findings.length - then.findings.length
        now = alone
        report = then
        break
      }
      refused.add(keyOf(finding))
    }
  }
  const before = new Map(files.map(({ path, text }) => [path, text]))
  return { changed: now.filter(({ path, text }) => before.get(path) !== text), fixed, report }
}

const keyOf = ({ rule, file, message }: Finding): string => `${rule} ${file} ${message}`

const broken = ({ findings }: LintReport): number =>
  findings.filter(({ rule }) => rule === 'yaml-syntax' || rule === 'promql-syntax').length

/** A file with the changes of findings in it; of changes that overlap the first is made, the others wait for the next round. */
function withEdits(file: LintFile, findings: readonly Finding[]): LintFile {
  const taken: Edit[] = []
  for (const finding of findings) {
    if (finding.file !== file.path) continue
    if (finding.edits.every(edit => taken.every(other => apart(edit, other)))) taken.push(...finding.edits)
  }
  let { text } = file
  for (const { start, end, text: by } of [...taken].sort((a, b) => b.start - a.start || b.end - a.end))
    text = text.slice(0, start) + by + text.slice(end)
  return { path: file.path, text }
}

const apart = (a: Edit, b: Edit): boolean => a.end < b.start || b.end < a.start
