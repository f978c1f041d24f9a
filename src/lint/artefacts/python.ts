import type { Place, Source } from '../text/source.ts'
import type { PublishedMetric } from './cloudwatch.ts'

/** A metric that a program declares with prometheus_client. */
export interface DeclaredMetric {
  readonly name: string
  readonly kind: 'counter' | 'gauge' | 'histogram' | 'summary'
  readonly labels: readonly string[]
  /** Upper bounds without +Inf; undefined when they are computed. */
  readonly buckets: readonly number[] | undefined
  readonly place: Place
}

/** prometheus_client's `Histogram.DEFAULT_BUCKETS`. */
const DEFAULT_BUCKETS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]

const DECLARATION = /\b(Counter|Gauge|Histogram|Summary)\(\s*(['"])([a-zA-Z_:][\w:]*)\2/g

/** The metrics that a Python program declares by constants. */
export function declaredMetrics(source: Source): readonly DeclaredMetric[] {
  return [...source.text.matchAll(DECLARATION)].map(match => {
    const start = match.index
    const args = argumentsFrom(source.text, start + (match[1] ?? '').length)
    const kind = (match[1] ?? '').toLowerCase() as DeclaredMetric['kind']
    const written = match[3] ?? ''
    const nameAt = start + match[0].length - 1 - written.length
    return {
      // The client adds the suffix to counters that lack it.
      name: kind === 'counter' && !written.endsWith('_total') ? `${written}_total` : written,
      kind,
      labels: labelsOf(args),
      buckets: kind === 'histogram' ? bucketsOf(args) : undefined,
      place: source.place(nameAt, nameAt + written.length),
    }
  })
}

/** What stands between a parenthesis and its end, strings and nested ones included. */
function argumentsFrom(text: string, open: number): string {
  let depth = 0
  let quote = ''
  for (let at = open; at < text.length; at++) {
    const char = text[at] ?? ''
    if (quote !== '') {
      if (char === '\\') at++
      else if (char === quote) quote = ''
    } else if (char === '"' || char === "'") quote = char
    else if (/[([{]/.test(char)) depth++
    else if (/[)\]}]/.test(char) && --depth === 0) return text.slice(open + 1, at)
  }
  return text.slice(open + 1)
}

const STRING = /(['"])((?:\\.|(?!\1).)*)\1/g

const strings = (text: string): readonly string[] => [...text.matchAll(STRING)].map(match => match[2] ?? '')

function labelsOf(args: string): readonly string[] {
  const withoutBuckets = args.replace(/buckets\s*=\s*[([][^)\]]*[)\]]/, '')
  const list = /[([]([^()[\]]*)[)\]]/.exec(
    withoutBuckets.replace(STRING, text => text.replaceAll(/[()[\]]/g, ' ')),
  )
  return list === null ? [] : strings(list[1] ?? '')
}

function bucketsOf(args: string): readonly number[] | undefined {
  if (!/\bbuckets\s*=/.test(args)) return DEFAULT_BUCKETS
  const list = /\bbuckets\s*=\s*[([]([^)\]]*)[)\]]/.exec(args)?.[1]
  const words =
    list
      ?.split(',')
      .map(word => word.trim())
      .filter(word => word !== '' && !/inf/i.test(word)) ?? []
  const bounds = words.map(Number)
  return list === undefined || bounds.some(Number.isNaN) ? undefined : bounds
}

const METRIC_NAME = /(['"])MetricName\1\s*:\s*(['"])([\w.\-/ ]+)\2/g

/** The metrics that a Python program gives to CloudWatch's `put_metric_data` by constants. */
export function publishedMetrics(source: Source): readonly PublishedMetric[] {
  const { text } = source
  return [...text.matchAll(/\bput_metric_data\(/g)].flatMap(call => {
    const open = call.index + call[0].length - 1
    const args = argumentsFrom(text, open)
    const namespace = namespaceOf(args, text)
    return [...args.matchAll(METRIC_NAME)].map(match => {
      const start = open + 1 + match.index
      const datum = enclosing(args, match.index)
      return {
        namespace,
        metric: match[3] ?? '',
        dimensions: [...datum.matchAll(/(['"])Name\1\s*:\s*(['"])([\w.-]+)\2/g)].flatMap(
          each => each[3] ?? [],
        ),
        unit: /(['"])Unit\1\s*:\s*(['"])(\w+)\2/.exec(datum)?.[3],
        place: source.place(start, start + match[0].length),
      }
    })
  })
}

/** The namespace of a call, when it is a text or a variable that is set to one. */
function namespaceOf(args: string, text: string): string | undefined {
  const given = /Namespace\s*=\s*(?:(['"])([^'"]+)\1|(\w+))/.exec(args)
  if (given?.[2] !== undefined) return given[2]
  const variable = given?.[3]
  if (variable === undefined) return undefined
  return new RegExp(`(?:^|\\s)${variable}\\s*=\\s*(['"])([^'"]+)\\1`).exec(text)?.[2]
}

/** The braces around an offset. */
function enclosing(text: string, at: number): string {
  let depth = 0
  let start = at
  while (start > 0) {
    const char = text[start] ?? ''
    if (char === '}') depth++
    if (char === '{' && depth-- === 0) break
    start--
  }
  return argumentsFrom(text, start)
}
