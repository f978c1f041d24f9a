/**
 * Celery's events, as they stand on the wire (field names are Celery's own; celery-wire.md sections 5 and 6; Celery
 * `events/dispatcher.py`, `worker/request.py`). The decoder guarantees the types given here; anything it cannot guarantee it
 * reports as a problem instead. Fields nobody uses stay out of the types, and the decoder does not copy.
 */
interface EventBase {
  /** Node name `name@host`; for `task-sent` the client's `gen<pid>@host`. */
  readonly hostname: string
  /** Epoch seconds on the sender's clock. `utcoffset` is to be ignored. */
  readonly timestamp: number
  /** Lamport clock, or null when sent blind. */
  readonly clock: number | null
  readonly pid?: number
}

/** `active`, `processed` and `loadavg` are missing in a heartbeat that somebody asked for by remote control: "not said", never 0. */
export interface WorkerEvent extends EventBase {
  readonly type: 'worker-online' | 'worker-heartbeat' | 'worker-offline'
  /** Seconds between heartbeats; meaningless (always 5) in a heartbeat that was asked for. */
  readonly freq: number
  readonly active?: number
  readonly processed?: number
  readonly sw_ident?: string
  readonly sw_ver?: string
  readonly sw_sys?: string
}

export interface TaskSentEvent extends EventBase {
  readonly type: 'task-sent'
  readonly uuid: string
  readonly name: string
  readonly queue: string | null
  readonly routing_key?: string
  readonly retries: number
  /** ISO 8601, or null. */
  readonly eta: string | null
  readonly root_id?: string | null
  readonly parent_id?: string | null
}

export interface TaskReceivedEvent extends EventBase {
  readonly type: 'task-received'
  readonly uuid: string
  readonly name: string
  readonly retries: number
  readonly eta: string | null
  readonly root_id?: string | null
  readonly parent_id?: string | null
}

export interface TaskStartedEvent extends EventBase {
  readonly type: 'task-started'
  readonly uuid: string
}

export interface TaskSucceededEvent extends EventBase {
  readonly type: 'task-succeeded'
  readonly uuid: string
  /** Seconds; null when the sender gave none. */
  readonly runtime: number | null
}

export interface TaskFailedEvent extends EventBase {
  readonly type: 'task-failed'
  readonly uuid: string
  /** Python repr such as `ValueError('boom')`; '' when the sender gave none. Holds user data: only its class may leave. */
  readonly exception: string
  readonly traceback?: string
}

export interface TaskRetriedEvent extends EventBase {
  readonly type: 'task-retried'
  readonly uuid: string
  readonly exception: string
  readonly traceback?: string
}

export interface TaskRejectedEvent extends EventBase {
  readonly type: 'task-rejected'
  readonly uuid: string
  readonly requeue: boolean
}

export interface TaskRevokedEvent extends EventBase {
  readonly type: 'task-revoked'
  readonly uuid: string
  readonly terminated: boolean
  readonly expired: boolean
}

export interface TaskCancelledEvent extends EventBase {
  readonly type: 'task-cancelled'
  readonly uuid: string
}

export type TaskEvent =
  | TaskSentEvent
  | TaskReceivedEvent
  | TaskStartedEvent
  | TaskSucceededEvent
  | TaskFailedEvent
  | TaskRetriedEvent
  | TaskRejectedEvent
  | TaskRevokedEvent
  | TaskCancelledEvent

export type CeleryEvent = WorkerEvent | TaskEvent

/** Why a message, or one event of a batch, was skipped. Each is a label value of `celeriac_events_skipped_total`. */
export type EventProblemReason =
  | 'too_large'
  | 'not_json'
  | 'not_an_envelope'
  | 'bad_body'
  | 'unsupported_content_type'
  | 'not_an_event'
  | 'missing_field'
  | 'bad_field'
  | 'unknown_type'

export interface EventProblem {
  readonly reason: EventProblemReason
  /** For the log: what was expected and what came, at most 200 characters, never arguments or results. */
  readonly detail: string
  /** The node name that the event or its envelope gives, cut to what a log line takes; null when none can be read. */
  readonly sender: string | null
}

/** What one message held. An empty batch is legal and holds neither events nor problems. */
export interface DecodedEvents {
  readonly events: readonly CeleryEvent[]
  readonly problems: readonly EventProblem[]
}

/** One message as a transport hands it over, undecoded. */
export interface RawEventMessage {
  /** `envelope`: kombu's JSON envelope (Redis, memory). `body`: the JSON itself (AMQP). */
  readonly form: 'envelope' | 'body'
  readonly payload: string
  /** Epoch ms on our clock. */
  readonly receivedAtMs: number
  /** Where it was heard, for the log: Redis' channel, or exchange and routing key. */
  readonly channel?: string
}
