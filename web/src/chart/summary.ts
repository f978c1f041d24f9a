import { formatShortClock, formatValue, type Unit, type Zone } from '../format.ts'
import type { Band } from './bands.ts'
import { lastKnown, type Line } from './series.ts'

/** What a chart shows, in one or two sentences, for those who cannot see it. */
export function summarise(chart: {
  readonly lines: readonly Line[]
  readonly instants: readonly number[]
  readonly unit: Unit
  readonly limit: number | null
  readonly bands: readonly Band[]
  readonly gaps: readonly { readonly from: number; readonly to: number }[]
  readonly zone: Zone
}): string {
  const { lines, instants, unit, limit, bands, gaps, zone } = chart
  const at = (seconds: number): string => formatShortClock(seconds * 1000, zone)
  const value = (number: number): string => formatValue(number, unit)
  const known = lines
    .map(line => ({ line, last: lastKnown(line.values) }))
    .filter((entry): entry is { line: Line; last: number } => entry.last !== null)
    .sort((a, b) => b.last - a.last)
  const worst = known[0]
  if (worst === undefined) return 'No data in this range.'

  const first = worst.line.values.find(candidate => candidate !== null) ?? worst.last
  const change = worst.last - first
  const small = Math.abs(change) <= 0.1 * Math.max(Math.abs(first), Math.abs(worst.last))
  const parts = [
    small
      ? `${worst.line.name} stays near ${value(worst.last)}`
      : `${worst.line.name} ${change > 0 ? 'rose' : 'fell'} from ${value(first)} to ${value(worst.last)}`,
  ]
  if (limit !== null) {
    let since = worst.line.values.length
    while (since > 0 && (worst.line.values[since - 1] ?? worst.last) > limit) since--
    const start = instants[since]
    parts.push(
      worst.last > limit && start !== undefined
        ? `over the limit ${value(limit)} since ${at(start)}`
        : `limit ${value(limit)}`,
    )
  }
  const text = [`${parts.join(', ')}.`]
  if (known.length > 1) {
    const rest = known.slice(1, 4).map(entry => `${entry.line.name} ${value(entry.last)}`)
    text.push(`Then ${rest.join(', ')}.`)
  }
  const firing = bands.findLast(band => band.state === 'firing')
  if (firing !== undefined) text.push(`Alert firing from ${at(firing.from)} to ${at(firing.to)}.`)
  const gap = gaps.at(-1)
  if (gap !== undefined) text.push(`No data from ${at(gap.from)} to ${at(gap.to)}.`)
  return text.join(' ')
}

/** At most `most` positions of `count`, evenly spread and always with the last, for the table twin of a chart. */
export function spread(count: number, most: number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, i) => i)
  return Array.from({ length: most }, (_, i) => Math.round((i * (count - 1)) / (most - 1)))
}
