import { type ControlKeyKind, escapeGlob, type RedisNames } from '../../celery/index.ts'
import type { ControlKeysReading } from '../broker.ts'
import type { RedisConnection } from './connection.ts'
import { inParts, unlessRefused } from './pipeline.ts'

const KEYS_A_STEP = 1_000
/** One call looks at about 100,000 keys of the database and judges so many of these conversations; the next goes on where it ended. */
const STEPS_A_CALL = 100
const JUDGED_A_CALL = 5_000
const KEYS_A_PART = 500
/** Of so many keys of each kind the size is asked. */
const SAMPLE = 50
/** So many are told from each other; of bindings no more are looked at. */
const MOST_REMEMBERED = 50_000
/** A list from which nobody has taken for so long has no reader, even if it is bound. */
const IDLE_SECONDS = 600
/** A list of an earlier process of ours that has no expiry gets one. */
const OWN_EXPIRE_SECONDS = 45

const KINDS = ['event', 'control', 'reply'] as const

/** What one pass has found of one kind. */
interface Count {
  keys: number
  sampled: number
  /** Of the sample; null once the server has refused to say. */
  sampledBytes: number | null
}

/** One walk through the whole keyspace. */
interface Pass {
  cursor: string
  readonly bound: ReadonlySet<string>
  readonly seen: Set<string>
  readonly counts: ReadonlyMap<string, Count>
}

const groupOf = (kind: string, orphan: boolean): string => `${kind} ${String(orphan)}`

/**
 * Looks for keys of events, remote control and replies: what monitors and killed workers leave behind, and nothing ever removes
 * (celery-wire.md section 2). An orphan has no expiry, and either no binding leads to it or nobody has touched it for ten minutes.
 * The keyspace is walked through a bounded part a call, so the answer is that of the last whole pass; before the first is over
 * there is none. Nothing is changed, except that reply lists which an earlier process of ours left behind are made to expire.
 */
export class ControlKeyReader {
  readonly #names: RedisNames
  #pass: Pass | undefined
  #reading: readonly ControlKeysReading[] | null = null
  #running: Promise<void> | undefined

  constructor(names: RedisNames) {
    this.#names = names
  }

  /** Of the last whole pass, or null. Calls at the same time share one part of a walk. */
  async read(connection: RedisConnection): Promise<readonly ControlKeysReading[] | null> {
    this.#running ??= this.#walk(connection).finally(() => (this.#running = undefined))
    await this.#running
    return this.#reading
  }

  /** Begins anew: another server may answer from now on. */
  reset(): void {
    this.#pass = undefined
    this.#reading = null
  }

  async #walk(connection: RedisConnection): Promise<void> {
    const pass = (this.#pass ??= {
      cursor: '0',
      bound: await this.#boundQueues(connection),
      seen: new Set(),
      counts: new Map(
        KINDS.flatMap(kind => [
          [groupOf(kind, false), { keys: 0, sampled: 0, sampledBytes: 0 }] as const,
          [groupOf(kind, true), { keys: 0, sampled: 0, sampledBytes: 0 }] as const,
        ]),
      ),
    })
    const options = {
      COUNT: KEYS_A_STEP,
      ...(this.#names.prefix === '' ? {} : { MATCH: `${escapeGlob(this.#names.prefix)}*` }),
    }
    let judged = 0
    for (let step = 0; step < STEPS_A_CALL && judged < JUDGED_A_CALL; step++) {
      const { cursor, keys } = await connection.scan(pass.cursor, options)
      const found = keys.flatMap(key => {
        const control = this.#names.controlKey(key)
        return control === undefined || pass.seen.has(key) ? [] : [{ key, ...control }]
      })
      await inParts(found, KEYS_A_PART, one => this.#judge(connection, pass, one))
      judged += found.length
      // Lost meanwhile, and begun anew.
      if (this.#pass !== pass) return
      pass.cursor = cursor
      if (cursor !== '0') continue
      this.#reading = reading(pass)
      this.#pass = undefined
      return
    }
  }

  async #judge(
    connection: RedisConnection,
    pass: Pass,
    found: { readonly key: string; readonly kind: ControlKeyKind; readonly queue: string },
  ): Promise<void> {
    const { key, kind, queue } = found
    if (pass.seen.size < MOST_REMEMBERED) pass.seen.add(key)
    const [ttl, idleSeconds] = await Promise.all([
      unlessRefused(connection.pTTL(key)),
      unlessRefused(connection.objectIdleTime(key)),
    ])
    // Gone meanwhile.
    if (ttl === -2) return
    const idle = idleSeconds !== null && idleSeconds >= IDLE_SECONDS
    const orphan = ttl === -1 && (kind === 'own' || idle || !pass.bound.has(queue))
    if (orphan && kind === 'own') await unlessRefused(connection.expire(key, OWN_EXPIRE_SECONDS))
    const count = pass.counts.get(groupOf(kind === 'own' ? 'reply' : kind, orphan))
    if (count === undefined) return
    count.keys++
    if (count.sampled >= SAMPLE || count.sampledBytes === null) return
    count.sampled++
    const bytes = await unlessRefused(connection.memoryUsage(key))
    if (bytes === null || count.sampledBytes === null) count.sampledBytes = null
    else count.sampledBytes += bytes
  }

  /** Queues that the exchanges of these conversations lead to. */
  async #boundQueues(connection: RedisConnection): Promise<ReadonlySet<string>> {
    const { eventExchange, controlExchange, replyExchange } = this.#names
    const bound = new Set<string>()
    for (const exchange of [eventExchange, controlExchange, replyExchange]) {
      const key = this.#names.bindingKey(exchange)
      let cursor = '0'
      do {
        const step = await unlessRefused(connection.sScan(key, cursor, { COUNT: KEYS_A_STEP }))
        for (const member of step?.members ?? []) {
          const queue = this.#names.parseBinding(member)?.queue
          if (queue !== undefined && bound.size < MOST_REMEMBERED) bound.add(queue)
        }
        cursor = step?.cursor ?? '0'
      } while (cursor !== '0' && bound.size < MOST_REMEMBERED)
    }
    return bound
  }
}

/** A row for each kind, orphans and others; of more keys than were sampled the bytes are reckoned from the mean. */
function reading(pass: Pass): readonly ControlKeysReading[] {
  return KINDS.flatMap(kind =>
    [false, true].map(orphan => {
      const { keys = 0, sampled = 0, sampledBytes = 0 } = pass.counts.get(groupOf(kind, orphan)) ?? {}
      const bytes = sampledBytes === null || sampled === 0 ? sampledBytes : (sampledBytes / sampled) * keys
      return { kind, orphan, keys, bytes: bytes === null ? null : Math.round(bytes) }
    }),
  )
}
