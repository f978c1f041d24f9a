import { RE2JS } from 're2js'
import { BoundedMap } from './bounded-map.ts'
import { CeleriacError } from './errors.ts'

/** One condition on a label of a series, as PromQL writes it: `name op "value"`. An absent label has the value ''. */
export interface LabelCondition {
  readonly name: string
  readonly op: '=' | '!=' | '=~' | '!~'
  readonly value: string
}

/** Regexes and, per regex, answers that are remembered. Both bound memory: 256 regexes of 1,024 short values. */
const REMEMBERED_PATTERNS = 256
const REMEMBERED_VALUES = 1024
/** Longer values are tested again each time instead of being kept. */
const REMEMBERED_VALUE_LENGTH = 256

const predicates = new BoundedMap<string, (value: string) => boolean>(REMEMBERED_PATTERNS)

/**
 * A test for label values. Regexes are RE2 syntax, anchored at both ends, and `.` matches a newline (Prometheus
 * `model/labels` FastRegexMatcher); they run in time linear in the value, so a hostile one cannot hang the process.
 *
 * @throws CeleriacError QUERY_INVALID when the regex does not compile.
 */
export function compileMatcher(matcher: LabelCondition): (value: string) => boolean {
  const { op, value } = matcher
  if (op === '=') return candidate => candidate === value
  if (op === '!=') return candidate => candidate !== value
  const test = compileAnchored(value)
  return op === '=~' ? test : candidate => !test(candidate)
}

/**
 * The values that satisfy a regex when they can be listed (`a|b|c`), for index look-ups; undefined when they cannot.
 */
export function literalAlternatives(pattern: string): readonly string[] | undefined {
  const alternatives: string[] = []
  let current = ''
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i] ?? ''
    if (char === '|') {
      alternatives.push(current)
      current = ''
    } else if (char === '\\') {
      const next = pattern[++i]
      // Only escaped punctuation is the character itself; \d, \Q, \x and the like have meanings.
      if (next === undefined || !PUNCTUATION.test(next)) return undefined
      current += next
    } else if (SPECIAL.test(char)) {
      return undefined
    } else {
      current += char
    }
  }
  alternatives.push(current)
  return alternatives
}

const SPECIAL = /[.+*?()[\]{}^$]/
const PUNCTUATION = /[.+*?()[\]{}^$|\\/"'`~!@#%&=:;,<> -]/

function compileAnchored(pattern: string): (value: string) => boolean {
  const known = predicates.get(pattern)
  if (known !== undefined) return known
  const test = shortcut(pattern) ?? remembering(compileRegex(pattern))
  predicates.set(pattern, test)
  return test
}

/** The forms that dashboards use most need no regex engine. */
function shortcut(pattern: string): ((value: string) => boolean) | undefined {
  if (pattern === '.*') return () => true
  if (pattern === '.+') return value => value !== ''
  const listed = literalAlternatives(pattern)
  if (listed !== undefined) {
    const set = new Set(listed)
    return value => set.has(value)
  }
  const head = pattern.startsWith('.*')
  const tail = pattern.endsWith('.*') && !pattern.endsWith('\\.*') && pattern.length >= (head ? 4 : 2)
  if (!head && !tail) return undefined
  const middle = literalAlternatives(pattern.slice(head ? 2 : 0, tail ? -2 : undefined))
  const text = middle?.[0]
  if (text === undefined || middle?.length !== 1) return undefined
  if (head && tail) return value => value.includes(text)
  return head ? value => value.endsWith(text) : value => value.startsWith(text)
}

function remembering(regex: RE2JS): (value: string) => boolean {
  const answers = new BoundedMap<string, boolean>(REMEMBERED_VALUES)
  return value => {
    const known = answers.get(value)
    if (known !== undefined) return known
    const answer = regex.testExact(value)
    if (value.length <= REMEMBERED_VALUE_LENGTH) answers.set(value, answer)
    return answer
  }
}

/**
 * A regex in RE2 syntax with `.` matching newlines; use `testExact` or `matcher(text).matches()` for anchored matching.
 *
 * @throws CeleriacError QUERY_INVALID when it does not compile.
 */
export function compileRegex(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern, RE2JS.DOTALL)
  } catch (error) {
    // re2js reports the pattern with the flag it was given in front.
    const reason = error instanceof Error ? error.message.replace('`(?s)', '`') : String(error)
    throw new CeleriacError('QUERY_INVALID', reason, {
      hint: 'Regular expressions are RE2 syntax: no look-around, no back-references.',
      cause: error,
    })
  }
}
