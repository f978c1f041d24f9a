import type { LogEntry, SkipReason } from './contract.ts'

/** What a flush finds in a group: fingerprints of its members, by state. */
export interface GroupState {
  readonly firing: readonly string[]
  readonly resolved: readonly string[]
}

export type Verdict =
  | {
      readonly tell: true
      readonly reason: 'first firing' | 'new alert' | 'resolved' | 'repeat'
      /** Resolved members that belong into the notification. */
      readonly resolved: readonly string[]
    }
  | { readonly tell: false; readonly reason: SkipReason }

/**
 * Decides whether a channel must be told of a group, given what it was told last. `entry` undefined: never told.
 *
 * As Alertmanager's DedupStage (notify/notify.go), but one thing is stricter: a resolved alert is told only to who heard that it
 * fired, and only once. Alertmanager would add to the next notification of a group an alert that came and went between two
 * flushes, and repeat a resolved one while another receiver of the group fails.
 */
export function needsNotification(
  entry: LogEntry | undefined,
  state: GroupState,
  options: { readonly sendResolved: boolean; readonly repeatIntervalMs: number; readonly atMs: number },
): Verdict {
  const told = new Set(entry?.firing)
  const resolved = state.resolved.filter(fingerprint => told.has(fingerprint))
  if (state.firing.some(fingerprint => !told.has(fingerprint)))
    return {
      tell: true,
      reason: told.size === 0 ? 'first firing' : 'new alert',
      resolved: options.sendResolved ? resolved : [],
    }
  if (resolved.length > 0)
    return options.sendResolved
      ? { tell: true, reason: 'resolved', resolved }
      : { tell: false, reason: 'resolved not wanted' }
  if (state.firing.length === 0) return { tell: false, reason: 'resolved before told' }
  if (entry !== undefined && options.atMs - entry.atMs >= options.repeatIntervalMs)
    return { tell: true, reason: 'repeat', resolved: [] }
  return { tell: false, reason: 'unchanged' }
}
