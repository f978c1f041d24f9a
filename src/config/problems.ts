import { z } from 'zod'
import { didYouMean } from '../base/index.ts'

/** `notify.receivers[0].slack`. */
export const pathText = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`,
    '',
  )

/** The keys that an object of the schema takes at a path; empty where it takes none. */
export function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  let at: unknown = schema
  for (const key of [...path, undefined]) {
    while (at instanceof z.ZodOptional || at instanceof z.ZodDefault || at instanceof z.ZodPipe)
      at = at instanceof z.ZodPipe ? at.in : at.unwrap()
    if (at instanceof z.ZodUnion) at = at.options.find(option => option instanceof z.ZodObject)
    if (key === undefined) break
    if (at instanceof z.ZodArray) at = at.element
    else if (at instanceof z.ZodObject) at = (at.shape as Readonly<Record<PropertyKey, unknown>>)[key]
    else return []
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : []
}

/** So many keys are listed when none of them is near the one given. */
const MAX_KEYS_LISTED = 12

/** One line a problem: where, what was expected. Values are never repeated beyond what the schema's own message says. */
export function describeIssue(issue: z.core.$ZodIssue, schema: z.ZodType): string {
  if (issue.code === 'invalid_union') {
    const deepest = furthest(issue.errors)
    if (deepest !== undefined)
      return describeIssue({ ...deepest, path: [...issue.path, ...deepest.path] }, schema)
  }
  const path = pathText(issue.path)
  const at = path === '' ? '' : `${path}: `
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? ''
    const known = keysAt(schema, issue.path)
    const listed = known.length > 0 && known.length <= MAX_KEYS_LISTED ? `; known: ${known.join(', ')}` : ''
    return `${at}unknown key ${JSON.stringify(key)}${didYouMean(key, known) || listed}`
  }
  return `${at}${issue.message}`
}

/** The problem of the alternative that was probably meant: the one that was read furthest, objects before single values. */
function furthest(alternatives: readonly (readonly z.core.$ZodIssue[])[]): z.core.$ZodIssue | undefined {
  const rank = (issue: z.core.$ZodIssue): number =>
    issue.path.length > 0 ? 3 : issue.code === 'unrecognized_keys' ? 2 : issue.code === 'invalid_type' ? 1 : 0
  return alternatives
    .flatMap(issues => issues.slice(0, 1))
    .sort((a, b) => rank(b) - rank(a) || b.path.length - a.path.length)[0]
}
