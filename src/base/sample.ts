import type { Labels } from './labels.ts'

/** One value of one series. Its time is the cycle's, given beside it. */
export interface Sample {
  /** With `__name__`. The same object for the whole life of a series where the producer can arrange it. */
  readonly labels: Labels
  readonly value: number
}
