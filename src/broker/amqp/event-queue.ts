import { randomUUID } from 'node:crypto'
import type { Channel, ConsumeMessage } from 'amqplib'
import { type Cancel, CeleriacError, type Clock, type Log } from '../../base/index.ts'
import type { RawEventMessage } from '../../celery/index.ts'
import type { AmqpConnection } from './connection.ts'
import { REPLY, replyCode } from './errors.ts'
import { fingerprintOf, rawEvent } from './message.ts'
import { RedeliveryFilter } from './redelivery-filter.ts'

/** Names of our queues begin with this, so that what a killed process left for a minute can be recognised. */
export const OWN_PREFIX = 'celeriac.'

export interface EventQueueLimits {
  /**
   * What may wait for us in the broker: a burst that outruns us, and what is published until we are back. Beyond it the broker drops
   * the oldest, so that a slow monitor never takes the memory that tasks need.
   */
  readonly waitingMessages: number
  readonly waitingBytes: number
  /** Messages that may be under way without our acknowledgement. */
  readonly prefetch: number
}

const DEFAULT_LIMITS: EventQueueLimits = {
  waitingMessages: 200_000,
  waitingBytes: 256 * 1024 * 1024,
  // Enough for 20,000 a second at 100 ms of round trip.
  prefetch: 2_000,
}

/** Celery's own receivers have 5 s, and lose silently whatever they are later than that (celery-wire.md section 4). */
const MESSAGE_TTL_MS = 600_000
/** The queue waits so long for a lost connection to come back, and then goes by itself. */
const QUEUE_EXPIRES_MS = 60_000

/** A part of the prefetch is acknowledged at once, and what comes slower after a moment. */
const ACKS_A_PREFETCH = 8
const ACK_AFTER_MS = 200

export interface EventQueueOptions {
  readonly exchange: string
  readonly clock: Clock
  readonly log: Log
  readonly hear: (message: RawEventMessage) => void
  readonly limits?: EventQueueLimits
}

/**
 * The queue of this process on the event exchange. It outlives a connection, and events are acknowledged after they were handed
 * over: those that wait in the broker or were under way when a connection is lost come on the next one, and none comes twice (see
 * `RedeliveryFilter`). It is transient, so that finding it again proves that the broker lost nothing in between.
 */
export class EventQueue {
  readonly limits: EventQueueLimits
  readonly #options: EventQueueOptions
  readonly #filter: RedeliveryFilter
  #name = newName()
  #declared = false
  #durable = false
  #received = 0
  #channel: Channel | undefined
  #lastUnacked: ConsumeMessage | undefined
  #unacked = 0
  #ackTimer: Cancel | undefined

  constructor(options: EventQueueOptions) {
    this.#options = options
    this.limits = options.limits ?? DEFAULT_LIMITS
    this.#filter = new RedeliveryFilter(this.limits.prefetch)
  }

  get name(): string {
    return this.#name
  }

  /** Messages so far. */
  get received(): number {
    return this.#received
  }

  /**
   * Declares and binds the queue where it is missing. Resolves with true when it was there from before and proves that nothing was
   * lost. Rejects with what the broker said, as all here does.
   */
  async prepare(connection: AmqpConnection): Promise<boolean> {
    const continued = this.#declared && !this.#durable && (await this.#exists(connection))
    await this.bind(connection)
    return continued
  }

  /** Consumes from now on. `onLost` hears when that ends. */
  async consume(connection: AmqpConnection, onLost: (error: CeleriacError) => void): Promise<void> {
    const channel = await connection.openChannel(error => {
      this.connectionLost()
      onLost(
        new CeleriacError('BROKER_LOST', `The channel of events was closed: ${error?.message ?? 'by us'}.`),
      )
    })
    await channel.prefetch(this.limits.prefetch)
    this.#channel = channel
    await channel.consume(this.name, message => {
      if (message !== null) this.#take(message, channel)
      else onLost(new CeleriacError('BROKER_LOST', `The queue ${this.name} was deleted in the broker.`))
    })
  }

