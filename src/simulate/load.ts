import type { FleetProfile } from './profile.ts'
import type { Random } from './random.ts'

/** Share of the noise that is kept from one step to the next, and how much is added: a slow wander of about 10 %. */
const NOISE_KEPT = 0.9
const NOISE_ADDED = 0.09

/**
 * Load at a time of day as a factor around 1 (0.65 to 1.35): low before dawn, a hump in the morning, a higher one in the afternoon.
 */
export function dayFactor(nowMs: number, dayMs: number): number {
  const angle = (2 * Math.PI * (nowMs % dayMs)) / dayMs
  return 1 - 0.25 * Math.cos(angle) + 0.1 * Math.cos(2 * angle + 0.6)
}

/** A factor around 1 that wanders; `step` once every few seconds. */
export class LoadNoise {
  #value = 0
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  step(): void {
    this.#value = this.#value * NOISE_KEPT + (this.#random() * 2 - 1) * NOISE_ADDED
  }

  get factor(): number {
    return Math.max(0.5, 1 + this.#value)
  }
}

/** Tasks a second now. */
export const tasksPerSecondAt = (profile: FleetProfile, nowMs: number, noise: LoadNoise): number =>
  profile.tasksPerSecond * dayFactor(nowMs, profile.dayMs) * noise.factor
