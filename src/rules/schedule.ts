import { SECOND } from '../base/index.ts'
import type { RuleGroup } from './contract.ts'

/** Samples are taken on this grid; no evaluation falls on it, so that 2.x and 3.x servers see the same windows (promql.md section 2.5). */
const SAMPLE_GRID_MS = 5 * SECOND
/** How far from a grid point an evaluation keeps. */
const MARGIN_MS = 250

/** FNV-1a, 32 bits: spreads groups over their interval, the same at every start. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0
  return value
}

/**
 * Where in its interval a group is evaluated (Prometheus `rules/group.go` EvalTimestamp: a hash of file and name), moved off the
 * sampling grid and its close neighbourhood. Intervals shorter than two margins keep what the hash gives.
 */
export function slotOffsetMs(group: Pick<RuleGroup, 'file' | 'name' | 'intervalMs'>): number {
  const offset = hash(`${group.file};${group.name}`) % group.intervalMs
  const phase = offset % SAMPLE_GRID_MS
  const moved =
    phase < MARGIN_MS
      ? offset + (MARGIN_MS - phase)
      : phase > SAMPLE_GRID_MS - MARGIN_MS
        ? offset - MARGIN_MS
        : offset
  return moved < group.intervalMs ? moved : offset
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
