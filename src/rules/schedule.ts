import { SECOND } from '../base/index.ts'
import type { RuleGroup } from './contract.ts'

/** FNV-1a, 32 bits: spreads groups over their interval, the same at every start. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0
  return value
}

/**
 * Where in its interval a group is evaluated (Prometheus `rules/group.go` EvalTimestamp: a hash of file and name), always between
 * two whole seconds: samples are taken on whole seconds, so no evaluation of an interval in seconds falls on one, and 2.x and 3.x
 * servers see the same windows (promql.md section 2.5). Intervals under a second keep what the hash gives.
 */
export function slotOffsetMs(group: Pick<RuleGroup, 'file' | 'name' | 'intervalMs'>): number {
  const spread = hash(`${group.file};${group.name}`)
  if (group.intervalMs < SECOND) return spread % group.intervalMs
  const seconds = Math.floor(group.intervalMs / SECOND)
  return (spread % seconds) * SECOND + SECOND / 4 + (spread % (SECOND / 2))
}

/** The first slot of a group after `nowMs`. Slots that passed meanwhile are skipped, never caught up. */
export function nextEvaluationMs(
  group: Pick<RuleGroup, 'file' | 'name' | 'intervalMs'>,
  nowMs: number,
): number {
  const offset = slotOffsetMs(group)
  return (Math.floor((nowMs - offset) / group.intervalMs) + 1) * group.intervalMs + offset
}

/** How many slots lie between two evaluations that were meant to follow each other. */
export const missedSlots = (group: Pick<RuleGroup, 'intervalMs'>, previousMs: number, atMs: number): number =>
  Math.max(0, Math.round((atMs - previousMs) / group.intervalMs) - 1)
