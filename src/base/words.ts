import { DAY, HOUR, MINUTE, SECOND } from './duration.ts'

/** Narrow, and no line breaks at it; the web UI writes the same. */
const THIN_SPACE = '\u202f'

const STEPS: readonly (readonly [suffix: string, ms: number])[] = [
  ['d', DAY],
  ['h', HOUR],
  ['m', MINUTE],
  ['s', SECOND],
]

/** A duration as people read it, in at most two units: `14 m 32 s`, `2 d 3 h`, `0.4 s`, `0 s`. Negative counts as 0. */
export function wordDuration(ms: number): string {
  if (!Number.isFinite(ms)) return '-'
  if (ms < SECOND) return ms <= 0 ? '0 s' : `${Number((ms / SECOND).toPrecision(1))} s`
  let rest = ms < 10 * SECOND ? ms : Math.round(ms / SECOND) * SECOND
  if (rest < 10 * SECOND) return `${Number((rest / SECOND).toFixed(1))} s`
  const first = STEPS.findIndex(([, unit]) => rest >= unit)
  const words: string[] = []
  for (const [suffix, unit] of STEPS.slice(first, first + 2)) {
    const count = Math.floor(rest / unit)
    rest -= count * unit
    if (count > 0) words.push(`${count} ${suffix}`)
  }
  return words.join(' ')
}

/** A number as people read it: whole ones in full with thin spaces for thousands, others with three significant digits. */
export function wordNumber(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
  const shown = Number.isInteger(value) || Math.abs(value) >= 1000 ? Math.round(value) : value
  if (!Number.isInteger(shown)) return String(Number(shown.toPrecision(3)))
  if (Math.abs(shown) >= 1e15) return String(shown)
  return String(shown).replace(/\B(?=(\d{3})+$)/g, THIN_SPACE)
}