  /** Makes sure that the exchange, the queue and the binding are there; costs the broker next to nothing when they are. */
  async bind(connection: AmqpConnection): Promise<void> {
    await declareEventExchange(connection, this.#options.exchange)
    const channel = await connection.openChannel()
    try {
      await channel.assertQueue(this.name, {
        durable: this.#durable,
        autoDelete: false,
        expires: QUEUE_EXPIRES_MS,
        messageTtl: MESSAGE_TTL_MS,
        maxLength: this.limits.waitingMessages,
        overflow: 'drop-head',
        arguments: { 'x-max-length-bytes': this.limits.waitingBytes },
      })
    } catch (error) {
      // It cannot be had again, as when it is durable and lived on a node that is down: the next attempt makes another.
      if (replyCode(error) !== undefined && replyCode(error) !== REPLY.accessRefused) {
        this.#name = newName()
        this.#declared = false
      }
      throw error
    }
    this.#declared = true
    await channel.bindQueue(this.name, this.#options.exchange, '#')
    await channel.close()
  }

  /**
   * For servers that permit no transient queues (RabbitMQ 4, deprecated feature `transient_nonexcl_queues`): a durable queue is
   * there again after a restart, without the messages, so that finding it proves nothing any more.
   */
  makeDurable(): void {
    this.#durable = true
    this.#declared = false
  }

  /** The connection is gone. */
  connectionLost(): void {
    if (this.#channel === undefined) return
    this.#channel = undefined
    this.#ackTimer?.()
    this.#ackTimer = undefined
    this.#lastUnacked = undefined
    this.#unacked = 0
    this.#filter.sessionLost(this.#options.clock.now())
  }

  async delete(connection: AmqpConnection): Promise<void> {
    const channel = await connection.openChannel()
    await channel.deleteQueue(this.name)
    this.#declared = false
  }

  async #exists(connection: AmqpConnection): Promise<boolean> {
    const channel = await connection.openChannel()
    try {
      await channel.checkQueue(this.name)
    } catch (error) {
      if (replyCode(error) === REPLY.notFound) return false
      throw error
    }
    await channel.close()
    return true
  }

  #take(message: ConsumeMessage, channel: Channel): void {
    if (channel !== this.#channel) return
    const { clock, log, hear } = this.#options
    this.#received++
    const fingerprint = fingerprintOf(message)
    if (message.fields.redelivered && this.#filter.isRepetition(fingerprint, clock.now()))
      log.debug('An event came again after a lost connection and was passed over.')
    else hear(rawEvent(message, clock.now()))
    this.#filter.remember(fingerprint)
    this.#lastUnacked = message
    if (++this.#unacked >= this.limits.prefetch / ACKS_A_PREFETCH) this.#acknowledge()
    else this.#ackTimer ??= clock.after(ACK_AFTER_MS, () => this.#acknowledge())
  }

  #acknowledge(): void {
    this.#ackTimer?.()
    this.#ackTimer = undefined
    const last = this.#lastUnacked
    this.#lastUnacked = undefined
    this.#unacked = 0
    if (last !== undefined) this.#channel?.ack(last, true)
  }
}

const newName = (): string => `${OWN_PREFIX}events.${randomUUID()}`

/**
 * Makes sure that the event exchange is there, as Celery declares it. It is looked for first, since a fleet may have declared it
 * otherwise, and a second declaration that differs is an error of the whole channel.
 */
export async function declareEventExchange(connection: AmqpConnection, exchange: string): Promise<void> {
  let channel = await connection.openChannel()
  try {
    await channel.checkExchange(exchange)
  } catch (error) {
    if (replyCode(error) !== REPLY.notFound) throw error
    channel = await connection.openChannel()
    await channel.assertExchange(exchange, 'topic', { durable: true })
  }
  await channel.close()
}
