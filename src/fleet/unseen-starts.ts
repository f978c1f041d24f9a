/** How many rounds of questions ago something must have been, so that a whole round was asked and answered since. */
const ROUNDS = 2

/**
 * Rounds of questions, counted, by which it is found that a task does not wait any more although nobody saw it start. Answers to
 * `reserved` and `scheduled` list what a worker holds; between the two questions a task may pass from one list to the other, so it
 * must be missing in two rounds.
 */
export class InspectionRounds {
  #round = ROUNDS

  /** The number of the round that is being asked. */
  get now(): number {
    return this.#round
  }

  /** A round has ended. */
  next(): void {
    this.#round++
  }

  /** Whether something that was so in a round was so long enough ago. */
  isPast(round: number): boolean {
    return round <= this.#round - ROUNDS
  }
}
