import type { Clock, Log } from '../../base/index.ts'
import { type RedisNames, type UnackedOrigin, unackedOrigin } from '../../celery/index.ts'
import type { ServerReading } from '../broker.ts'
import type { TransportOptions } from '../transport-options.ts'
import type { RedisConnection } from './connection.ts'
import { unlessRefused } from './pipeline.ts'

/** The hash is read entry by entry only while it has no more entries and bytes than this: its values are whole messages. */
const MOST_ENTRIES = 2_000
const MOST_BYTES = 2 * 1024 * 1024
const ENTRIES_A_STEP = 200

/** kombu's default (`transport/redis.py`, `Channel.visibility_timeout`). */
const DEFAULT_VISIBILITY_TIMEOUT_SECONDS = 3_600

type UnackedTotals = Pick<
  ServerReading,
  'unacked' | 'unackedOldestAgeSeconds' | 'unackedOverdue' | 'redeliveryTimeoutSeconds'
>

const NOTHING_KEPT: UnackedTotals = {
  unacked: null,
  unackedOldestAgeSeconds: null,
  unackedOverdue: null,
  redeliveryTimeoutSeconds: null,
}

/**
 * Reads what was delivered and is not acknowledged: kombu's hash and its index by delivery time (celery-wire.md section 10). The
 * times are those of the workers' clocks and are compared with ours, as one worker compares those of another.
 */
export class UnackedReader {
  readonly #names: RedisNames
  readonly #clock: Clock
  readonly #log: Log
  readonly #route: (origin: UnackedOrigin) => readonly string[] | undefined
  readonly #kept: boolean
  readonly #timeoutSeconds: number
  #lockReported = false

  /** `route` tells the queues that an exchange and routing key lead to; undefined when that is not known. */
  constructor(
    names: RedisNames,
    options: TransportOptions,
    clock: Clock,
    log: Log,
    route: (origin: UnackedOrigin) => readonly string[] | undefined,
  ) {
    this.#names = names
    this.#clock = clock
    this.#log = log
    this.#route = route
    this.#kept = options.ackEmulation ?? true
    this.#timeoutSeconds = options.visibilityTimeoutSeconds ?? DEFAULT_VISIBILITY_TIMEOUT_SECONDS
  }

  /** Of the whole database; commands of one write. */
  async totals(connection: RedisConnection): Promise<UnackedTotals> {
    if (!this.#kept) return NOTHING_KEPT
    const { unacked, unackedIndex, unackedMutex } = this.#names
    const nowSeconds = this.#clock.now() / 1_000
    const [count, oldest, overdue, lockTtl] = await Promise.all([
      unlessRefused(connection.hLen(unacked)),
      unlessRefused(connection.zRangeWithScores(unackedIndex, 0, 0)),
      unlessRefused(connection.zCount(unackedIndex, '-inf', nowSeconds - this.#timeoutSeconds)),
      unlessRefused(connection.ttl(unackedMutex)),
    ])
    this.#reportLock(lockTtl === -1 && (overdue ?? 0) > 0)
    return {
      unacked: count,
      unackedOldestAgeSeconds:
        oldest === null ? null : oldest[0] === undefined ? 0 : Math.max(0, nowSeconds - oldest[0].score),
      unackedOverdue: overdue,
      redeliveryTimeoutSeconds: this.#timeoutSeconds,
    }
  }

  /**
   * Counts by queue; a queue that is missing has none. Null when they cannot be told: too many or too large to be read, or one
   * came through an exchange whose bindings are not known.
   */
  async byQueue(connection: RedisConnection): Promise<ReadonlyMap<string, number> | null> {
    if (!this.#kept) return null
    const { unacked } = this.#names
    const [entries, bytes] = await Promise.all([
      unlessRefused(connection.hLen(unacked)),
      unlessRefused(connection.memoryUsage(unacked)),
    ])
    if (entries === 0) return new Map()
    if (entries === null || bytes === null || entries > MOST_ENTRIES || bytes > MOST_BYTES) return null
    const queuesByTag = new Map<string, readonly string[]>()
    let cursor = '0'
    do {
      const step = await connection.hScan(unacked, cursor, { COUNT: ENTRIES_A_STEP })
      for (const { field, value } of step.entries) {
        const origin = unackedOrigin(value)
        const queues = origin === undefined ? undefined : this.#route(origin)
        if (queues === undefined) return null
        queuesByTag.set(field, queues)
      }
      // It may grow while it is read.
      if (queuesByTag.size > 2 * MOST_ENTRIES) return null
      cursor = step.cursor
    } while (cursor !== '0')
    const counts = new Map<string, number>()
    for (const queues of queuesByTag.values())
      for (const queue of queues) counts.set(queue, (counts.get(queue) ?? 0) + 1)
    return counts
  }

  /** kombu's lock has an expiry; one without, left by a worker that died at the wrong moment, keeps every worker from giving old messages to others. */
  #reportLock(stuck: boolean): void {
    if (stuck && !this.#lockReported)
      this.#log.warn(
        'Messages of lost workers are not given to others: a lock without expiry stands in the way.',
        {
          key: this.#names.unackedMutex,
          fix: `Delete the key: DEL ${this.#names.unackedMutex}`,
        },
      )
    this.#lockReported = stuck
  }
}
