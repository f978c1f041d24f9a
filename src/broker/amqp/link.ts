import { randomUUID } from 'node:crypto'
import type { Channel, Options } from 'amqplib'
import { type Cancel, CeleriacError, type Clock, type Log } from '../../base/index.ts'
import {
  controlReplyBody,
  eventMessage,
  type ExchangeOptions,
  exchangeNames,
  priorityOf,
  readControlRequest,
  readTask,
  taskBody,
} from '../../celery/index.ts'
import type { FleetLink, ReceivedControl } from '../broker.ts'
import type { AmqpTarget } from '../url.ts'
import { type AmqpConnection, openConnection } from './connection.ts'
import { amqpError } from './errors.ts'
import { declareEventExchange } from './event-queue.ts'
import { envelopeOf, JSON_PROPERTIES } from './message.ts'
import { Publisher } from './publisher.ts'

export interface AmqpLinkOptions {
  readonly target: AmqpTarget
  readonly transportOptions?: ExchangeOptions
  /** Celery's `task_queue_max_priority`; without it a queue knows no priorities, and messages come in order. */
  readonly maxPriority?: number
  readonly clock: Clock
  readonly log: Log
}

const RETRY_MS = 1_000

/**
 * The fleet's side of a RabbitMQ: for the simulated fleet and for tests. What is published is confirmed. While the server is away
 * every call rejects; the next call after its return opens the connection again, and control requests are heard again within about
 * a second.
 */
export function createAmqpLink(options: AmqpLinkOptions): FleetLink {
  return new AmqpLink(options)
}

/** One connection and what was declared on it. */
interface Line {
  readonly connection: AmqpConnection
  readonly publisher: Publisher
  readonly declared: Map<string, Promise<void>>
  channel: Channel | undefined
}

class AmqpLink implements FleetLink {
  readonly #options: AmqpLinkOptions
  readonly #names
  readonly #handlers: ((request: ReceivedControl) => void)[] = []
  #open = false
  #line: Promise<Line> | undefined
  #retry: Cancel | undefined

  constructor(options: AmqpLinkOptions) {
    this.#options = options
    this.#names = exchangeNames(options.transportOptions)
  }

  async connect(): Promise<void> {
    this.#open = true
    await this.#ask(async () => {})
  }

  async close(): Promise<void> {
    this.#open = false
    this.#retry?.()
    const line = await this.#line?.catch(() => undefined)
    this.#line = undefined
    await line?.connection.close()
  }

  async publishEvents(events: Parameters<FleetLink['publishEvents']>[0]): Promise<void> {
    const { routingKey, headers, body } = eventMessage(events)
    await this.#publishEvent(routingKey, body, { headers })
  }

  publishRaw(routingKey: string, payload: string): Promise<void> {
    return this.#publishEvent(routingKey, payload, {})
  }

  declareQueue(queue: string): Promise<void> {
    return this.#ask(line => this.#declareQueue(line, queue))
  }

