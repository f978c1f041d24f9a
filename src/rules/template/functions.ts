import { RE2JS } from 're2js'
import { compareText, parseDurationMs } from '../../base/index.ts'
import { equal, indexInto, lengthOf, less, lessOrEqual } from './compare.ts'
import { joinHostPort, isAddress, splitHostPort } from './host.ts'
import {
  humanize,
  humanize1024,
  humanizeDuration,
  humanizePercentage,
  humanizeTimestamp,
  timestampMs,
  toFloat,
} from './humanize.ts'
import { TemplateError } from './lex.ts'
import { formatNumber } from './numbers.ts'
import { sprintf } from './printf.ts'
import {
  isTrue,
  printValue,
  TemplateArguments,
  TemplateDuration,
  type TemplateSample,
  TemplateTime,
  type Value,
} from './value.ts'

/** What functions reach beyond their arguments. */
export interface TemplateWorld {
  readonly atMs: number
  readonly externalURL: string
  /** The result of an expression at `atMs`. */
  readonly query: (expr: string) => readonly TemplateSample[]
}

/** What a parameter takes, by Go's types. */
export type Parameter = 'any' | 'string' | 'int' | 'sample' | 'result'

export interface TemplateFunction {
  readonly parameters: readonly Parameter[]
  /** The type of any number of further arguments. */
  readonly rest?: Parameter
  readonly call: (args: readonly Value[], world: TemplateWorld) => Value
}

const text = (value: Value): string => (typeof value === 'string' ? value : printValue(value))
const onText = (change: (value: string) => Value): TemplateFunction => ({
  parameters: ['string'],
  call: ([value]) => change(text(value)),
})
const onNumber = (change: (value: number) => Value): TemplateFunction => ({
  parameters: ['any'],
  call: ([value]) => change(toFloat(value)),
})
const compared = (holds: (a: Value, b: Value) => boolean): TemplateFunction => ({
  parameters: ['any', 'any'],
  call: ([a, b]) => holds(a, b),
})
const samples = (value: Value): readonly TemplateSample[] => value as readonly TemplateSample[]
const sample = (value: Value): TemplateSample => value as TemplateSample

/**
 * The functions of Prometheus' templates and of Go's `text/template`. Left out: `js` and `call`, which have no use in alerts.
 * `and` and `or` are evaluated by the executor, because they stop early.
 */
const FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  query: { parameters: ['string'], call: ([expr], world) => world.query(text(expr)) },
  first: {
    parameters: ['result'],
    call: ([result]) => {
      const [first] = samples(result)
      if (first === undefined) throw new TemplateError('first() called on vector with no elements')
      return first
    },
  },
  label: { parameters: ['string', 'sample'], call: ([name, of]) => sample(of).labels.get(text(name)) ?? '' },
  value: { parameters: ['sample'], call: ([of]) => sample(of).value },
  strvalue: { parameters: ['sample'], call: ([of]) => sample(of).labels.get('__value__') ?? '' },
  sortByLabel: {
    parameters: ['string', 'result'],
    call: ([name, result]) => {
      const key = text(name)
      return [...samples(result)].sort((a, b) =>
        compareText(a.labels.get(key) ?? '', b.labels.get(key) ?? ''),
      )
    },
  },
  args: {
    parameters: [],
    rest: 'any',
    call: args => new TemplateArguments(new Map(args.map((value, i) => [`arg${i}`, value]))),
  },
  humanize: onNumber(humanize),
  humanize1024: onNumber(humanize1024),
  humanizeDuration: onNumber(humanizeDuration),
  humanizePercentage: onNumber(humanizePercentage),
  humanizeTimestamp: onNumber(humanizeTimestamp),
  toTime: onNumber(value => new TemplateTime(timestampMs(value))),
  toDuration: onNumber(value => {
    timestampMs(value)
    return new TemplateDuration(BigInt(Math.trunc(value * 1e9)))
  }),
  now: { parameters: [], call: (_args, world) => world.atMs / 1000 },
  parseDuration: onText(value => {
    const ms = parseDurationMs(value)
    if (ms === undefined) throw new TemplateError(`not a valid duration string: ${JSON.stringify(value)}`)
    return ms / 1000
  }),
  title: onText(titled),
  toUpper: onText(value => value.toUpperCase()),
  toLower: onText(value => value.toLowerCase()),
  match: {
    parameters: ['string', 'string'],
    call: ([pattern, value]) => regex(text(pattern)).matcher(text(value)).find(),
  },
  reReplaceAll: {
    parameters: ['string', 'string', 'string'],
    call: ([pattern, replacement, value]) => replaceAll(regex(text(pattern)), text(replacement), text(value)),
  },
  stripPort: onText(value => splitHostPort(value)?.host ?? value),
  stripDomain: onText(value => {
    const { host, port } = splitHostPort(value) ?? { host: value, port: '' }
    if (isAddress(host)) return value
    const name = host.split('.')[0] ?? ''
    return port === '' ? name : joinHostPort(name, port)
  }),
  graphLink: onText(expr => `/graph?g0.expr=${escapeQuery(expr)}&g0.tab=0`),
  tableLink: onText(expr => `/graph?g0.expr=${escapeQuery(expr)}&g0.tab=1`),
  safeHtml: onText(value => value),
  externalURL: { parameters: [], call: (_args, world) => world.externalURL },
  pathPrefix: {
    parameters: [],
    call: (_args, world) => /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*([^?#]*)/i.exec(world.externalURL)?.[1] ?? '',
  },
  urlQueryEscape: onText(escapeQuery),
  urlquery: { parameters: [], rest: 'any', call: args => escapeQuery(spaced(args)) },
  html: { parameters: [], rest: 'any', call: args => escapeHtml(spaced(args)) },
  print: { parameters: [], rest: 'any', call: args => spaced(args) },
  println: { parameters: [], rest: 'any', call: args => `${args.map(printValue).join(' ')}\n` },
  printf: { parameters: ['string'], rest: 'any', call: ([format, ...args]) => sprintf(text(format), args) },
  len: { parameters: ['any'], call: ([value]) => lengthOf(value) },
  index: { parameters: ['any'], rest: 'any', call: ([value, ...keys]) => indexInto(value, keys) },
  slice: {
    parameters: ['string'],
    rest: 'int',
    call: ([value, from = 0n, to]) => {
      const bytes = new TextEncoder().encode(text(value))
      const end = to === undefined ? bytes.length : Number(to)
      if (Number(from) < 0 || end > bytes.length || Number(from) > end)
        throw new TemplateError(`index out of range: ${Number(from)}`)
      return new TextDecoder().decode(bytes.subarray(Number(from), end))
    },
  },
  not: { parameters: ['any'], call: ([value]) => !isTrue(value) },
  eq: { parameters: ['any'], rest: 'any', call: ([first, ...others]) => equal(first, others) },
  ne: compared((a, b) => !equal(a, [b])),
  lt: compared(less),
  le: compared(lessOrEqual),
  gt: compared((a, b) => !lessOrEqual(a, b)),
  ge: compared((a, b) => !less(a, b)),
}

/** Names that the parser accepts. */
export const FUNCTION_NAMES: ReadonlySet<string> = new Set([...Object.keys(FUNCTIONS), 'and', 'or'])

export const functionNamed = (name: string): TemplateFunction | undefined =>
  Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined

/** Go's `fmt.Sprint`: a space between two values when neither is a text. */
function spaced(args: readonly Value[]): string {
  return args
    .map((value, i) => {
      const isApart = i > 0 && typeof value !== 'string' && typeof args[i - 1] !== 'string'
      return (isApart ? ' ' : '') + (typeof value === 'number' ? formatNumber(value) : printValue(value))
    })
    .join('')
}

function regex(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern)
  } catch (error) {
    throw new TemplateError(error instanceof Error ? error.message : String(error))
  }
}

/** Go `Regexp.ReplaceAllString`: `$1`, `$name`, `${name}` and `$$` in the replacement; unknown groups are empty. */
function replaceAll(pattern: RE2JS, replacement: string, value: string): string {
  const matcher = pattern.matcher(value)
  const named = pattern.namedGroups()
  let result = ''
  let at = 0
  while (matcher.find()) {
    result += value.slice(at, matcher.start())
    at = matcher.end()
    result += replacement.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (whole, plain?: string, braced?: string) => {
      const name = plain ?? braced
      if (name === undefined) return whole.slice(1)
      const group = /^\d+$/.test(name) ? Number(name) : named[name]
      return group === undefined || group > pattern.groupCount() ? '' : (matcher.group(group) ?? '')
    })
  }
  return result + value.slice(at)
}

/** Go `strings.Title`: the first letter of each word is large. */
function titled(value: string): string {
  let before = ' '
  return Array.from(value)
    .map(char => {
      const isWordStart = !/[\p{L}\p{Nd}_]/u.test(before) && (before <= '\u007f' || /\s/u.test(before))
      before = char
      return isWordStart ? char.toUpperCase() : char
    })
    .join('')
}

function escapeQuery(value: string): string {
  return encodeURIComponent(value)
    .replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
}

const HTML: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
  '\0': '\uFFFD',
}
const escapeHtml = (value: string): string => value.replace(/[&<>"'\0]/g, char => HTML[char] ?? char)
