import { goMax, goMin } from './numerics.ts'

const DEGREES = 180 / Math.PI

/** Functions of one value each. */
export const ELEMENTWISE = {
  abs: Math.abs,
  acos: Math.acos,
  acosh: Math.acosh,
  asin: Math.asin,
  asinh: Math.asinh,
  atan: Math.atan,
  atanh: Math.atanh,
  ceil: Math.ceil,
  cos: Math.cos,
  cosh: Math.cosh,
  deg: value => value * DEGREES,
  exp: Math.exp,
  floor: Math.floor,
  ln: Math.log,
  log10: Math.log10,
  log2: Math.log2,
  rad: value => value / DEGREES,
  sgn: value => (value < 0 ? -1 : value > 0 ? 1 : value),
  sin: Math.sin,
  sinh: Math.sinh,
  sqrt: Math.sqrt,
  tan: Math.tan,
  tanh: Math.tanh,
} as const satisfies Readonly<Record<string, (value: number) => number>>

/** Functions of one value and scalars of the same step; undefined gives no result. */
export const WITH_SCALARS = {
  clamp: (value, least, most) => (most < least ? undefined : goMax(least, goMin(most, value))),
  clamp_max: (value, most) => goMin(most, value),
  clamp_min: (value, least) => goMax(least, value),
  // Halves go up: the inverse is taken first, so that 0.1 rounds like Prometheus does it.
  round: (value, nearest = 1) => {
    const inverse = 1 / nearest
    return Math.floor(value * inverse + 0.5) / inverse
  },
} as const satisfies Readonly<Record<string, (value: number, ...scalars: number[]) => number | undefined>>

const ofDate =
  (read: (date: Date) => number) =>
  (seconds: number): number =>
    read(new Date(Math.trunc(seconds) * 1000))

const daysInMonth = (date: Date): number =>
  new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()

const dayOfYear = (date: Date): number =>
  (Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()) -
    Date.UTC(date.getUTCFullYear(), 0, 1)) /
    MS_OF_DAY +
  1

const MS_OF_DAY = 86_400_000

/** Functions of a time in seconds since the epoch, in UTC; NaN for what is no time. */
export const DATES = {
  day_of_month: ofDate(date => date.getUTCDate()),
  day_of_week: ofDate(date => date.getUTCDay()),
  day_of_year: ofDate(dayOfYear),
  days_in_month: ofDate(daysInMonth),
  hour: ofDate(date => date.getUTCHours()),
  minute: ofDate(date => date.getUTCMinutes()),
  month: ofDate(date => date.getUTCMonth() + 1),
  year: ofDate(date => date.getUTCFullYear()),
} as const satisfies Readonly<Record<string, (seconds: number) => number>>
