import type { Fleet } from '../fleet/index.ts'
import { type BrokerStatus, MAX_ROWS } from './input.ts'

/** A body and whether it is good news: http answers 503 when it is not. */
export interface HealthReport {
  readonly ok: boolean
  readonly body: Readonly<Record<string, unknown>>
  /** What holds host names, apart from the body: not for strangers (guide-flaw 75). */
  readonly hosts?: Readonly<Record<string, unknown>>
}

/** Why a report is not good. Codes, never messages: those may hold addresses (guide-flaw 70). */
export type HealthReason =
  /** No broker is configured. */
  | 'no_broker'
  | 'broker_unreachable'
  | 'broker_auth'
  /** Connected, but it has not answered lately. */
  | 'broker_silent'
  /** Nobody has been asked yet, or the answer is too old. */
  | 'not_known_yet'
  | 'no_workers'

export interface HealthInput {
  readonly nowMs: number
  readonly brokers: readonly BrokerStatus[]
  readonly fleets: readonly Fleet[]
}

/**
 * The bodies of the guide's `/monitoring/...`, answered from what is known: no request reaches broker or workers. Unknown is
 * unhealthy, with a reason; one broker in trouble makes the whole unhealthy.
 */
export interface HealthReports {
  /** `/monitoring/health/celery` */
  readonly celery: HealthReport
  /** `/monitoring/health/redis` and `/monitoring/health/broker` */
  readonly broker: HealthReport
  /** `/monitoring/metrics/queue` */
  readonly queue: HealthReport
}

export function buildHealth(input: HealthInput): HealthReports {
  const brokerReason = firstReason(input.brokers.map(broker => brokerTrouble(broker, input)))
  if (input.brokers.length === 0)
    return { celery: no('no_broker'), broker: gone('no_broker'), queue: unread(input, 'no_broker') }
  return {
    celery: celery(input, brokerReason),
    broker:
      brokerReason === undefined
        ? { ok: true, body: { status: 'healthy', connected: true } }
        : gone(brokerReason),
    queue: queue(input, brokerReason),
  }
}

const no = (reason: HealthReason): HealthReport => ({ ok: false, body: { status: 'unhealthy', reason } })

const gone = (reason: HealthReason): HealthReport => ({
  ok: false,
  body: { status: 'unhealthy', connected: reason === 'broker_silent', reason },
})

const firstReason = (reasons: readonly (HealthReason | undefined)[]): HealthReason | undefined =>
  reasons.find(reason => reason !== undefined)

function brokerTrouble(broker: BrokerStatus, { fleets, nowMs }: HealthInput): HealthReason | undefined {
  const { state, error } = broker.state
  if (state === 'connecting' && error?.code === 'BROKER_AUTH') return 'broker_auth'
  if (state !== 'connected') return 'broker_unreachable'
  const source = fleets
    .find(fleet => fleet.broker === broker.name)
    ?.sources(nowMs)
    .find(each => each.source === 'broker')
  return source?.state === 'stale' ? 'broker_silent' : undefined
}

function celery({ fleets, nowMs }: HealthInput, brokerReason: HealthReason | undefined): HealthReport {
  if (brokerReason !== undefined) return no(brokerReason)
  const workers = fleets.flatMap(fleet =>
    fleet
      .workers(nowMs)
      .filter(worker => worker.state === 'up' || worker.state === 'suspect')
      .map(worker => worker.worker),
  )
  const count = total(fleets.map(fleet => fleet.totals(nowMs).workers))
  if (count === null) return no('not_known_yet')
  if (fleets.some(fleet => fleet.totals(nowMs).workers === 0))
    return { ok: false, body: { status: 'unhealthy', reason: 'no_workers', worker_count: count } }
  // A worker that answers proves nothing for a queue that no worker reads (guide-flaw 73).
  const unread = fleets.flatMap(fleet =>
    fleet
      .queues(nowMs)
      .filter(each => each.consumers === 0 && (each.depth ?? 0) > 0)
      .map(each => each.queue),
  )
  return {
    ok: true,
    body: {
      status: 'healthy',
      worker_count: count,
      ...(unread.length === 0 ? {} : { queues_without_consumers: unread.sort().slice(0, MAX_ROWS) }),
    },
    hosts: { workers: workers.sort().slice(0, MAX_ROWS) },
  }
}

function queue(input: HealthInput, brokerReason: HealthReason | undefined): HealthReport {
  const { fleets, nowMs } = input
  const workers = total(fleets.map(fleet => fleet.totals(nowMs).workers))
  const depths = fleets.flatMap(fleet => fleet.queues(nowMs).map(each => each.depth))
  // A queue just found has no reading yet; it counts once it has one.
  const known = depths.filter(depth => depth !== null)
  const read = fleets.every(
    fleet => fleet.sources(nowMs).find(source => source.source === 'broker')?.state === 'ok',
  )
  const reason =
    brokerReason ?? (!read || known.length === 0 || workers === null ? 'not_known_yet' : undefined)
  if (reason !== undefined) return unread(input, reason, workers)
  return {
    ok: true,
    body: {
      queue_depth: known.reduce((sum, depth) => sum + depth, 0),
      worker_count: workers,
      backend: backend(input),
    },
  }
}

const backend = ({ brokers }: HealthInput): string =>
  [...new Set(brokers.map(broker => broker.transport))].sort().join(',')

/** A number that is not known is null, never 0. */
const unread = (input: HealthInput, reason: HealthReason, workers: number | null = null): HealthReport => ({
  ok: false,
  body: { queue_depth: null, worker_count: workers, backend: backend(input), reason },
})

/** The sum, or null as soon as one part is not known. */
const total = (parts: readonly (number | null)[]): number | null =>
  parts.reduce<number | null>(
    (sum, part) => (sum === null || part === null ? null : sum + part),
    parts.length === 0 ? null : 0,
  )
