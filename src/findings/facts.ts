import { SECOND, wordNumber } from '../base/index.ts'
import type { SourceName, WorkerView } from '../fleet/index.ts'
import type { Connection, Finding, FindingCode, FindingLevel, FleetState } from './contract.ts'
import { type Observations, RECENT_MS } from './observations.ts'

/** Everything that findings of one broker follow from. */
export interface Facts {
  readonly nowMs: number
  readonly connection: Connection
  readonly fleet: FleetState
  readonly seen: Observations
  /** How often workers are asked. */
  readonly inspectIntervalMs: number
}

/** What a rule looks at: the facts, and what several rules ask of them. */
export interface Scene extends Facts {
  /** Up or suspect. */
  readonly present: readonly WorkerView[]
  /** How long the broker has been connected; 0 while it is not. */
  readonly connectedMs: number
  /** Whether something counted since the start happened lately. */
  readonly recent: (counted: { readonly count: number; readonly atMs: number }) => boolean
}

/** A finding without what all findings of a broker share. */
export interface Found {
  readonly code: FindingCode
  readonly level: FindingLevel
  readonly source?: SourceName
  readonly title: string
  readonly cost?: string
  readonly fix?: string
  readonly evidence?: string
}

/** Looks at a scene and tells what it finds, worst first. */
export type Rule = (scene: Scene) => readonly Found[]

/** By then everyone who is there was heard: workers beat every 2 s by default, and a round of questions waits one for answers. */
export const FIRST_SIGNS_MS = 3 * SECOND

/** By then silence of those who are there means something. */
export const PATIENCE_MS = 8 * SECOND

export function sceneOf(facts: Facts): Scene {
  const { nowMs, fleet, seen } = facts
  return {
    ...facts,
    present: fleet.workers(nowMs).filter(({ state }) => state === 'up' || state === 'suspect'),
    connectedMs: Number.isNaN(seen.connectedAtMs) ? 0 : nowMs - seen.connectedAtMs,
    recent: ({ count, atMs }) => count > 0 && nowMs - atMs <= RECENT_MS,
  }
}

export const finish = (found: Found, broker: string): Finding => ({
  code: found.code,
  level: found.level,
  broker,
  source: found.source ?? null,
  title: found.title,
  cost: found.cost ?? null,
  fix: found.fix ?? null,
  evidence: found.evidence ?? null,
})

const NAMES_SHOWN = 5

/** `a, b, c and 4 more`. */
export function listed(names: readonly string[], most = NAMES_SHOWN): string {
  if (names.length <= most) return names.join(', ')
  return `${names.slice(0, most).join(', ')} and ${wordNumber(names.length - most)} more`
}

/** `1 worker`, `3 workers`. */
export const counted = (count: number, noun: string): string =>
  `${wordNumber(count)} ${noun}${count === 1 ? '' : 's'}`

/** `No worker sends`, `The only worker sends no`, `3 of 16 workers …`: who of all of them. */
export function share(part: number, all: number): string {
  if (all === 1) return 'The only worker'
  return part === all ? `All ${wordNumber(all)} workers` : `${wordNumber(part)} of ${wordNumber(all)} workers`
}
