/** Durations are integer milliseconds everywhere; a name that holds one ends in `Ms`, one in seconds ends in `Seconds`. */
export const MILLISECOND = 1
export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
export const WEEK = 7 * DAY
export const YEAR = 365 * DAY

const UNITS: readonly (readonly [suffix: string, ms: number])[] = [
  ['y', YEAR],
  ['w', WEEK],
  ['d', DAY],
  ['h', HOUR],
  ['m', MINUTE],
  ['s', SECOND],
  ['ms', MILLISECOND],
]

const DURATION = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?$/

/** Reads a Prometheus duration such as `5m`, `1h30m` or `0`; undefined when it is none (prometheus/common `ParseDuration`). */
export function parseDurationMs(text: string): number | undefined {
  if (text === '0') return 0
  const match = DURATION.exec(text)
  if (text === '' || match === null) return undefined
  let total = 0
  UNITS.forEach(([, ms], i) => {
    total += Number(match[i + 1] ?? 0) * ms
  })
  return Number.isSafeInteger(total) ? total : undefined
}

/** Writes whole milliseconds as the shortest Prometheus duration: `90000` is `1m30s`, `0` is `0s` (prometheus/common `Duration.String`). */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s'
  let rest = ms
  let text = ''
  for (const [suffix, unit] of UNITS) {
    // Weeks and years only when they divide exactly, as Prometheus prints them: 8d stays 8d.
    if ((suffix === 'y' || suffix === 'w') && rest % unit !== 0) continue
    const count = Math.floor(rest / unit)
    if (count > 0) {
      text += `${count}${suffix}`
      rest -= count * unit
    }
  }
  return text
}
