/** One series of a Prometheus range answer. */
export interface RangeSeries {
  readonly metric: Readonly<Record<string, string>>
  readonly values: readonly (readonly [seconds: number, value: string])[]
}

/** The instants of a range query in epoch seconds: `from` to `to`, both included, `step` apart. */
export function grid(fromSeconds: number, toSeconds: number, stepSeconds: number): number[] {
  const count = Math.max(0, Math.floor((toSeconds - fromSeconds) / stepSeconds + 1e-9)) + 1
  return Array.from({ length: count }, (_, i) => fromSeconds + i * stepSeconds)
}

/** The values of a series on a grid. An instant without a sample is null, as is NaN: a gap stays a gap. */
export function onGrid(series: RangeSeries, instants: readonly number[]): (number | null)[] {
  const first = instants[0] ?? 0
  const step = instants.length > 1 ? (instants[1] ?? 0) - first : 1
  const column = new Array<number | null>(instants.length).fill(null)
  for (const [seconds, text] of series.values) {
    const i = Math.round((seconds - first) / step)
    const value = Number(text)
    if (i >= 0 && i < column.length && Number.isFinite(value)) column[i] = value
  }
  return column
}

/** The name of a series: the template with `{{label}}` filled in; without a template, its labels. */
export function legendOf(template: string, metric: Readonly<Record<string, string>>): string {
  if (template !== '')
    return template.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => metric[label] ?? '')
  const labels = Object.entries(metric).filter(([name]) => name !== '__name__')
  return labels.map(([name, value]) => `${name}=${value}`).join(', ') || metric.__name__ || 'value'
}

/** A line of a chart, on the chart's grid. */
export interface Line {
  readonly name: string
  readonly values: readonly (number | null)[]
}

/** The newest value that is known, or null. */
export const lastKnown = (values: readonly (number | null)[]): number | null =>
  values.findLast(value => value !== null) ?? null

/** The largest value, or null when none is known. */
export function largest(values: readonly (number | null)[]): number | null {
  let most: number | null = null
  for (const value of values) if (value !== null && (most === null || value > most)) most = value
  return most
}

/**
 * Where nothing at all is known after something was: stretches of two instants and more in which no line has a value, and from
 * the newest value to `end`. One missing instant is an edge of the grid, not a gap.
 */
export function gapsOf(
  lines: readonly Line[],
  instants: readonly number[],
  end: number,
): readonly { readonly from: number; readonly to: number }[] {
  const gaps: { from: number; to: number }[] = []
  const step = (instants[1] ?? 0) - (instants[0] ?? 0)
  let known: number | undefined
  instants.forEach((at, i) => {
    if (!lines.some(line => line.values[i] != null)) return
    if (known !== undefined && at - known > 2.5 * step) gaps.push({ from: known, to: at })
    known = at
  })
  if (known !== undefined && end - known > 2.5 * step) gaps.push({ from: known, to: end })
  return gaps
}

/** The value that stands for now, or null: an older one would say that it is still so. */
export const newest = (values: readonly (number | null)[]): number | null => values.at(-1) ?? null

/** At most this many lines have a colour of their own: with more, some pair looks the same to somebody. */
export const MAX_LINES = 4

/** The lines that get a colour, in the order given, and the rest as one envelope. */
export interface Chosen {
  readonly lines: readonly Line[]
  /** Of the rest: how many, their largest value at each instant, and the largest of all. */
  readonly others: {
    readonly count: number
    readonly values: readonly (number | null)[]
    readonly most: number | null
  } | null
}

/** Keeps the worst four (by newest value, then by largest) and folds the others into an envelope. */
export function chooseWorst(lines: readonly Line[]): Chosen {
  if (lines.length <= MAX_LINES) return { lines, others: null }
  const weight = (value: number | null): number => value ?? Number.NEGATIVE_INFINITY
  const ranked = [...lines].sort(
    (a, b) =>
      weight(lastKnown(b.values)) - weight(lastKnown(a.values)) ||
      weight(largest(b.values)) - weight(largest(a.values)) ||
      (a.name < b.name ? -1 : 1),
  )
  const rest = ranked.slice(MAX_LINES)
  const values = (lines[0]?.values ?? []).map((_, i) => largest(rest.map(line => line.values[i] ?? null)))
  return { lines: ranked.slice(0, MAX_LINES), others: { count: rest.length, values, most: largest(values) } }
}

/**
 * Which of the four colours each name gets. A name keeps the colour it had; a new one gets the first that is free, so that of
 * names never seen before the first has the strongest.
 */
export function assignSlots(
  names: readonly string[],
  previous: { readonly get: (name: string) => number | undefined } = new Map(),
): Map<string, number> {
  const slots = new Map<string, number>()
  const taken = new Set<number>()
  for (const name of names) {
    const slot = previous.get(name)
    if (slot === undefined || taken.has(slot)) continue
    slots.set(name, slot)
    taken.add(slot)
  }
  for (const name of names) {
    if (slots.has(name)) continue
    let slot = 0
    while (taken.has(slot) && slot < MAX_LINES - 1) slot++
    slots.set(name, slot)
    taken.add(slot)
  }
  return slots
}
