import { CeleriacError, type Clock, errorText, type Log } from '../../base/index.ts'
import { createHttpJson, type HttpJson } from './http-json.ts'
import type { ManagementTarget } from './management-url.ts'

/** One queue as the management API shows it; counters are up to five seconds old. null means that it does not say. */
export interface ManagedQueue {
  readonly name: string
  readonly ready: number | null
  readonly unacked: number | null
  readonly deliveredTotal: number | null
  readonly bytes: number | null
  readonly consumers: number | null
  /** Belongs to one connection and goes with it. */
  readonly exclusive: boolean
  readonly autoDelete: boolean
  /** It goes by itself when nobody uses it. */
  readonly expires: boolean
  /** `x-consumer-timeout` of the queue or its policy (RabbitMQ 3.12). */
  readonly consumerTimeoutSeconds: number | null
}

export interface QueueListing {
  readonly queues: readonly ManagedQueue[]
  /** False: the vhost has more than were listed, so that a queue which is missing here may exist. */
  readonly complete: boolean
}

/** What the nodes say together: memory is that of the node which is nearest to its limit, for that one blocks publishers first. */
export interface ManagedServer {
  readonly memoryUsedBytes: number | null
  readonly memoryMaxBytes: number | null
  readonly connections: number | null
  readonly maxConnections: number | null
  /** null when the nodes could not be asked. */
  readonly alarms: readonly string[] | null
}

/** After a failure, so that an API which hangs does not hold up what AMQP says each time. */
const ASK_AGAIN_MS = 15_000
const PAGE_SIZE = 500
/** Ten thousand queues; beyond, the listing is cut. */
const MAX_PAGES = 20

const QUEUE_COLUMNS = [
  'name',
  'messages_ready',
  'messages_unacknowledged',
  'consumers',
  'message_bytes',
  'message_stats.deliver_get',
  'exclusive',
  'auto_delete',
  'arguments',
  'effective_policy_definition',
].join(',')

const NODE_COLUMNS = [
  'running',
  'mem_used',
  'mem_limit',
  'mem_alarm',
  'disk_free_alarm',
  'partitions',
  'sockets_total',
].join(',')

/**
 * RabbitMQ's management API, beside the AMQP connection: what it cannot say is undefined, a failure is said once and its end as well,
 * and nothing here ever rejects.
 */
export class Management {
  readonly #target: ManagementTarget
  readonly #clock: Clock
  readonly #log: Log
  #http: HttpJson | undefined
  #listing: { readonly atMs: number; readonly queues: Promise<QueueListing | undefined> } | undefined
  /** By what cannot be read: when it is tried again. */
  readonly #failing = new Map<string, number>()

  constructor(target: ManagementTarget, clock: Clock, log: Log) {
    this.#target = target
    this.#clock = clock
    this.#log = log
  }

  /** Every queue of the vhost, listed at most `maxAgeMs` ago; undefined when the API cannot be asked. */
  queues(maxAgeMs = 0): Promise<QueueListing | undefined> {
    const nowMs = this.#clock.now()
    if (this.#listing === undefined || maxAgeMs === 0 || nowMs - this.#listing.atMs > maxAgeMs)
      this.#listing = { atMs: nowMs, queues: this.#tried('queues', http => this.#list(http)) }
    return this.#listing.queues
  }

  async server(): Promise<ManagedServer> {
    const [nodes, connections] = await Promise.all([
      this.#tried('nodes', http => this.#nodes(http)),
      this.#tried('connections', http => this.#connections(http)),
    ])
    return { ...(nodes ?? NOTHING), connections: connections ?? null }
  }

  close(): void {
    this.#http?.close()
    this.#http = undefined
  }

  async #list(http: HttpJson): Promise<QueueListing> {
    const queues: ManagedQueue[] = []
    const vhost = encodeURIComponent(this.#target.vhost)
    for (let page = 1; page <= MAX_PAGES; page++) {
      const query = `page=${page}&page_size=${PAGE_SIZE}&columns=${QUEUE_COLUMNS}`
      const answer = recordOf(await http.get(`queues/${vhost}?${query}`))
      const { items, page_count: pages } = answer
      if (!Array.isArray(items) || count(pages) === null) throw this.#odd()
      for (const item of items as readonly unknown[]) {
        const queue = readQueue(item)
        if (queue !== undefined) queues.push(queue)
      }
      if (page >= (count(pages) ?? 0)) return { queues, complete: true }
    }
    return { queues, complete: false }
  }

  async #nodes(http: HttpJson): Promise<NodeFigures> {
    const figures = readNodes(await http.get(`nodes?columns=${NODE_COLUMNS}`))
    if (figures === undefined) throw this.#odd()
    return figures
  }

