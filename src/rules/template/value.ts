import type { Labels } from '../../base/index.ts'
import { formatNumber } from './numbers.ts'

/** One sample of a query's result, as templates see it: `.Labels` and `.Value`. */
export class TemplateSample {
  readonly labels: ReadonlyMap<string, string>
  readonly value: number

  constructor(labels: ReadonlyMap<string, string>, value: number) {
    this.labels = labels
    this.value = value
  }
}

/** What the template is about: `.Labels`, `.ExternalLabels`, `.ExternalURL` and `.Value`. */
export class TemplateData {
  readonly fields: ReadonlyMap<string, Value>

  constructor(labels: Labels, value: number, externalLabels: Labels, externalURL: string) {
    this.fields = new Map<string, Value>([
      ['Labels', new Map(labels)],
      ['ExternalLabels', new Map(externalLabels)],
      ['ExternalURL', externalURL],
      ['Value', value],
    ])
  }
}

/** The result of `args`: keys `arg0`, `arg1`, … */
export class TemplateArguments {
  readonly values: ReadonlyMap<string, Value>

  constructor(values: ReadonlyMap<string, Value>) {
    this.values = values
  }
}

/** A point in time with the methods that templates use. */
export class TemplateTime {
  readonly atMs: number

  constructor(atMs: number) {
    this.atMs = atMs
  }
}

/** A length of time, as `toDuration` makes it. */
export class TemplateDuration {
  readonly nanoseconds: bigint

  constructor(nanoseconds: bigint) {
    this.nanoseconds = nanoseconds
  }
}

/**
 * A value of a Go template. A number is a float64, a bigint an int, a map is `map[string]string`, a list the result of a query,
 * undefined is nil. The distinction matters: Go refuses to compare an int with a float.
 */
export type Value =
  | string
  | number
  | bigint
  | boolean
  | undefined
  | ReadonlyMap<string, string>
  | readonly TemplateSample[]
  | TemplateSample
  | TemplateData
  | TemplateArguments
  | TemplateTime
  | TemplateDuration

/** Go's name of a value's type, for messages. */
export function typeName(value: Value): string {
  if (typeof value === 'string') return 'string'
  if (typeof value === 'number') return 'float64'
  if (typeof value === 'bigint') return 'int'
  if (typeof value === 'boolean') return 'bool'
  if (value === undefined) return '<nil>'
  if (value instanceof TemplateSample) return '*template.sample'
  if (value instanceof TemplateArguments) return 'map[string]interface {}'
  if (value instanceof TemplateTime) return '*time.Time'
  if (value instanceof TemplateDuration) return '*time.Duration'
  if (value instanceof TemplateData)
    return 'struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value float64 }'
  return isList(value) ? 'template.queryResult' : 'map[string]string'
}

export const isList = (value: Value): value is readonly TemplateSample[] => Array.isArray(value)

export const isMap = (value: Value): value is ReadonlyMap<string, string> => value instanceof Map

/** Whether `if` takes it: neither zero nor empty. */
export function isTrue(value: Value): boolean {
  if (typeof value === 'number') return value !== 0
  if (isList(value)) return value.length > 0
  if (isMap(value)) return value.size > 0
  if (value instanceof TemplateArguments) return value.values.size > 0
  return Boolean(value)
}

/** As `{{ value }}` and `%v` print it (Go `fmt`); nil is left to the caller, who knows where it stands. */
export function printValue(value: Value): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return formatNumber(value)
  if (value === undefined) return '<nil>'
  if (value instanceof TemplateSample) return `&{${printValue(value.labels)} ${formatNumber(value.value)}}`
  if (value instanceof TemplateTime) return printTime(value.atMs)
  if (value instanceof TemplateDuration) return printDuration(value.nanoseconds)
  if (value instanceof TemplateArguments) return printMap(value.values)
  if (value instanceof TemplateData) return `{${[...value.fields.values()].map(printValue).join(' ')}}`
  if (isList(value)) return `[${value.map(printValue).join(' ')}]`
  if (isMap(value)) return printMap(value)
  return String(value)
}

const printMap = (map: ReadonlyMap<string, Value>): string =>
  `map[${[...map.keys()]
    .sort()
    .map(key => `${key}:${printValue(map.get(key))}`)
    .join(' ')}]`

/** A time as Go prints it, in UTC: `2023-11-14 22:13:20.5 +0000 UTC`. */
export function printTime(atMs: number): string {
  const text = new Date(atMs).toISOString()
  const fraction = (text.slice(19, -1).replace(/0+$/, '') || '.').replace(/^\.$/, '')
  return `${text.slice(0, 10)} ${text.slice(11, 19)}${fraction} +0000 UTC`
}

/** A duration as Go prints it: `1h30m0s`, `1.5s`, `20ms`, `0s`. */
function printDuration(nanoseconds: bigint): string {
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds
  const minus = nanoseconds < 0n ? '-' : ''
  if (size === 0n) return '0s'
  for (const [unit, length] of [
    ['ns', 1n],
    ['µs', 1_000n],
    ['ms', 1_000_000n],
  ] as const)
    if (size < length * 1000n) return `${minus}${decimal(size, length)}${unit}`
  const minutes = size / 60_000_000_000n
  const seconds = `${decimal(size % 60_000_000_000n, 1_000_000_000n)}s`
  const hours = minutes / 60n
  if (hours > 0n) return `${minus}${hours}h${minutes % 60n}m${seconds}`
  return minus + (minutes > 0n ? `${minutes}m${seconds}` : seconds)
}

function decimal(value: bigint, unit: bigint): string {
  const fraction = (value % unit)
    .toString()
    .padStart(unit.toString().length - 1, '0')
    .replace(/0+$/, '')
  return `${value / unit}${unit === 1n || fraction === '' ? '' : `.${fraction}`}`
}
