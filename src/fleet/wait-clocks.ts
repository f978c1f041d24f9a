import type { ClockSkew } from './skew.ts'

/**
 * By whose clock a wait is told. It is the start on the worker's clock minus the publication on the client's, exact to the
 * millisecond while both are right. A worker whose clock is known to be wrong makes every wait wrong by as much, so then both ends
 * are taken from our own clock instead, as the times at which the two events arrived: that is wrong only by what their deliveries
 * differ, and needs no knowledge of the client's clock. Correcting the worker's time by its skew would not do: when it is our clock
 * that is wrong, every worker seems to be off, and only the difference of two arrivals stays right.
 *
 * A client sends no heartbeats. It is proven wrong when an event bears a time after its arrival; that it is behind cannot be told
 * from a late delivery, and is not corrected.
 */

/** A clock off by more than this is not used for waits. What deliveries differ is less. */
const TOLERANCE_MS = 250

/** Before its skew is known, a worker's clock is judged by the event itself, whose delivery may take its time. */
const FIRST_TOLERANCE_MS = 2000

/** A `task-sent` that arrives after the start of its task is late, but not by more than this. */
const CLIENT_DELAY_MS = 30_000

/** Whether a worker's times may be compared with a client's; `delayMs`: arrival of its event minus the time the event bears. */
export function isTrusted(clock: ClockSkew | undefined, delayMs: number): boolean {
  const skewMs = clock?.medianMs ?? Number.NaN
  if (Number.isNaN(skewMs)) return Math.abs(delayMs) <= FIRST_TOLERANCE_MS
  // Late events bear the right time.
  return Math.abs(skewMs) <= TOLERANCE_MS || clock?.fault === 'delayed'
}

/** Whether a time that an event bears lies after its arrival on our clock. */
const isAhead = (stampMs: number, arrivedMs: number): boolean => stampMs - arrivedMs > TOLERANCE_MS

/**
 * Seconds waited until a start that arrives at `atMs`, and lay at `theirMs` by the worker's clock (NaN: not to be trusted), of a run
 * that was ready at `readyMs` by its sender's clock and at `sinceMs` by ours.
 */
export function waitUntil(readyMs: number, sinceMs: number, theirMs: number, atMs: number): number {
  const byTheirClocks = theirMs === theirMs && !isAhead(readyMs, sinceMs)
  return Math.max(0, byTheirClocks ? theirMs - readyMs : atMs - sinceMs) / 1000
}

/** Seconds waited until a start that was heard before its `task-sent`, which bears the time `sentMs` and arrives at `atMs`. */
export function waitBefore(startedMs: number, readyMs: number, sentMs: number, atMs: number): number {
  const clientIsOff = isAhead(sentMs, atMs) || atMs - sentMs > CLIENT_DELAY_MS
  return Math.max(0, startedMs - (clientIsOff ? Math.max(readyMs, atMs) : readyMs)) / 1000
}