  publishTask(
    queue: string,
    task: Parameters<FleetLink['publishTask']>[1],
    priority = priorityOf(task),
  ): Promise<void> {
    return this.#ask(async line => {
      await this.#declareQueue(line, queue)
      const { correlation_id: correlationId, reply_to: replyTo, expiration } = task.properties
      await line.publisher.publish(queue, queue, taskBody(task), {
        ...JSON_PROPERTIES,
        deliveryMode: 2,
        priority,
        headers: task.headers,
        ...(typeof correlationId === 'string' ? { correlationId } : {}),
        ...(typeof replyTo === 'string' ? { replyTo } : {}),
        ...(typeof expiration === 'string' ? { expiration } : {}),
      })
    })
  }

  takeTask(queues: readonly string[]): ReturnType<FleetLink['takeTask']> {
    return this.#ask(async line => {
      for (const queue of queues) {
        await this.#declareQueue(line, queue)
        line.channel ??= await line.connection.openChannel(() => (line.channel = undefined))
        const message = await line.channel.get(queue, { noAck: true })
        if (message === false) continue
        const task = readTask(envelopeOf(message))
        if (!task.ok) {
          throw new CeleriacError(
            'BROKER_REFUSED',
            `A message of queue ${queue} is no task this program can read: ${task.detail}.`,
          )
        }
        return { queue, task: task.value }
      }
      return undefined
    })
  }

  onControl(handle: (request: ReceivedControl) => void): Promise<void> {
    return this.#ask(async line => {
      this.#handlers.push(handle)
      if (this.#handlers.length === 1) await this.#hearControl(line)
    })
  }

  reply(request: ReceivedControl, node: string, value: unknown): Promise<void> {
    const to = request.replyTo
    if (to === null) return Promise.resolve()
    return this.#ask(async line => {
      if (to.exchange !== '') await this.#declareExchange(line, to.exchange, 'direct', false)
      await line.publisher.publish(to.exchange, to.routingKey, controlReplyBody({ node, value }), {
        ...JSON_PROPERTIES,
        deliveryMode: 1,
        headers: { ticket: request.ticket },
      })
    })
  }

  #publishEvent(routingKey: string, body: string, properties: Options.Publish): Promise<void> {
    return this.#ask(async line => {
      const { eventExchange } = this.#names
      await once(line, eventExchange, () => declareEventExchange(line.connection, eventExchange))
      await line.publisher.publish(eventExchange, routingKey, body, {
        ...JSON_PROPERTIES,
        deliveryMode: 1,
        ...properties,
      })
    })
  }

  #declareExchange(line: Line, exchange: string, type: string, durable: boolean): Promise<void> {
    return once(line, exchange, async () => {
      const channel = await line.connection.openChannel()
      await channel.assertExchange(exchange, type, { durable })
      await channel.close()
    })
  }

  #declareQueue(line: Line, queue: string): Promise<void> {
    const { maxPriority } = this.#options
    return once(line, `queue ${queue}`, async () => {
      // One that no setting describes gets an exchange of its own name, as the default queue has (Celery `app/amqp.py`, `new_missing`).
      const exchange = queue
      await this.#declareExchange(line, exchange, 'direct', true)
      const channel = await line.connection.openChannel()
      await channel.assertQueue(queue, {
        durable: true,
        ...(maxPriority === undefined ? {} : { maxPriority }),
      })
      await channel.bindQueue(queue, exchange, queue)
      await channel.close()
    })
  }

  /** As a worker's mailbox does (kombu `pidbox.py`, `Node.Consumer`; celery-wire.md section 4). */
  async #hearControl(line: Line): Promise<void> {
    const { controlExchange } = this.#names
    await this.#declareExchange(line, controlExchange, 'fanout', false)
    const channel = await line.connection.openChannel()
    const { queue } = await channel.assertQueue(`${randomUUID()}.${controlExchange}`, {
      durable: false,
      autoDelete: true,
      expires: 10_000,
      messageTtl: 300_000,
    })
    await channel.bindQueue(queue, controlExchange, '')
    await channel.consume(
      queue,
      message => {
        if (message === null) return
        const request = readControlRequest(envelopeOf(message))
        if (request.ok) for (const handle of this.#handlers) handle(request.value)
        else this.#options.log.warn('A control request could not be read.', { detail: request.detail })
      },
      { noAck: true },
    )
  }

  async #ask<T>(question: (line: Line) => Promise<T>): Promise<T> {
    const { target } = this.#options
    if (!this.#open) throw new CeleriacError('BROKER_LOST', `The link to ${target.address} is not connected.`)
    try {
      this.#line ??= this.#openLine()
      return await question(await this.#line)
    } catch (error) {
      throw amqpError(error, target, true)
    }
  }

  async #openLine(): Promise<Line> {
    const { target, clock, log } = this.#options
    const lost = (error: CeleriacError): void => {
      log.warn('The link to the broker was lost.', { reason: error.line })
      this.#line = undefined
      this.#openLater()
    }
    try {
      const connection = await openConnection(target, clock, lost)
      const publisher = new Publisher(connection, target, clock)
      const line: Line = { connection, publisher, declared: new Map(), channel: undefined }
      if (this.#handlers.length > 0) await this.#hearControl(line)
      return line
    } catch (error) {
      this.#line = undefined
      throw error
    }
  }

  /** Control requests must be heard again without anybody calling. */
  #openLater(): void {
    if (!this.#open || this.#handlers.length === 0) return
    this.#retry?.()
    this.#retry = this.#options.clock.after(RETRY_MS, () => {
      if (this.#open && this.#line === undefined) this.#ask(async () => {}).catch(() => this.#openLater())
    })
  }
}

/** Declares a thing once a connection. */
function once(line: Line, key: string, declare: () => Promise<void>): Promise<void> {
  let declared = line.declared.get(key)
  if (declared === undefined) {
    declared = declare()
    line.declared.set(key, declared)
    declared.catch(() => line.declared.delete(key))
  }
  return declared
}
