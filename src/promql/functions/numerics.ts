/** Neumaier's compensated sum: what is lost to rounding is kept aside (Prometheus `util/kahansum`). */
export class CompensatedSum {
  sum = 0
  lost = 0

  add(value: number): void {
    const total = this.sum + value
    if (total === Infinity || total === -Infinity) this.lost = 0
    else if (Math.abs(this.sum) >= Math.abs(value)) this.lost += this.sum - total + value
    else this.lost += value - total + this.sum
    this.sum = total
  }

  get value(): number {
    return this.sum + this.lost
  }
}

/**
 * An average that sums first, and goes on as a running mean once the sum would overflow, so that the mean of huge values
 * is not infinite (Prometheus `avg`, `avg_over_time`).
 */
export class Mean {
  #count = 0
  #running = false
  readonly #sum = new CompensatedSum()

  add(value: number): void {
    this.#count++
    const sum = this.#sum
    if (this.#count === 1) {
      sum.sum = value
      return
    }
    if (!this.#running) {
      const before = sum.sum
      const lost = sum.lost
      sum.add(value)
      if (Math.abs(sum.sum) !== Infinity) return
      this.#running = true
      sum.sum = before / (this.#count - 1)
      sum.lost = lost / (this.#count - 1)
    }
    const mean = sum.sum
    // An infinite mean stays, unless the value is NaN or the opposite infinity.
    if (Math.abs(mean) === Infinity && !Number.isNaN(value) && value !== -mean) return
    const share = (this.#count - 1) / this.#count
    sum.sum = share * mean
    sum.lost *= share
    sum.add(value / this.#count)
  }

  get value(): number {
    if (this.#running) return this.#sum.value
    return this.#sum.sum / this.#count + this.#sum.lost / this.#count
  }
}

let sorting = new Float64Array(64)

/** Room for `size` numbers to sort; valid until the next call. */
export function sortingRoom(size: number): Float64Array {
  if (sorting.length < size) sorting = new Float64Array(size * 2)
  return sorting.subarray(0, size)
}

/**
 * The φ-quantile of at least one value, interpolated between the two nearest; sorts `values` in place. NaN counts as the
 * smallest value. Below 0 it is −Inf, above 1 +Inf, for NaN or no values NaN (Prometheus `quantile`).
 */
export function quantileOf(phi: number, values: Float64Array): number {
  const count = values.length
  if (count === 0 || Number.isNaN(phi)) return NaN
  if (phi < 0) return -Infinity
  if (phi > 1) return Infinity
  values.sort()
  let numbers = count
  while (numbers > 0 && Number.isNaN(values[numbers - 1]!)) numbers--
  const nans = count - numbers
  const rank = phi * (count - 1)
  const lower = Math.floor(rank)
  const upper = Math.min(count - 1, lower + 1)
  const weight = rank - lower
  const low = lower < nans ? NaN : values[lower - nans]!
  const high = upper < nans ? NaN : values[upper - nans]!
  return low * (1 - weight) + high * weight
}

/** Go's math.Max and math.Min: an infinity wins over NaN. */
export const goMax = (a: number, b: number): number =>
  a === Infinity || b === Infinity ? Infinity : Math.max(a, b)
export const goMin = (a: number, b: number): number =>
  a === -Infinity || b === -Infinity ? -Infinity : Math.min(a, b)

/** Go's math.Pow where JavaScript differs: 1 to any power is 1, and (−1)^±Inf is 1. */
export function goPow(base: number, exponent: number): number {
  if (base === 1) return 1
  if (base === -1 && (exponent === Infinity || exponent === -Infinity)) return 1
  return base ** exponent
}

/** Go's strconv.ParseFloat for what stands in a bucket's `le` label; undefined when it is no number. */
export function parseBound(text: string): number | undefined {
  if (/^[+-]?inf(?:inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  if (/^nan$/i.test(text)) return NaN
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined
}
