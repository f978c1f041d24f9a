/**
 * Answers of workers, read field by field: they come from the network and are believed in nothing. What cannot be read is
 * undefined, which means "not said", never 0. Shapes: celery-wire.md section 9.
 */

type Fields = Readonly<Record<string, unknown>>

const fieldsOf = (value: unknown): Fields | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined

const MAX_NAME_LENGTH = 1024

const nameOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' && value.length <= MAX_NAME_LENGTH ? value : undefined

const countOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined

/** A pool of more processes than this is not believed. */
const MAX_PIDS = 10_000

export interface StatsReply {
  readonly pid: number | undefined
  /** Slots of the pool now. */
  readonly concurrency: number | undefined
  /** `prefork`, `solo`, `threads`, `gevent`, `eventlet`, or the class of a pool of one's own. */
  readonly pool: string | undefined
  /** Processes of the pool; a solo pool names the worker itself. */
  readonly pids: readonly number[] | undefined
  /** 0 is without limit (`worker_prefetch_multiplier=0`). */
  readonly prefetch: number | undefined
  /** Tasks accepted since the start, by name. */
  readonly totals: readonly (readonly [name: string, count: number])[] | undefined
}

/** The kind of pool is told by `implementation` since 5.3, else guessed from the fields. */
export function readStats(value: unknown): StatsReply | undefined {
  const stats = fieldsOf(value)
  const pool = fieldsOf(stats?.['pool'])
  if (stats === undefined || pool === undefined) return undefined
  const kind = poolKind(pool)
  const pids = pidsOf(pool['processes'])
  return {
    pid: countOf(stats['pid']),
    concurrency: slotsOf(stats, pool, kind, pids),
    pool: kind,
    pids,
    prefetch: countOf(stats['prefetch_count']),
    totals: totalsOf(stats['total']),
  }
}

/**
 * `max-concurrency` is the only field that all pools have. A prefork pool that grew or shrank, by itself (autoscale) or by remote
 * control, goes on naming there what it began with (Celery `concurrency/prefork.py`, `limit`): its processes are the truth.
 */
function slotsOf(
  stats: Fields,
  pool: Fields,
  kind: string | undefined,
  pids: readonly number[] | undefined,
): number | undefined {
  const scaled = countOf(fieldsOf(stats['autoscaler'])?.['current'])
  if (scaled !== undefined) return scaled
  if (kind === 'prefork' && pids !== undefined && pids.length > 0) return pids.length
  return countOf(pool['max-concurrency'])
}

/** Only as a whole: a part would make the rest look as if it had sent events. */
function totalsOf(value: unknown): StatsReply['totals'] {
  const fields = fieldsOf(value)
  if (fields === undefined) return undefined
  const totals: (readonly [string, number])[] = []
  for (const [name, said] of Object.entries(fields)) {
    const count = countOf(said)
    if (count === undefined) return undefined
    totals.push([name, count])
  }
  return totals
}

function pidsOf(value: unknown): readonly number[] | undefined {
  if (!Array.isArray(value) || value.length > MAX_PIDS) return undefined
  const pids = value.map(countOf)
  return pids.every(pid => pid !== undefined) ? pids : undefined
}

function poolKind(pool: Fields): string | undefined {
  const implementation = nameOf(pool['implementation'])
  if (implementation !== undefined)
    return (
      /^celery\.concurrency\.(\w+):/.exec(implementation)?.[1]?.replace(/^thread$/, 'threads') ??
      implementation
    )
  if ('writes' in pool) return 'prefork'
  if ('free-threads' in pool) return 'eventlet'
  if ('threads' in pool) return 'threads'
  return 'processes' in pool ? 'solo' : undefined
}

export interface QueueReply {
  readonly name: string
  readonly routingKey: string
}

export function readActiveQueues(value: unknown): readonly QueueReply[] | undefined {
  if (!Array.isArray(value)) return undefined
  const queues: QueueReply[] = []
  for (const entry of value) {
    const queue = fieldsOf(entry)
    const name = nameOf(queue?.['name'])
    if (name !== undefined) queues.push({ name, routingKey: nameOf(queue?.['routing_key']) ?? name })
  }
  return queues
}

interface RequestReply {
  readonly id: string
  readonly name: string
  /** '' when the answer does not say. */
  readonly routingKey: string
  /** When it began, epoch seconds on the worker's clock; NaN when the answer does not say. */
  readonly timeStart: number
}

export interface RequestsReply {
  readonly count: number
  /** Those that could be read. */
  readonly requests: readonly RequestReply[]
}

/** `active` and `reserved` list requests; `scheduled` wraps each in `{eta, priority, request}`. */
export function readRequests(value: unknown): RequestsReply | undefined {
  if (!Array.isArray(value)) return undefined
  const requests: RequestReply[] = []
  for (const entry of value) {
    const fields = fieldsOf(entry)
    const request = fieldsOf(fields?.['request']) ?? fields
    const id = nameOf(request?.['id'])
    const name = nameOf(request?.['name'])
    if (request === undefined || id === undefined || name === undefined) continue
    const routingKey = nameOf(fieldsOf(request['delivery_info'])?.['routing_key']) ?? ''
    const timeStart = request['time_start']
    requests.push({ id, name, routingKey, timeStart: typeof timeStart === 'number' ? timeStart : Number.NaN })
  }
  return { count: value.length, requests }
}
