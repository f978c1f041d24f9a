import { type Cancel, type Clock, errorText, type Log } from '../../base/index.ts'
import { decodeControlReply } from '../../celery/index.ts'
import type { ReplyDesk } from '../reply-desk.ts'
import type { RedisConnection } from './connection.ts'

const FASTEST_MS = 2
const SLOWEST_MS = 50
const SWEEP_MS = 60_000
/** The list outlives its last use so long at most. */
const EXPIRE_SECONDS = 45
const MOST_AT_ONCE = 500
/** Stands in the list while it is used. A list that is never empty keeps its expiry: workers only push to it. */
const PLACEHOLDER = 'celeriac'

/**
 * Keeps the one reply list of this process. It exists, with an expiry, before a request goes out and from then on, so that neither
 * an answer that comes late nor a process that is killed leaves anything in the broker for good. It is emptied while somebody waits
 * for replies: first every 2 ms, slower while nothing comes. That is done on the ordinary connection instead of one of its own
 * that blocks, since requests are rare and answers come within milliseconds. An answer that comes after the list has expired
 * makes a list without expiry; a sweep every minute gives it one.
 */
export class ReplyCollector {
  readonly #list: string
  readonly #desk: ReplyDesk
  readonly #clock: Clock
  readonly #log: Log
  #connection: RedisConnection | undefined
  #cancel: Cancel | undefined
  #pauseMs = FASTEST_MS
  #taking = false

  constructor(list: string, desk: ReplyDesk, clock: Clock, log: Log) {
    this.#list = list
    this.#desk = desk
    this.#clock = clock
    this.#log = log
  }

  /** Makes the list ready and sends a request. Rejects when the server refuses either. */
  async publish(connection: RedisConnection, channels: readonly string[], payload: string): Promise<void> {
    // One write. A server that takes no messages (full, a replica) is found out before a worker is asked.
    await Promise.all([
      connection.rPush(this.#list, PLACEHOLDER),
      connection.expire(this.#list, EXPIRE_SECONDS),
    ])
    await Promise.all(channels.map(channel => connection.publish(channel, payload)))
    this.#connection = connection
    this.#pauseMs = FASTEST_MS
    if (!this.#taking) this.#schedule(FASTEST_MS)
  }

  /** Nothing is collected any more. */
  stop(): void {
    this.#connection = undefined
    this.#cancel?.()
    this.#cancel = undefined
  }

  #schedule(delayMs: number): void {
    this.#cancel?.()
    this.#cancel = this.#clock.after(
      delayMs,
      () => void (this.#desk.open > 0 ? this.#collect() : this.#sweep()),
    )
  }

  async #collect(): Promise<void> {
    const taken = await this.#guarded(connection => take(connection, this.#list))
    if (this.#connection === undefined) return
    for (const text of taken ?? []) this.#desk.deliver(decodeControlReply(text))
    this.#pauseMs = taken?.length ? FASTEST_MS : Math.min(SLOWEST_MS, this.#pauseMs * 1.5)
    this.#schedule(this.#desk.open > 0 ? this.#pauseMs : SWEEP_MS)
  }

  async #sweep(): Promise<void> {
    await this.#guarded(connection => connection.expire(this.#list, EXPIRE_SECONDS))
    if (this.#connection !== undefined) this.#schedule(this.#desk.open > 0 ? FASTEST_MS : SWEEP_MS)
  }

  async #guarded<T>(ask: (connection: RedisConnection) => Promise<T>): Promise<T | undefined> {
    const connection = this.#connection
    if (connection === undefined) return undefined
    this.#taking = true
    try {
      return await ask(connection)
    } catch (error) {
      // A lost connection ends the requests by itself; the server's refusal must not end us.
      if (connection.isReady)
        this.#log.warn('Control replies could not be read.', { error: errorText(error) })
      return undefined
    } finally {
      this.#taking = false
    }
  }
}

/** Takes the oldest replies, oldest first, in one step. Redis 6.2 has RPOP with a count; this works on all. */
async function take(connection: RedisConnection, list: string): Promise<readonly string[]> {
  const [texts] = await connection
    .multi()
    .lRange(list, -MOST_AT_ONCE, -1)
    .lTrim(list, 0, -MOST_AT_ONCE - 1)
    .rPush(list, PLACEHOLDER)
    .expire(list, EXPIRE_SECONDS)
    .exec()
  if (!Array.isArray(texts)) return []
  return texts.filter((text): text is string => typeof text === 'string' && text !== PLACEHOLDER).toReversed()
}
