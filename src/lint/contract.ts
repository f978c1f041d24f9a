import type { LintFile } from './file.ts'
import type { Project } from './project.ts'
import type { Edit, Place } from './text/source.ts'

/** error: it does not work. warning: it misleads somebody. info: it will, one day. */
export type LintSeverity = 'error' | 'warning' | 'info'

/** One thing wrong. Lines and columns are counted from 1, columns in UTF-16 units; the end is exclusive. */
export interface Finding {
  readonly rule: string
  readonly severity: LintSeverity
  readonly file: string
  readonly line: number
  readonly column: number
  readonly endLine: number
  readonly endColumn: number
  /** What is wrong, with the names that are in the file. */
  readonly message: string
  /** What it costs. */
  readonly why: string
  /** The corrected text, or what to write; null where only the author can know. */
  readonly fix: string | null
  /** What `--fix` would do; empty where no change is safe. */
  readonly edits: readonly Edit[]
}

/** What a rule says about a place. */
export interface Fault {
  readonly at: Place
  readonly message: string
  readonly fix?: string
  /** In the offsets of `at.source`. Given only where the change is safe: it mends the fault and nothing else changes. */
  readonly edits?: readonly Edit[]
  /** The whole thing that is wrong, such as an alert: a comment above it silences the rule too. */
  readonly within?: Place
  /** When the rule's own severity does not fit. */
  readonly severity?: LintSeverity
}

export interface LintRule {
  readonly name: string
  readonly severity: LintSeverity
  /** One line: what must not be. */
  readonly title: string
  /** What it costs an operator, and what to do instead. */
  readonly why: string
  /** Files in which the rule finds something, and their corrected form in which nothing is found. */
  readonly bad: readonly LintFile[]
  readonly good: readonly LintFile[]
  /** Where the fact comes from: documents or source of the tool. */
  readonly sources?: readonly string[]
  readonly check: (project: Project, report: (fault: Fault) => void) => void
}
