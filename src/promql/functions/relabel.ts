import type { RE2JS } from 're2js'
import { CeleriacError, compileRegex, type Labels } from '../../base/index.ts'
import type { Work } from '../contract.ts'
import { failed, type Query } from '../engine/query.ts'
import { type Column, joinEqual } from '../engine/value.ts'

/** `label_replace`: sets `target` to the expanded `template` where the whole value of `source` matches. */
export function* labelReplace(
  query: Query,
  columns: readonly Column[],
  target: string,
  template: string,
  source: string,
  pattern: string,
): Work<readonly Column[]> {
  demandName('label_replace', 'destination', target)
  const regex = compile(pattern)
  const names = regex.namedGroups()
  return yield* relabel(query, columns, labels => {
    const matcher = regex.matcher(labels.get(source))
    if (!matcher.matches()) return labels
    const value = expand(template, group => {
      const index = /^\d+$/.test(group)
        ? Number(group)
        : Object.hasOwn(names, group)
          ? names[group]
          : undefined
      return index === undefined || index > matcher.groupCount() ? '' : (matcher.group(index) ?? '')
    })
    return labels.with(target, value)
  })
}

/** `label_join`: sets `target` to the values of `sources` with `separator` between them. */
export function* labelJoin(
  query: Query,
  columns: readonly Column[],
  target: string,
  separator: string,
  sources: readonly string[],
): Work<readonly Column[]> {
  demandName('label_join', 'destination', target)
  for (const source of sources) demandName('label_join', 'source', source)
  return yield* relabel(query, columns, labels =>
    labels.with(target, sources.map(source => labels.get(source)).join(separator)),
  )
}

function* relabel(
  query: Query,
  columns: readonly Column[],
  change: (labels: Labels) => Labels,
): Work<readonly Column[]> {
  const changed = yield* query.map(columns, 0, ({ labels, values, present }) => ({
    labels: change(labels),
    values,
    present,
  }))
  return yield* joinEqual(query, changed)
}

function compile(pattern: string): RE2JS {
  try {
    return compileRegex(pattern)
  } catch (error) {
    if (!(error instanceof CeleriacError)) throw error
    throw failed(`invalid regular expression in label_replace(): ${error.message}`, error.hint)
  }
}

/** Any non-empty text is a label name since Prometheus 3. */
function demandName(caller: string, role: string, name: string): void {
  if (name === '') throw failed(`invalid ${role} label name in ${caller}(): must not be empty`)
}

/**
 * Expands `$1`, `$name` and `${name}`; `$$` is a dollar sign. A bare name is as long as possible, so `$1x` is the group
 * `1x` (Go `regexp` Expand).
 */
function expand(template: string, group: (name: string) => string): string {
  return template.replace(/\$(?:(\$)|([A-Za-z0-9_]+)|\{([A-Za-z0-9_]+)\})/g, (_all, dollar, bare, braced) =>
    dollar === undefined ? group((bare ?? braced) as string) : '$',
  )
}
