import type { CeleriacError } from '../base/index.ts'
import type { RawEventMessage } from '../celery/index.ts'

/**
 * Where a broker connection stands. Entry and exit: `connecting` from the start or after a loss, until the first answer;
 * `connected` until an error, a time-out or silence; `stopped` after `stop()`, for good. A broker reconnects for ever.
 */
export type BrokerState =
  | {
      readonly state: 'connecting'
      readonly sinceMs: number
      readonly attempt: number
      readonly error: CeleriacError | undefined
    }
  | { readonly state: 'connected'; readonly sinceMs: number; readonly serverVersion: string | undefined }
  | { readonly state: 'stopped'; readonly sinceMs: number }

/** Told by a broker; must not throw and must return fast (messages are buffered and decoded later). */
export interface BrokerListener {
  eventMessage(message: RawEventMessage): void
  stateChanged(state: BrokerState): void
  /** Events could not be heard for a while and can be again; told once a gap, when it has ended. */
  gapEnded(gap: EventGap): void
}

/**
 * A time in which events were published and we could not hear them. `cut_off`: the server closed our subscription because its
 * output buffer was full (Redis `client-output-buffer-limit pubsub`); `overflow`: the queue in which events wait for us
 * (AMQP) was full, and the broker dropped the oldest; `connection_lost`: everything else. A transport whose events
 * wait for us (an AMQP queue that outlives the connection) tells of no gap when nothing was missed.
 */
export interface EventGap {
  readonly reason: 'connection_lost' | 'cut_off' | 'overflow'
  readonly fromMs: number
  readonly toMs: number
}

export interface ControlRequest {
  /** `ping`, `stats`, `active_queues`, `active`, `reserved`, `scheduled`, … (celery-wire.md section 9). */
  readonly method: string
  readonly arguments?: Readonly<Record<string, unknown>>
  /** Node names; everyone when left out. */
  readonly destination?: readonly string[]
}

export interface ControlOptions {
  readonly timeoutMs: number
  /** Stop as soon as all of these have answered; left out: wait the whole time-out, since nobody knows how many there are. */
  readonly expect?: ReadonlySet<string>
}

/**
 * One node's answer. `error` is the text a worker gave (`{"error": …}`) or why its answer could not be read; `serializer` is its
 * content type where that is the reason. A node whose name could not be read either is called `unknown`.
 */
export type ControlReply =
  | { readonly node: string; readonly ok: true; readonly value: unknown }
  | { readonly node: string; readonly ok: false; readonly error: string; readonly serializer?: string }

/** What the broker says of one queue. null means that this transport cannot say, never 0. */
export interface QueueReading {
  readonly queue: string
  /** Messages waiting in the broker, priority lists summed; a known queue that has no key is 0. */
  readonly depth: number
  /**
   * Ids of the oldest message of each list that is not empty, most urgent first; `''` for a message without a readable id. Redis
   * only. null also for a queue whose messages are too large to be fetched at every reading: then it is known now and then.
   */
  readonly heads: readonly string[] | null
  /** Ids of the youngest message of each list that is not empty, in the same order; null together with `heads`. Redis only. */
  readonly newest: readonly string[] | null
  /** Deliveries since the server started; only its changes mean something. RabbitMQ management only. */
  readonly deliveredTotal: number | null
  /** Delivered and not acknowledged. */
  readonly unacked: number | null
  /** Consumers as the broker counts them. AMQP only. */
  readonly consumers: number | null
}

/** What the server says of itself; null means "not said", never 0. */
export interface ServerReading {
  readonly version: string | null
  readonly memoryUsedBytes: number | null
  /** 0 means without limit, as Redis reports it. */
  readonly memoryMaxBytes: number | null
  readonly connectedClients: number | null
  readonly maxClients: number | null
  readonly evictedKeysTotal: number | null
  readonly maxmemoryPolicy: string | null
  readonly roundTripSeconds: number
  /** Clients that wait for a message (Redis `blocked_clients`). */
  readonly blockedConsumers: number | null
  /**
   * Deliveries without acknowledgement, all queues; their oldest age (0 when there is none); how many are older than the redelivery
   * timeout. On Redis the delivery times are of the workers' clocks, and compared with ours.
   */
  readonly unacked: number | null
  readonly unackedOldestAgeSeconds: number | null
  readonly unackedOverdue: number | null
  /** After this long the broker gives a message to somebody else; null when it is not known or there is no such limit. */
  readonly redeliveryTimeoutSeconds: number | null
  /** What keeps the broker from serving: kinds in force, such as `memory`, `disk`, `loading`, `readonly`, `clients`, `blocked`; null when it cannot be told. */
  readonly alarms: readonly string[] | null
}

