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

export interface StatsReply {
  readonly pid: number | undefined
  readonly concurrency: number | undefined
  /** `prefork`, `solo`, `threads`, `gevent`, `eventlet`, or the class of a pool of one's own. */
  readonly pool: string | undefined
}

/** `max-concurrency` is the only field that all pools have; the kind of pool is told by `implementation` since 5.3, else guessed from the fields. */
export function readStats(value: unknown): StatsReply | undefined {
  const stats = fieldsOf(value)
  const pool = fieldsOf(stats?.['pool'])
  if (stats === undefined || pool === undefined) return undefined
  return { pid: countOf(stats['pid']), concurrency: countOf(pool['max-concurrency']), pool: poolKind(pool) }
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
    requests.push({ id, name, routingKey })
  }
  return { count: value.length, requests }
}
