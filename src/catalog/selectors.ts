/** Changes the selectors of an expression that the builders made: narrowing them to chosen values, moving them into the past. */
import { formatDuration } from '../base/index.ts'
import type { Expr, Metric } from './spec.ts'

/** A selector as it stands in a text: `name{matchers}[range]`, the last two possibly empty. */
export interface Selector {
  readonly metric: Metric
  readonly name: string
  /** Without the braces. */
  readonly matchers: string
  /** With the brackets. */
  readonly range: string
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[A-Za-z_:][\w:]*(\{(?:"(?:[^"\\]|\\.)*"|[^"}])*\})?(\[[^\]]*\])?/g

/** The text with every selector of a metric that the expression reads replaced; words and texts in quotes stay. */
export function mapSelectors(expr: Expr, change: (selector: Selector) => string): string {
  const byName = new Map(expr.metrics.map(each => [each.name, each]))
  return expr.text.replaceAll(
    TOKEN,
    (found: string, braces: string | undefined, range: string | undefined) => {
      if (found.startsWith('"')) return found
      const name = /^[\w:]+/.exec(found)?.[0] ?? ''
      // A histogram has three series.
      const metric = byName.get(name) ?? byName.get(name.replace(/_(?:bucket|sum|count)$/, ''))
      if (metric === undefined) return found
      return change({ metric, name, matchers: (braces ?? '').slice(1, -1), range: range ?? '' })
    },
  )
}

/** The same number as it was some time ago. */
export const earlier = (expr: Expr, ms: number): Expr => ({
  ...expr,
  text: mapSelectors(
    expr,
    ({ name, matchers, range }) =>
      `${name}${matchers === '' ? '' : `{${matchers}}`}${range} offset ${formatDuration(ms)}`,
  ),
})
