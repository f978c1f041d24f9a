import type { TaskEvent, WorkerEvent } from '../celery/index.ts'
import type { QueueFacts, Reading, ServerState } from './contract.ts'

/** A round time at which the tests of this room begin. */
export const T0 = 1_800_000_000_000

export const W1 = 'w1@hostA'
const CLIENT = 'gen77@clienthost'

interface Said {
  readonly atMs?: number
  readonly worker?: string
  readonly pid?: number
}

const base = ({ atMs = T0, worker = W1, pid = 100 }: Said) => ({
  hostname: worker,
  timestamp: atMs / 1000,
  clock: 1,
  pid,
})

interface Sent extends Said {
  readonly name?: string
  readonly queue?: string | null
  readonly routingKey?: string
  readonly retries?: number
  readonly eta?: string | null
}

export const sent = (uuid: string, said: Sent = {}): TaskEvent => ({
  ...base({ ...said, worker: said.worker ?? CLIENT }),
  type: 'task-sent',
  uuid,
  name: said.name ?? 'shop.bill',
  queue: said.queue === undefined ? 'bills' : said.queue,
  ...(said.routingKey === undefined ? {} : { routing_key: said.routingKey }),
  retries: said.retries ?? 0,
  eta: said.eta ?? null,
})

export const received = (uuid: string, said: Sent = {}): TaskEvent => ({
  ...base(said),
  type: 'task-received',
  uuid,
  name: said.name ?? 'shop.bill',
  retries: said.retries ?? 0,
  eta: said.eta ?? null,
})

export const started = (uuid: string, said: Said = {}): TaskEvent => ({
  ...base(said),
  type: 'task-started',
  uuid,
})

export const succeeded = (
  uuid: string,
  said: Said & { readonly runtime?: number | null } = {},
): TaskEvent => ({
  ...base(said),
  type: 'task-succeeded',
  uuid,
  runtime: said.runtime === undefined ? 1 : said.runtime,
})

export const failed = (
  uuid: string,
  said: Said & { readonly exception?: string; readonly traceback?: string } = {},
): TaskEvent => ({
  ...base(said),
  type: 'task-failed',
  uuid,
  exception: said.exception ?? "ValueError('boom')",
  ...(said.traceback === undefined ? {} : { traceback: said.traceback }),
})

export const retried = (uuid: string, said: Said = {}): TaskEvent => ({
  ...base(said),
  type: 'task-retried',
  uuid,
  exception: "OSError('again')",
})

export const rejected = (uuid: string, said: Said & { readonly requeue?: boolean } = {}): TaskEvent => ({
  ...base(said),
  type: 'task-rejected',
  uuid,
  requeue: said.requeue ?? false,
})

export const revoked = (uuid: string, said: Said & { readonly expired?: boolean } = {}): TaskEvent => ({
  ...base(said),
  type: 'task-revoked',
  uuid,
  terminated: false,
  expired: said.expired ?? true,
})

interface Beat extends Said {
  readonly active?: number
  readonly processed?: number
  readonly freq?: number
}

const workerEvent = (type: WorkerEvent['type'], said: Beat): WorkerEvent => ({
  ...base(said),
  type,
  freq: said.freq ?? 2,
  active: said.active ?? 0,
  processed: said.processed ?? 0,
  sw_ident: 'py-celery',
  sw_ver: '5.6.3',
  sw_sys: 'Linux',
})

export const online = (said: Beat = {}): WorkerEvent => workerEvent('worker-online', said)
export const heartbeat = (said: Beat = {}): WorkerEvent => workerEvent('worker-heartbeat', said)
export const offline = (said: Beat = {}): WorkerEvent => workerEvent('worker-offline', said)

/** A heartbeat that somebody asked for: `freq` is 5 whatever the truth, and the numbers are missing. */
export const askedHeartbeat = (said: Said = {}): WorkerEvent => ({
  ...base(said),
  type: 'worker-heartbeat',
  freq: 5,
  sw_ident: 'py-celery',
  sw_ver: '5.6.3',
  sw_sys: 'Linux',
})

/** A reading of queues of which only depths are known. */
export const depths = (of: Readonly<Record<string, number>>): Reading => ({
  kind: 'queues',
  queues: Object.entries(of).map(([queue, depth]) => ({
    queue,
    depth,
    heads: null,
    newest: null,
    deliveredTotal: null,
    unacked: null,
    consumers: null,
  })),
})

/** A reading of one queue. */
export const queueReading = (said: Partial<QueueFacts> & { readonly depth: number }): Reading => ({
  kind: 'queues',
  queues: [
    {
      queue: 'bills',
      heads: null,
      newest: null,
      deliveredTotal: null,
      unacked: null,
      consumers: null,
      ...said,
    },
  ],
})

/** A server that says nothing but what is given. */
export const serverState = (said: Partial<ServerState> = {}): ServerState => ({
  version: null,
  memoryUsedBytes: null,
  memoryMaxBytes: null,
  connectedClients: null,
  maxClients: null,
  evictedKeysTotal: null,
  maxmemoryPolicy: null,
  roundTripSeconds: 0.001,
  blockedConsumers: null,
  unacked: null,
  unackedOldestAgeSeconds: null,
  unackedOverdue: null,
  redeliveryTimeoutSeconds: null,
  alarms: null,
  ...said,
})