/** Keys (Redis) or queues (AMQP) of events, remote control and replies. */
export interface ControlKeysReading {
  readonly kind: 'event' | 'control' | 'reply'
  /** Nobody listens to it and nothing ever removes it. */
  readonly orphan: boolean
  readonly keys: number
  /** By a sample; null when the server does not say. */
  readonly bytes: number | null
}

/**
 * A connection to the broker of a fleet, from the watching side. One per configured broker. Every call rejects with a
 * CeleriacError (BROKER_LOST, BROKER_REFUSED, CONTROL_TIMEOUT) while not connected; nothing is ever answered with a guess.
 */
export interface Broker {
  /** The configured name: the `broker` label. */
  readonly name: string
  readonly transport: 'redis' | 'memory' | 'amqp'
  /** The URL, redacted. */
  readonly address: string
  readonly state: BrokerState
  /** Starts connecting and returns; states arrive at the listener. Called once. */
  start(listener: BrokerListener): void
  /** Resolves when connected, rejects with the last error after `timeoutMs` (for `check` and tests). */
  ready(timeoutMs: number): Promise<void>
  /** Ends everything, deletes what it made in the broker. Never rejects. */
  stop(): Promise<void>
  control(request: ControlRequest, options: ControlOptions): Promise<readonly ControlReply[]>
  /** Queue names the broker knows of (Redis: bindings of the task exchanges). */
  discoverQueues(): Promise<readonly string[]>
  readQueues(queues: readonly string[]): Promise<readonly QueueReading[]>
  readServer(): Promise<ServerReading>
  /**
   * Looks through a bounded part of the keyspace and tells what the last whole pass has found, a row for each kind, orphans and
   * others; null before the first pass is over, and when that cannot be done on this transport. Costs more than a reading: ask rarely.
   */
  readControlKeys(): Promise<readonly ControlKeysReading[] | null>
  /**
   * Listens for `ms` for events under any database number and prefix of the same server, and tells where some were heard that
   * `eventMessage` never gets: beginnings of channels such as `/3.celeryev/` or `app1:/0.celeryev/`, sorted, at most 20. A wrong
   * number or prefix is otherwise silence without an error. null when this transport has no such thing, or the server forbids it.
   */
  listenElsewhere(ms: number): Promise<readonly string[] | null>
}

/** One task message: what `FleetLink` publishes and takes. */
export interface TaskEnvelope {
  readonly headers: Readonly<Record<string, unknown>>
  readonly properties: Readonly<Record<string, unknown>>
  /** `[args, kwargs, embed]`. */
  readonly body: unknown
}

/** A control request as a worker sees it. */
export interface ReceivedControl {
  readonly method: string
  readonly arguments: Readonly<Record<string, unknown>>
  readonly destination: readonly string[] | null
  readonly ticket: string | null
  readonly replyTo: { readonly exchange: string; readonly routingKey: string } | null
}

/**
 * The other side of the same conversation: what Celery's clients and workers do. The simulated fleet speaks through it, and so
 * does the contract suite that every Broker passes.
 */
export interface FleetLink {
  connect(): Promise<void>
  /** Publishes one event, or a batch as one message (`task.multi`). */
  publishEvents(
    events: Readonly<Record<string, unknown>> | readonly Readonly<Record<string, unknown>>[],
  ): Promise<void>
  /** Publishes text as it is on the event channel of a routing key: for malformed messages. */
  publishRaw(routingKey: string, payload: string): Promise<void>
  /** Makes the queue known, as a Celery client or worker does when it declares it. */
  declareQueue(queue: string): Promise<void>
  publishTask(queue: string, task: TaskEnvelope, priority?: number): Promise<void>
  /** Takes the most urgent, oldest message of the queues, or undefined when all are empty. */
  takeTask(
    queues: readonly string[],
  ): Promise<{ readonly queue: string; readonly task: TaskEnvelope } | undefined>
  onControl(handle: (request: ReceivedControl) => void): Promise<void>
  /** Answers a request as the node named. */
  reply(request: ReceivedControl, node: string, value: unknown): Promise<void>
  close(): Promise<void>
}
