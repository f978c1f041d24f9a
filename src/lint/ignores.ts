import type { Place, Source } from './text/source.ts'

/** A comment that silences rules: `celeriac-lint: ignore RULE[,RULE] reason`, or `ignore-file` for all of a file. */
export interface Ignore {
  readonly rules: readonly string[]
  readonly reason: string
  readonly wholeFile: boolean
  /** Counted from 1. */
  readonly line: number
  readonly at: Place
}

const COMMENT =
  /celeriac-lint:[ \t]*(ignore-file|ignore)[ \t]+([a-z][a-z-]*(?:[ \t]*,[ \t]*[a-z][a-z-]*)*)[ \t]*:?[ \t]*([^\n]*)/g
/** The end of a comment of Markdown. */
const CLOSING = /\s*-->\s*$/

export function ignoresOf(source: Source): readonly Ignore[] {
  return [...source.text.matchAll(COMMENT)].map(match => ({
    rules: (match[2] ?? '').split(',').map(name => name.trim()),
    reason: (match[3] ?? '').replace(CLOSING, '').trim(),
    wholeFile: match[1] === 'ignore-file',
    line: source.position(match.index).line,
    at: source.place(match.index, match.index + match[0].trimEnd().length),
  }))
}

const COMMENT_LINE = /^\s*(?:#|\/\/|<!--)/

/**
 * Whether a comment silences a rule at one of these lines: on the line itself, or in the comment lines right above it.
 */
export function isIgnored(
  ignores: readonly Ignore[],
  rule: string,
  lines: readonly number[],
  text: readonly string[],
): boolean {
  return ignores.some(ignore => {
    if (!ignore.rules.includes(rule)) return false
    if (ignore.wholeFile) return true
    return lines.some(line => {
      let at = line
      while (at > ignore.line && (at === line || COMMENT_LINE.test(text[at - 1] ?? ''))) at--
      return at === ignore.line && (at === line || COMMENT_LINE.test(text[at - 1] ?? ''))
    })
  })
}
