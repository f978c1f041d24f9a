/**
 * Floating-point numbers as Go prints them (Go `strconv.FormatFloat`). Precision counts digits exactly and rounds half to even on the
 * exact binary value, where JavaScript's own functions round half up.
 */

/** Decimal digits without leading or trailing zeros: the value is 0.DIGITS × 10^point. */
interface Decimal {
  readonly digits: string
  readonly point: number
}

const SHORTEST_LIMIT = 6
const ZERO: Decimal = { digits: '', point: 0 }

/** The digits of a finite, non-negative number, all of them. */
function exact(value: number): Decimal {
  if (value === 0) return ZERO
  const bits = new DataView(new ArrayBuffer(8))
  bits.setFloat64(0, value)
  const raw = bits.getBigUint64(0)
  const biased = Number((raw >> 52n) & 0x7ffn)
  const fraction = raw & 0xfffffffffffffn
  const mantissa = biased === 0 ? fraction : fraction | 0x10000000000000n
  const exponent = (biased === 0 ? 1 : biased) - 1075
  if (exponent >= 0) return trimmed((mantissa << BigInt(exponent)).toString(), 0)
  return trimmed((mantissa * 5n ** BigInt(-exponent)).toString(), exponent)
}

/** Digits of an integer times 10^scale. */
function trimmed(digits: string, scale: number): Decimal {
  return { digits: digits.replace(/0+$/, ''), point: digits.length + scale }
}

/** The fewest digits that read back as the same number. */
function shortest(value: number): Decimal {
  if (value === 0) return ZERO
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e')
  return { digits: mantissa.replace('.', ''), point: Number(exponent) + 1 }
}

/** Keeps the first `count` digits, rounding half to even. */
function round(decimal: Decimal, count: number): Decimal {
  const { digits, point } = decimal
  if (count >= digits.length) return decimal
  if (count < 0) return ZERO
  const next = digits[count] ?? '0'
  const isHalf = next === '5' && digits.length === count + 1
  const isOdd = count > 0 && Number(digits[count - 1]) % 2 === 1
  const up = isHalf ? isOdd : next >= '5'
  const kept = digits.slice(0, count)
  if (!up) return kept.replace(/0+$/, '') === '' ? ZERO : { digits: kept.replace(/0+$/, ''), point }
  const raised = (BigInt(kept === '' ? '0' : kept) + 1n).toString().padStart(count, '0')
  return { digits: raised.replace(/0+$/, ''), point: point + Math.max(0, raised.length - count) }
}

function special(value: number): string | undefined {
  if (Number.isNaN(value)) return 'NaN'
  if (value === Infinity) return '+Inf'
  return value === -Infinity ? '-Inf' : undefined
}

const sign = (value: number): string => (value < 0 || Object.is(value, -0) ? '-' : '')

function asFixed({ digits, point }: Decimal, precision: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0'
  if (precision === 0) return whole
  const fraction = point > 0 ? digits.slice(point) : '0'.repeat(Math.min(-point, precision)) + digits
  return `${whole}.${fraction.padEnd(precision, '0').slice(0, precision)}`
}

function asExponent({ digits, point }: Decimal, precision: number): string {
  const exponent = digits === '' ? 0 : point - 1
  const tail = digits.slice(1).padEnd(precision, '0').slice(0, precision)
  const power = String(Math.abs(exponent)).padStart(2, '0')
  return `${digits[0] ?? '0'}${tail === '' ? '' : `.${tail}`}e${exponent < 0 ? '-' : '+'}${power}`
}

/** `%.Nf`. */
export function formatFixed(value: number, precision: number): string {
  const found = special(value)
  if (found !== undefined) return found
  const decimal = exact(Math.abs(value))
  return sign(value) + asFixed(round(decimal, decimal.point + precision), precision)
}

/** `%.Ne`. */
export function formatExponent(value: number, precision: number): string {
  return special(value) ?? sign(value) + asExponent(round(exact(Math.abs(value)), precision + 1), precision)
}

/** `%g` and, with a precision, `%.Ng`. */
export function formatGeneral(value: number, precision?: number): string {
  const found = special(value)
  if (found !== undefined) return found
  const significant = precision === 0 ? 1 : precision
  const decimal =
    significant === undefined ? shortest(Math.abs(value)) : round(exact(Math.abs(value)), significant)
  const exponent = decimal.digits === '' ? 0 : decimal.point - 1
  // The shortest form takes the exponent from a million on (Go `strconv/ftoa.go`).
  const limit = significant ?? SHORTEST_LIMIT
  if (exponent < -4 || exponent >= limit) return sign(value) + asExponent(decimal, decimal.digits.length - 1)
  return sign(value) + asFixed(decimal, Math.max(0, decimal.digits.length - decimal.point))
}

/** As `%v` prints a float64. */
export const formatNumber = (value: number): string => formatGeneral(value)
