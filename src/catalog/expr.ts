/**
 * Builds PromQL out of declared metrics. Whatever names a metric or a label is a call that the compiler checks; the glue between
 * (operators, numbers, parentheses) is written as text in a `promql` template, which refuses any other word when the module loads.
 */
import { formatDuration, MINUTE } from '../base/index.ts'
import type { LabelName } from './metrics.ts'
import { type Expr, isRecorded, type Metric } from './spec.ts'

/** How one label must be: equal to a text, or one (or none) of several texts. */
export type Match = string | { readonly oneOf: readonly string[] } | { readonly noneOf: readonly string[] }

/** Conditions on labels. */
export type Where<Label extends string = string> = { readonly [L in Label]?: Match }

/** The window of every rate unless said otherwise: the guide's five minutes. */
export const WINDOW_MS = 5 * MINUTE

type Counter<Label extends string> = Metric<string, Label, 'counter'>
type Gauge<Label extends string> = Metric<string, Label, 'gauge'>
type Histogram<Label extends string> = Metric<string, Label, 'histogram'>

const quote = (text: string): string => JSON.stringify(text)

const anyOf = (texts: readonly string[]): string =>
  quote(
    [...texts]
      .sort()
      .map(text => text.replace(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`))
      .join('|'),
  )

function matcher(label: string, match: Match): string {
  if (typeof match === 'string') return `${label}=${quote(match)}`
  return 'oneOf' in match ? `${label}=~${anyOf(match.oneOf)}` : `${label}!~${anyOf(match.noneOf)}`
}

function selector(name: string, where: Where): string {
  const matchers = Object.entries(where).flatMap(([label, match]) =>
    match === undefined ? [] : [matcher(label, match)],
  )
  return matchers.length === 0 ? name : `${name}{${matchers.join(', ')}}`
}

const expr = <Label extends string>(
  text: string,
  metrics: readonly Metric[],
  labels: readonly Label[],
): Expr<Label> => ({ text, metrics, labels })

const call = <Label extends string>(name: string, of: Metric<string, Label>, inside: string): Expr<Label> =>
  expr(`${name}(${inside})`, [of], of.labels)

/** The series of a gauge or recorded metric as they stand. */
export const series = <Label extends string>(
  of: Gauge<Label>,
  where: Where<NoInfer<Label>> = {},
): Expr<Label> => expr(selector(of.name, where), [of], of.labels)

/**
 * A gauge by its declared labels only. Whatever a scrape adds (`instance`, `job`, `pod`) is dropped, so that alerts keep their
 * identity when Celeriac moves, and two Celeriacs that watch one broker count once. Recorded series are so already.
 */
export const latest = <Label extends string>(
  of: Gauge<Label>,
  where: Where<NoInfer<Label>> = {},
): Expr<Label> => {
  const plain = series(of, where)
  return isRecorded(of) ? plain : aggregate('max', of.labels, plain)
}

/** Increase per second of a counter. */
export const rate = <Label extends string>(
  of: Counter<Label>,
  where: Where<NoInfer<Label>> = {},
  windowMs = WINDOW_MS,
): Expr<Label> => call('rate', of, `${selector(of.name, where)}[${formatDuration(windowMs)}]`)

/** Increase of a counter over a window. */
export const increase = <Label extends string>(
  of: Counter<Label>,
  where: Where<NoInfer<Label>> = {},
  windowMs = WINDOW_MS,
): Expr<Label> => call('increase', of, `${selector(of.name, where)}[${formatDuration(windowMs)}]`)

/** Slope per second of a gauge; `rate` is for counters and does not take one (guide-flaw 1). */
export const deriv = <Label extends string>(
  of: Gauge<Label>,
  where: Where<NoInfer<Label>> = {},
  windowMs = WINDOW_MS,
): Expr<Label> => call('deriv', of, `${selector(of.name, where)}[${formatDuration(windowMs)}]`)

/** Mean of a gauge over a window, of the samples that there are. */
export const averageOver = <Label extends string>(
  of: Gauge<Label>,
  where: Where<NoInfer<Label>> = {},
  windowMs = WINDOW_MS,
): Expr<Label> => call('avg_over_time', of, `${selector(of.name, where)}[${formatDuration(windowMs)}]`)

/** How many samples of a gauge there are within a window. */
export const countOver = <Label extends string>(
  of: Gauge<Label>,
  where: Where<NoInfer<Label>>,
  windowMs: number,
): Expr<Label> => call('count_over_time', of, `${selector(of.name, where)}[${formatDuration(windowMs)}]`)

/** In parentheses, a text of several lines on lines of its own. */
const parens = (text: string): string => (text.includes('\n') ? `(\n  ${indent(text, '  ')}\n)` : `(${text})`)

const aggregate = <Label extends string>(operator: string, by: readonly Label[], of: Expr): Expr<Label> =>
  expr(`${operator} by (${by.join(', ')}) ${parens(of.text)}`, of.metrics, by)

export const sumBy = <Label extends string, const By extends Label>(
  by: readonly By[],
  of: Expr<Label>,
): Expr<By> => aggregate('sum', by, of)

export const maxBy = <Label extends string, const By extends Label>(
  by: readonly By[],
  of: Expr<Label>,
): Expr<By> => aggregate('max', by, of)

/** A quantile of a histogram over a window, its buckets summed by `le` and the given labels (guide-flaw 15). */
export function quantile<Label extends string, const By extends Label>(
  q: number,
  of: Histogram<Label>,
  by: readonly By[],
  where: Where<NoInfer<Label>> = {},
  windowMs = WINDOW_MS,
): Expr<By> {
  const buckets = `rate(${selector(`${of.name}_bucket`, where)}[${formatDuration(windowMs)}])`
  return expr(`histogram_quantile(${q}, sum by (${['le', ...by].join(', ')}) (${buckets}))`, [of], by)
}

/** Sum of a histogram's observations per second, or their number per second. */
export const observed = <Label extends string>(
  part: 'sum' | 'count',
  of: Histogram<Label>,
  where: Where<NoInfer<Label>> = {},
  windowMs = WINDOW_MS,
): Expr<Label> => call('rate', of, `${selector(`${of.name}_${part}`, where)}[${formatDuration(windowMs)}]`)

/** `of`, and 0 wherever only `like` has a series: a counter that was never counted is 0, not missing (guide-flaw 8). */
export const orZero = <Label extends string>(of: Expr<Label>, like: Expr<NoInfer<Label>>): Expr<Label> =>
  expr(
    parens(`${of.text}\nor on (${of.labels.join(', ')}) 0 * ${like.text}`),
    union([...of.metrics, ...like.metrics]),
    of.labels,
  )

/** The series of `of` for which `condition` has a match. */
export const when = <Label extends string>(
  of: Expr<Label>,
  matching: Matching,
  condition: Expr,
): Expr<Label> =>
  expr(
    `${of.text}\nand ${matching.matching} ${condition.text}`,
    union([...of.metrics, ...condition.metrics]),
    of.labels,
  )

/** Every value raised to at least `floor`. */
export const atLeast = <Label extends string>(floor: number, of: Expr<Label>): Expr<Label> =>
  expr(
    of.text.includes('\n')
      ? `clamp_min(\n  ${indent(of.text, '  ')},\n  ${floor}\n)`
      : `clamp_min(${of.text}, ${floor})`,
    of.metrics,
    of.labels,
  )

/** Seconds since a time that a gauge tells, such as that of the last success. */
export const secondsSince = <Label extends string>(of: Expr<Label>): Expr<Label> =>
  expr(`time() - ${of.text}`, of.metrics, of.labels)

/** The largest `count` series. */
export const topk = <Label extends string>(count: number, of: Expr<Label>): Expr<Label> =>
  expr(`topk(${count}, ${of.text})`, of.metrics, of.labels)

/** Names the labels by which a binary operation matches its sides; every one states them (guide-flaw 3). */
export interface Matching {
  readonly matching: string
}

export const on = (...labels: readonly LabelName[]): Matching => ({
  matching: `on (${labels.join(', ')})`,
})

/** Matches many series on the left to one on the right. */
export const onManyToOne = (...labels: readonly LabelName[]): Matching => ({
  matching: `on (${labels.join(', ')}) group_left ()`,
})

const GLUE = /^(?:\b(?:and|or|unless|bool)\b|\b\d+(?:\.\d+)?\b|[\s()+\-*/%^<>=!])*$/

/**
 * Joins expressions with operators, numbers and parentheses. `by` says which labels the result has, for further grouping.
 * Throws when the text between holds any word but `and`, `or`, `unless`, `bool`: metrics and labels come through the holes.
 */
export function promql(
  parts: TemplateStringsArray,
  ...holes: readonly (Expr | Matching | number)[]
): Expr<never> {
  const stray = parts.find(part => !GLUE.test(part))
  if (stray !== undefined)
    throw new Error(
      `Only operators, numbers and parentheses may stand in a promql template, not: ${stray.trim()}`,
    )
  let text = ''
  parts.forEach((part, i) => {
    text += part
    const hole = holes[i]
    if (hole === undefined) return
    const inside = typeof hole === 'number' ? String(hole) : 'matching' in hole ? hole.matching : hole.text
    text += indent(inside, /(?:^|\n)( *)[^\n]*$/.exec(text)?.[1] ?? '')
  })
  const metrics = holes.flatMap(hole => (typeof hole === 'object' && 'text' in hole ? hole.metrics : []))
  return expr(dedent(text), union(metrics), [])
}

/** Several expressions, one below the other, joined by `or`. */
export const either = (choices: readonly Expr[]): Expr<never> =>
  expr(
    choices.map(choice => choice.text).join('\nor\n'),
    union(choices.flatMap(choice => choice.metrics)),
    [],
  )

const union = (metrics: readonly Metric[]): readonly Metric[] => [
  ...new Map(metrics.map(entry => [entry.name, entry])).values(),
]

const indent = (text: string, by: string): string => text.replaceAll('\n', `\n${by}`)

/** Takes off the indentation that all lines but the first share, and empty lines at both ends. */
function dedent(text: string): string {
  const lines = text
    .replace(/^\s*\n/, '')
    .trimEnd()
    .split('\n')
  const indents = lines.filter(line => line.trim() !== '').map(line => line.length - line.trimStart().length)
  const shared = Math.min(...indents)
  return lines
    .map(line => line.slice(shared))
    .join('\n')
    .trim()
}
