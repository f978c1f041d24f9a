/** Numbers in [0, 1), as Math.random gives them; handed in, so that a simulation can be repeated. */
export type Random = () => number

/** A small seeded generator (mulberry32): the same seed gives the same fleet. Not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Uniform in [low, high). */
export const between = (random: Random, low: number, high: number): number => low + random() * (high - low)

/** A whole number, low and high included. */
export const integerBetween = (random: Random, low: number, high: number): number =>
  Math.floor(between(random, low, high + 1))

/** Time until the next of events that come by chance `perSecond` times a second, in seconds. */
export const exponentialSeconds = (random: Random, perSecond: number): number =>
  -Math.log(1 - random()) / perSecond

/** Log-normal around `median`: run times have a long right tail. */
export function logNormal(random: Random, median: number, sigma: number): number {
  const gauss = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return median * Math.exp(sigma * gauss)
}

/** One of `items`, the heavier the likelier. `items` must not be empty, and some weight must be above 0. */
export function pickWeighted<T>(random: Random, items: readonly T[], weight: (item: T) => number): T {
  const total = items.reduce((sum, item) => sum + weight(item), 0)
  let left = random() * total
  for (const item of items) {
    left -= weight(item)
    if (left < 0) return item
  }
  const last = items.at(-1)
  if (last === undefined) throw new RangeError('nothing to pick from')
  return last
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** A version-4 UUID out of `random`. */
export function uuid(random: Random): string {
  let text = ''
  for (let byte = 0; byte < 16; byte++) {
    let value = Math.floor(random() * 256)
    if (byte === 6) value = 0x40 | (value & 0x0f)
    if (byte === 8) value = 0x80 | (value & 0x3f)
    text += (byte === 4 || byte === 6 || byte === 8 || byte === 10 ? '-' : '') + (HEX[value] ?? '00')
  }
  return text
}
