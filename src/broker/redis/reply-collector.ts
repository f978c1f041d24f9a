import { type Cancel, type Clock, errorText, type Log } from '../../base/index.ts'
import { decodeControlReply } from '../../celery/index.ts'
import type { ReplyDesk } from '../reply-desk.ts'
import type { RedisConnection } from './connection.ts'

const FASTEST_MS = 2
const SLOWEST_MS = 50
const SWEEP_AFTER_MS = 5_000
/** The list outlives us so long at most, unless a worker answers after we are gone. */
const EXPIRE_SECONDS = 60
const MOST_AT_ONCE = 500

/**
 * Empties the one reply list of this process while somebody waits for replies: first every 2 ms, slower while nothing comes. It
 * asks on the ordinary connection instead of blocking one of its own, since requests are rare and answers come within
 * milliseconds. After the last request it looks once more, so that late answers do not stay.
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
  #swept = false

  constructor(list: string, desk: ReplyDesk, clock: Clock, log: Log) {
    this.#list = list
    this.#desk = desk
    this.#clock = clock
    this.#log = log
  }

  /** A request was just sent. */
  hurry(connection: RedisConnection): void {
    this.#connection = connection
    this.#pauseMs = FASTEST_MS
    this.#swept = false
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
    this.#cancel = this.#clock.after(delayMs, () => void this.#collect())
  }

  async #collect(): Promise<void> {
    const connection = this.#connection
    if (connection === undefined) return
    this.#taking = true
    let taken: readonly string[]
    try {
      taken = await take(connection, this.#list)
    } catch (error) {
      // A lost connection ends the requests by itself; the server's refusal must not end us.
      if (connection.isReady)
        this.#log.warn('Control replies could not be read.', { error: errorText(error) })
      taken = []
    } finally {
      this.#taking = false
    }
    if (this.#connection !== connection) return
    for (const text of taken) this.#desk.deliver(decodeControlReply(text))
    this.#pauseMs = taken.length > 0 ? FASTEST_MS : Math.min(SLOWEST_MS, this.#pauseMs * 1.5)
    if (this.#desk.open > 0) this.#schedule(this.#pauseMs)
    else if (!this.#swept) {
      this.#swept = true
      this.#schedule(SWEEP_AFTER_MS)
    }
  }
}

/** Takes the oldest replies, oldest first, in one step. Redis 6.2 has RPOP with a count; this works on all. */
async function take(connection: RedisConnection, list: string): Promise<readonly string[]> {
  const [texts] = await connection
    .multi()
    .lRange(list, -MOST_AT_ONCE, -1)
    .lTrim(list, 0, -MOST_AT_ONCE - 1)
    .expire(list, EXPIRE_SECONDS)
    .exec()
  if (!Array.isArray(texts)) return []
  return texts.filter((text): text is string => typeof text === 'string').toReversed()
}
