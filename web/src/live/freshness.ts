/**
 * How far data can be believed by its age: `fresh`; `late` after more than three collection intervals, shown greyed with its
 * age; `gone` after more than ten, when a number is a dash; `never` before the first collection.
 */
export type Freshness = 'fresh' | 'late' | 'gone' | 'never'

/** Judges an age; null is "nothing was ever collected". */
export function freshness(ageMs: number | null, intervalMs: number): Freshness {
  if (ageMs === null) return 'never'
  if (ageMs > 10 * intervalMs) return 'gone'
  return ageMs > 3 * intervalMs ? 'late' : 'fresh'
}
