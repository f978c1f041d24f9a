import type { Findings, Overview } from '../contract/index.ts'
import type { PromRuleGroup } from '../views/index.ts'
import type { Annotated, InstantResult, MatrixSeries } from '../promql/index.ts'

/** A body and whether it is good news: http answers 503 when it is not. */
export interface Health {
  readonly ok: boolean
  readonly body: Readonly<Record<string, unknown>>
  /** What holds host names: added to the body for who asks from this machine (guide-flaw 75). */
  readonly hosts?: Readonly<Record<string, unknown>>
}

export type ExpositionFormat = 'text' | 'openmetrics'

/**
 * What the routes render. Declared here, joined by the composition root. Every answer comes from memory: no request ever causes
 * traffic to the broker or to workers.
 */
export interface HttpPorts {
  /** The exposition of all metrics in chunks of bounded size. */
  readonly expose: (format: ExpositionFormat) => Iterable<string>
  /** Does what somebody waits for ahead of the program's own long work. */
  readonly goAhead: <T>(work: () => Promise<T>) => Promise<T>
  /** The page of an exporter that Celeriac can stand in for; undefined while there is nothing true to tell, as when the broker is lost. */
  readonly celeryExporter: {
    readonly expose: (format: ExpositionFormat) => Iterable<string> | undefined
    /** Whether the connection to every broker stands, in one line. */
    readonly health: () => { readonly ok: boolean; readonly text: string }
  }
  /** Whose metrics `/metrics` and whose health `/health` serve; undefined: our own. */
  readonly compat: 'celery-exporter' | undefined
  readonly negotiate: (accept: string | undefined) => {
    readonly format: ExpositionFormat
    readonly contentType: string
  }
  readonly overview: () => Promise<Overview>
  readonly findings: () => Findings
  /** Calls back after every collection cycle; returns how to stop. */
  readonly onCycle: (listener: () => void) => () => void
  readonly queryInstant: (
    expr: string,
    atMs: number,
    options: QuerySettings,
  ) => Promise<Annotated<InstantResult>>
  readonly queryRange: (
    expr: string,
    range: QueryRange,
    options: QuerySettings,
  ) => Promise<Annotated<readonly MatrixSeries[]>>
  /** `data` of `/api/v1/rules` and `/api/v1/alerts`. */
  readonly rules: () => { readonly groups: readonly PromRuleGroup[] }
  readonly alerts: () => unknown
  readonly health: {
    readonly celery: () => Health
    readonly broker: () => Health
    readonly queue: () => Health
    /** Alive at all: true while the collection loop turns. */
    readonly live: () => Health
    /** Useful: connected and collecting. */
    readonly ready: () => Health
  }
  readonly nowMs: () => number
  readonly buildInfo: Readonly<Record<string, string>>
}

export interface QuerySettings {
  readonly timeoutMs?: number
  readonly lookbackMs?: number
}

export interface QueryRange {
  readonly startMs: number
  readonly endMs: number
  readonly stepMs: number
}
