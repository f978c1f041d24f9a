import type { Channel } from 'amqplib'
import type { Clock, Log } from '../../base/index.ts'
import type { AmqpTarget } from '../url.ts'
import type { AmqpConnection } from './connection.ts'
import { amqpError, replyCode } from './errors.ts'

export interface QueueCounts {
  /** Messages ready. */
  readonly depth: number
  readonly consumers: number
}

/** A queue that is missing is looked for again after so long: each look is a line in the server's log and a new channel. */
const MISSING_AGAIN_MS = 10_000
/** Of AMQP's short strings (AMQP 0-9-1 section 4.2.5.3). */
const MAX_NAME_BYTES = 255

/**
 * Reads queues by declaring them passively, which changes nothing. A missing queue ends the channel, so that one channel serves
 * until that happens. Nothing is ever taken from a queue: getting and giving back would mark messages as redelivered.
 */
export class QueueReader {
  readonly #connection: AmqpConnection
  readonly #target: AmqpTarget
  readonly #clock: Clock
  readonly #log: Log
  readonly #missingUntilMs = new Map<string, number>()
  #channel: Channel | undefined
  #turn: Promise<unknown> = Promise.resolve()

  constructor(connection: AmqpConnection, target: AmqpTarget, clock: Clock, log: Log) {
    this.#connection = connection
    this.#target = target
    this.#clock = clock
    this.#log = log
  }

  /** Counts by queue; queues that do not exist, or that the server does not show, are left out. */
  read(queues: readonly string[]): Promise<ReadonlyMap<string, QueueCounts>> {
    // One after another: the end of a channel ends whatever else was asked on it.
    const result = this.#turn.then(() => this.#read(queues))
    this.#turn = result.catch(() => undefined)
    return result
  }

  async #read(queues: readonly string[]): Promise<ReadonlyMap<string, QueueCounts>> {
    const counts = new Map<string, QueueCounts>()
    const nowMs = this.#clock.now()
    for (const [queue, untilMs] of this.#missingUntilMs)
      if (untilMs <= nowMs) this.#missingUntilMs.delete(queue)
    for (const queue of queues) {
      if (this.#missingUntilMs.has(queue) || Buffer.byteLength(queue) > MAX_NAME_BYTES || queue === '')
        continue
      this.#channel ??= await this.#connection.openChannel(() => (this.#channel = undefined))
      try {
        const { messageCount, consumerCount } = await this.#channel.checkQueue(queue)
        counts.set(queue, { depth: messageCount, consumers: consumerCount })
      } catch (error) {
        this.#channel = undefined
        if (replyCode(error) === undefined) throw error
        this.#missingUntilMs.set(queue, nowMs + MISSING_AGAIN_MS)
        const { message } = amqpError(error, this.#target, true)
        this.#log.debug('A queue could not be read.', { queue, reason: message })
      }
    }
    return counts
  }
}
