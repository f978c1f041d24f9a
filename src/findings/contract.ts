import type { Fleet, FleetChange, SourceName } from '../fleet/index.ts'

/**
 * `ok`: what can be seen. `info`: a fact that costs nothing now. `missing`: something cannot be seen or is only partly true, and
 * there is a remedy. `wrong`: tasks are delayed, lost or run twice, or nothing can be seen at all.
 */
export type FindingLevel = 'ok' | 'info' | 'missing' | 'wrong'

/** Every finding there is. Codes are never reused: scripts match on them. */
export const FINDING_CODES = [
  'connected',
  'queues-visible',
  'workers-visible',
  'events-visible',
  'broker-unreachable',
  'no-workers',
  'workers-silent',
  'wrong-namespace',
  'no-events',
  'task-events-off',
  'task-events-unproven',
  'sent-events-off',
  'heartbeats-off',
  'events-serializer',
  'events-skipped',
  'events-dropped',
  'events-cut-off',
  'events-overflow',
  'events-gap',
  'events-lost',
  'threads-pool-loses-events',
  'remote-control-off',
  'remote-control-refused',
  'replies-serializer',
  'worker-not-consuming',
  'duplicate-node-names',
  'clock-timezone',
  'clock-drift',
  'events-late',
  'prefetch-hoarding',
  'no-queue',
  'queue-without-consumer',
  'queues-unreadable',
  'discovery-refused',
  'server-unreadable',
  'management-missing',
  'eviction-policy',
  'evictions',
  'memory-near-limit',
  'connections-near-limit',
  'broker-alarm',
  'redelivery-near',
  'redelivery-overdue',
  'redelivered',
  'control-garbage',
] as const

export type FindingCode = (typeof FINDING_CODES)[number]

/** One thing found out about one broker's fleet. Texts are whole sentences, hold no secret and no task arguments. */
export interface Finding {
  readonly code: FindingCode
  readonly level: FindingLevel
  readonly broker: string
  /** The source that is poorer for it; null when it is about the fleet itself. */
  readonly source: SourceName | null
  /** What is so, with its number, on one line. */
  readonly title: string
  /** What it costs; null where nothing is lost. */
  readonly cost: string | null
  /** The exact setting or command that brings it; null when there is nothing to do. */
  readonly fix: string | null
  /** What was seen that proves it; null when the title says it. */
  readonly evidence: string | null
}

/** How one node stood to remote control, as far as it was asked. */
export interface NodeAnswers {
  /** When it was first asked since it was known, and last. */
  readonly firstAskedMs: number
  readonly lastAskedMs: number
  readonly answeredMs: number | null
  /** Questions in a row without an answer. */
  readonly missed: number
  /** The content type of an answer that is not JSON. */
  readonly serializer: string | null
  /** An error it answered with, and to which method. */
  readonly error: { readonly method: string; readonly text: string } | null
}

/** What a reading of the broker came to: undefined before the first, null when it worked, else why not. */
export type ReadingOutcome = ReadingError | null | undefined

/** Texts of a CeleriacError. */
export interface ReadingError {
  readonly message: string
  readonly hint: string | undefined
}

export type ReadingKind = 'queues' | 'discovery' | 'server' | 'control'

/** A time in which events could not be heard; structurally the broker's EventGap. */
export interface Gap {
  readonly reason: 'connection_lost' | 'cut_off' | 'overflow'
  readonly fromMs: number
  readonly toMs: number
}

/** Structurally the broker's ControlKeysReading. */
export interface ControlKeys {
  readonly kind: 'event' | 'control' | 'reply'
  readonly orphan: boolean
  readonly keys: number
  readonly bytes: number | null
}

/** The parts of a fleet that findings look at. */
export type FleetState = Pick<
  Fleet,
  'broker' | 'workers' | 'queues' | 'totals' | 'server' | 'sources' | 'running' | 'redeliveries'
>

/** How the connection stands, and what of the configuration findings name. */
export interface Connection {
  readonly transport: string
  /** Redacted. */
  readonly address: string
  readonly state: 'connecting' | 'connected' | 'stopped'
  readonly serverVersion: string | null
  /** Why it is not connected. */
  readonly error: ReadingError | null
  /** RabbitMQ's management API is configured. */
  readonly managementUrl: boolean
  /** Workers are asked to send task events. */
  readonly enableEvents: boolean
}

/** A batch of decoded messages, as far as findings care. */
export interface HeardBatch {
  readonly events: number
  readonly problems: readonly { readonly reason: string }[]
  readonly changes: readonly FleetChange[]
}
