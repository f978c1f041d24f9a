import type { ConfiguredAlert } from '../catalog/index.ts'
import type { FindingRow, Overview } from '../contract/index.ts'
import type { Fleet } from '../fleet/index.ts'
import type { MatrixSeries } from '../promql/index.ts'
import type { GroupStatus, QueryPort } from '../rules/index.ts'

/** A connection as the views need it; structurally the broker room's Broker. */
export interface BrokerStatus {
  readonly name: string
  readonly transport: string
  /** Redacted. */
  readonly address: string
  readonly state: {
    readonly state: 'connecting' | 'connected' | 'stopped'
    readonly sinceMs: number
    readonly error?: { readonly code: string; readonly message: string } | undefined
  }
}

/** Evaluates an expression at `startMs`, `startMs + stepMs`, … up to `endMs`. Throws (or rejects) on failure. */
export type RangePort = (
  expr: string,
  startMs: number,
  endMs: number,
  stepMs: number,
) => readonly MatrixSeries[] | Promise<readonly MatrixSeries[]>

/** Everything the Overview is made of. */
export interface OverviewInput {
  readonly version: string
  readonly simulated: boolean
  readonly startedAtMs: number
  readonly nowMs: number
  readonly collectedAtMs: number | null
  readonly collectIntervalMs: number
  readonly brokers: readonly BrokerStatus[]
  readonly fleets: readonly Fleet[]
  /** How CPU and memory of a broker's workers are known; left out, they are not measured. */
  readonly hostSource?: (broker: string) => {
    readonly state: 'ok' | 'blind' | 'waiting'
    readonly lastSuccessMs: number | null
    readonly detail: string | null
  }
  readonly rules: readonly GroupStatus[]
  /** The catalog's alerts with config laid over them: limits come from here. */
  readonly alerts: readonly ConfiguredAlert[]
  readonly query: QueryPort
  readonly queryRange: RangePort
  /** Newest first. */
  readonly changes: Overview['changes']
  readonly findings: readonly FindingRow[]
}

/** Rows shown of any list; totals stand beside. */
export const MAX_ROWS = 100

/** Over this many collection intervals numbers are stale; over ten they are no longer told (ui.md 3.3). */
const STALE_INTERVALS = 3
const GONE_INTERVALS = 10

export type Age = 'fresh' | 'stale' | 'gone'

/** How old the numbers are, by the last collection cycle. */
export function ageOf(input: Pick<OverviewInput, 'nowMs' | 'collectedAtMs' | 'collectIntervalMs'>): Age {
  if (input.collectedAtMs === null) return 'gone'
  const intervals = (input.nowMs - input.collectedAtMs) / input.collectIntervalMs
  return intervals > GONE_INTERVALS ? 'gone' : intervals > STALE_INTERVALS ? 'stale' : 'fresh'
}
