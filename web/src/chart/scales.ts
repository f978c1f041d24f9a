import type { Unit } from '../format.ts'

/** Steps of a range query in seconds; each divides the day, so that grids of different ranges share instants. */
const STEPS = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400] as const

/** About this many instants are asked for: more than a chart half a screen wide can show apart is waste. */
const INSTANTS = 240

/** The step for a range, never finer than the data is collected. */
export function stepFor(widthMs: number, collectIntervalMs: number): number {
  const wanted = Math.max(widthMs / 1000 / INSTANTS, collectIntervalMs / 1000)
  return STEPS.find(step => step >= wanted) ?? 86_400
}

/** The range in epoch seconds with both ends on multiples of the step, so that equal questions have equal answers. */
export function alignRange(
  fromMs: number,
  toMs: number,
  step: number,
): { readonly from: number; readonly to: number } {
  return { from: Math.floor(fromMs / 1000 / step) * step, to: Math.floor(toMs / 1000 / step) * step }
}

/** Distances between ticks that read well in a unit. */
export function increments(unit: Unit): number[] {
  const decimal: number[] = []
  for (let power = -6; power <= 12; power++)
    for (const digit of [1, 2, 2.5, 5]) {
      // A count has no halves.
      if (unit === 'count' && (power < 0 || (power === 0 && digit === 2.5))) continue
      decimal.push(Number((digit * 10 ** power).toPrecision(6)))
    }
  if (unit === 'seconds') {
    const long = [
      60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 432_000, 864_000,
    ]
    return [...decimal.filter(value => value <= 5), 10, 15, 30, ...long]
  }
  if (unit === 'bytes') return Array.from({ length: 50 }, (_, i) => 2 ** i)
  return decimal
}

/**
 * The range of the value axis: from 0 (or the least value below it) to a little above the largest value and the limit. The limit
 * is always inside, however far it is from the data; without anything to show, 0 to 1.
 */
export function valueRange(
  least: number | null,
  most: number | null,
  limit: number | null,
): [low: number, high: number] {
  const low = Math.min(0, least ?? 0, limit ?? 0)
  const high = Math.max(most ?? 0, limit ?? 0)
  const span = high - low
  if (span <= 0) return [low, low + 1]
  return [low < 0 ? low - 0.05 * span : low, high + 0.1 * span]
}
