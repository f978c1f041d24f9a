/**
 * What a fleet keeps, in bytes, estimated: objects and strings as V8 lays them out on 64 bits, their places in maps included.
 * Measured on Node 20 by filling tables and rounded up, so that the budget is not exceeded in truth when it is kept by these.
 */
export const BYTES = {
  /** One task that was sent and waits, with its uuid of 36 characters. */
  task: 440,
  /** The runs of one that was retried or delivered again: two or three; more are rare. */
  attempts: 720,
  /** One that runs, besides. */
  run: 140,
  /** The id of one that has ended. */
  id: 80,
  /** One name that workers go by, with what its process said of itself. */
  worker: 3000,
  /** With the ids of messages that were seen in it. */
  queue: 8000,
} as const

/** However little the rest leaves: a table that holds no task joins nothing. */
const LEAST_TASK_BYTES = 1024 * 1024

/** What tasks may use of a budget of which the rest of the fleet uses so much. */
export const taskBytesLeft = (maxBytes: number, otherBytes: number): number =>
  Math.max(LEAST_TASK_BYTES, maxBytes - otherBytes)