  async #connections(http: HttpJson): Promise<number> {
    const answer = await http.get('overview?columns=object_totals.connections')
    const connections = countAt(answer, 'object_totals', 'connections')
    if (connections === null) throw this.#odd()
    return connections
  }

  #odd(): CeleriacError {
    return new CeleriacError(
      'BROKER_REFUSED',
      `What answers at ${this.#target.address} is not RabbitMQ's management API.`,
      { hint: 'Check the management URL.' },
    )
  }

  async #tried<T>(what: string, ask: (http: HttpJson) => Promise<T>): Promise<T | undefined> {
    const again = this.#failing.get(what)
    if (again !== undefined && this.#clock.now() < again) return undefined
    try {
      this.#http ??= createHttpJson(this.#target)
      const answer = await ask(this.#http)
      if (this.#failing.delete(what)) this.#log.info(`The management API says the ${what} again.`)
      return answer
    } catch (error) {
      this.#failing.set(what, this.#clock.now() + ASK_AGAIN_MS)
      if (again === undefined) {
        const reason = error instanceof CeleriacError ? error.line : errorText(error)
        this.#log.warn(`The management API does not say the ${what}; what only it knows is missing.`, {
          reason,
        })
      }
      return undefined
    }
  }
}

type NodeFigures = Omit<ManagedServer, 'connections'>

const NOTHING: NodeFigures = {
  memoryUsedBytes: null,
  memoryMaxBytes: null,
  maxConnections: null,
  alarms: null,
}

const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

const count = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null

const countAt = (value: unknown, ...path: readonly string[]): number | null =>
  count(path.reduce<unknown>((at, key) => recordOf(at)[key], value))

/** One item of `/api/queues/VHOST`; undefined when it has no name. */
export function readQueue(item: unknown): ManagedQueue | undefined {
  const queue = recordOf(item)
  const name = queue['name']
  if (typeof name !== 'string') return undefined
  const ready = count(queue['messages_ready'])
  const args = recordOf(queue['arguments'])
  const policy = recordOf(queue['effective_policy_definition'])
  const timeoutMs = count(args['x-consumer-timeout']) ?? count(policy['consumer-timeout'])
  return {
    name,
    ready,
    unacked: count(queue['messages_unacknowledged']),
    // The counter appears with the first delivery; without any statistics at all nothing is known.
    deliveredTotal: countAt(queue, 'message_stats', 'deliver_get') ?? (ready === null ? null : 0),
    bytes: count(queue['message_bytes']),
    consumers: count(queue['consumers']),
    exclusive: queue['exclusive'] === true,
    autoDelete: queue['auto_delete'] === true,
    expires: args['x-expires'] !== undefined || policy['expires'] !== undefined,
    consumerTimeoutSeconds: timeoutMs === null ? null : timeoutMs / 1000,
  }
}

/** The figures of `/api/nodes`; undefined when no node runs, which cannot be. */
export function readNodes(answer: unknown): NodeFigures | undefined {
  const nodes = (Array.isArray(answer) ? (answer as readonly unknown[]) : [])
    .map(recordOf)
    .filter(node => node['running'] !== false)
  if (nodes.length === 0) return undefined
  const memory = nodes
    .map(node => ({ used: count(node['mem_used']), limit: count(node['mem_limit']) }))
    .filter(node => node.used !== null && node.limit !== null && node.limit > 0)
    .toSorted((a, b) => (b.used ?? 0) / (b.limit ?? 1) - (a.used ?? 0) / (a.limit ?? 1))[0]
  const sockets = nodes.map(node => count(node['sockets_total']))
  const alarms = [
    ...(nodes.some(node => node['mem_alarm'] === true) ? ['memory'] : []),
    ...(nodes.some(node => node['disk_free_alarm'] === true) ? ['disk'] : []),
    ...(nodes.some(node => Array.isArray(node['partitions']) && node['partitions'].length > 0)
      ? ['partition']
      : []),
  ]
  return {
    memoryUsedBytes: memory?.used ?? null,
    memoryMaxBytes: memory?.limit ?? null,
    maxConnections: sockets.every(limit => limit !== null && limit > 0)
      ? sockets.reduce<number>((sum, limit) => sum + (limit ?? 0), 0)
      : null,
    alarms,
  }
}
