import type { QueueReading } from './broker.ts'

/** A reading of which only the depth is known. */
export const depthReading = (queue: string, depth: number): QueueReading => ({
  queue,
  depth,
  heads: null,
  newest: null,
  deliveredTotal: null,
  unacked: null,
  consumers: null,
})
