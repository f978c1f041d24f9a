import { formatDuration, SECOND } from '../base/index.ts'
import type { Unit } from './spec.ts'

/** A Go template that prints `$value` for people, by its unit; never the raw number (guide-flaw 17). */
export const VALUE: Readonly<Record<Unit, string>> = {
  count: '{{ $value | humanize }}',
  seconds: '{{ $value | humanizeDuration }}',
  bytes: '{{ $value | humanize1024 }}B',
  ratio: '{{ $value | humanizePercentage }}',
  percent: '{{ $value | humanize }}%',
  per_second: '{{ $value | printf "%.2f" }}',
}

/** A Go template that prints a label. */
export const label = (name: string): string => `{{ $labels.${name} }}`

/** Writes a number of config in the words of its unit: `90%`, `1m30s`, `100`. */
export function inWords(value: number, unit: Unit): string {
  switch (unit) {
    case 'seconds':
      return formatDuration(Math.round(value * SECOND))
    case 'ratio':
      return `${Number((value * 100).toPrecision(12))}%`
    case 'percent':
      return `${value}%`
    case 'bytes':
    case 'per_second':
    case 'count':
      return String(value)
  }
}
