import { randomUUID } from 'node:crypto'
import { type Cancel, type CeleriacError, type Clock, errorText, type Log } from '../../base/index.ts'
import { controlRequestBody, type ExchangeOptions, exchangeNames } from '../../celery/index.ts'
import type {
  Broker,
  BrokerListener,
  ControlKeysReading,
  ControlOptions,
  ControlReply,
  ControlRequest,
  QueueReading,
  ServerReading,
} from '../broker.ts'
import { expecting, ReplyDesk } from '../reply-desk.ts'
import { Retries } from '../retries.ts'
import { deadline } from '../silence.ts'
import { BrokerStatus } from '../status.ts'
import type { AmqpTarget } from '../url.ts'
import { amqpError, replyCode } from './errors.ts'
import { EventQueue, type EventQueueLimits } from './event-queue.ts'
import { Management } from './management.ts'
import type { ManagementTarget } from './management-url.ts'
import { JSON_PROPERTIES } from './message.ts'
import { controlKeys, taskQueueNames, taskQueues } from './queue-kinds.ts'
import { openSession, PROBE_TYPE, type Session, watchSession } from './session.ts'

export interface AmqpBrokerOptions {
  readonly name: string
  readonly target: AmqpTarget
  readonly transportOptions?: ExchangeOptions
  readonly management?: ManagementTarget
  readonly eventQueueLimits?: EventQueueLimits
  readonly clock: Clock
  readonly log: Log
}

/** Connecting twice, declaring and binding may take so long. */
const CONNECT_TIMEOUT_MS = 12_000
const STOP_TIMEOUT_MS = 1_000
/** Somebody may delete the exchange, and with it our binding, without the queue being touched. */
const BIND_AGAIN_MS = 30_000
/** The listing that the depths were read with serves the rest of the round. */
const SAME_ROUND_MS = 2_000

/** A Broker on a RabbitMQ: see `Broker`, and celery-wire.md sections 4, 5 and 8 for what it says there. */
export function createAmqpBroker(options: AmqpBrokerOptions): Broker {
  return new AmqpBroker(options)
}

class AmqpBroker implements Broker {
  readonly name: string
  readonly transport = 'amqp'
  readonly address: string
  readonly #options: AmqpBrokerOptions
  readonly #clock: Clock
  readonly #names
  readonly #status: BrokerStatus
  readonly #retries: Retries
  readonly #desk: ReplyDesk
  readonly #queue: EventQueue
  readonly #management: Management | undefined
  #listener: BrokerListener | undefined
  #session: Session | undefined
  #attempt: Promise<void> = Promise.resolve()
  #cancelBind: Cancel | undefined
  #stopWatch: Cancel | undefined
  /** Since when events may have been lost; undefined while none were. */
  #deafSinceMs: number | undefined
  #overflowSinceMs: number | undefined
  #heardAtMs = 0
  #mayProbe = true

  constructor(options: AmqpBrokerOptions) {
    const { clock, log, target } = options
    this.#options = options
    this.name = options.name
    this.address = target.address
    this.#clock = clock
    this.#names = exchangeNames(options.transportOptions)
    this.#status = new BrokerStatus(clock, this.address)
    this.#retries = new Retries(clock)
    this.#desk = new ReplyDesk(clock, log)
    this.#queue = new EventQueue({
      exchange: this.#names.eventExchange,
      clock,
      log,
      hear: message => this.#listener?.eventMessage(message),
      ...(options.eventQueueLimits === undefined ? {} : { limits: options.eventQueueLimits }),
    })
    this.#management =
      options.management === undefined ? undefined : new Management(options.management, clock, log)
  }

  get state() {
    return this.#status.state
  }

  start(listener: BrokerListener): void {
    this.#status.start(listener)
    this.#listener = listener
    this.#attempt = this.#connect()
  }

  ready(timeoutMs: number): Promise<void> {
    return this.#status.ready(timeoutMs)
  }

  async stop(): Promise<void> {
    this.#retries.cancel()
    this.#cancelBind?.()
    this.#stopWatch?.()
    const session = this.#session
    this.#session = undefined
    this.#status.stopped()
    this.#desk.abandon(this.#status.unavailable())
    this.#management?.close()
    // An attempt under way sees that it is over, and takes back what it made.
    const ended = session === undefined ? this.#attempt : this.#end(session)
    const inTime = deadline(this.#clock, STOP_TIMEOUT_MS)
    await Promise.race([ended, inTime.promise]).catch(() => undefined)
    inTime.cancel()
    session?.destroy()
  }

  control(request: ControlRequest, options: ControlOptions): Promise<readonly ControlReply[]> {
    const ticket = randomUUID()
    return this.#ask(async session => {
      const answers = this.#desk.await(ticket, expecting(request, options))
      const body = controlRequestBody({
        method: request.method,
        arguments: request.arguments ?? {},
        destination: request.destination ?? null,
        ticket,
        replyTo: { exchange: '', routingKey: session.replyQueue },
      })
      // Workers expect a table of headers, be it empty (kombu `pidbox.py`, `handle_message`). Without the exchange there never was a worker: nobody answers, and the time-out says so. A request that nobody takes in time
      // is of no use to anybody later.
      session.publisher
        .publish(this.#names.controlExchange, '', body, {
          ...JSON_PROPERTIES,
          deliveryMode: 2,
          expiration: Math.max(1, Math.ceil(options.timeoutMs)),
          headers: {},
        })
        .catch((error: unknown) => this.#desk.abandon(this.#explained(error, session), ticket))
      return answers
    })
  }

  discoverQueues(): Promise<readonly string[]> {
    return this.#ask(async () =>
      taskQueueNames((await this.#management?.queues())?.queues ?? [], this.#names),
    )
  }

  readQueues(queues: readonly string[]): Promise<readonly QueueReading[]> {
    return this.#ask(async session => {
      const listing = await this.#management?.queues()
      const managed = listing && new Map(listing.queues.map(queue => [queue.name, queue]))
      // Asking for a queue that does not exist costs a channel and a line in the log of the server.
      const existing = listing?.complete === true ? queues.filter(queue => managed?.has(queue)) : queues
      const counts = await session.reader.read(existing)
      return existing.flatMap(queue => {
        const count = counts.get(queue)
        const more = managed?.get(queue)
        return count === undefined
          ? []
          : [
              {
                queue,
                depth: count.depth,
                consumers: count.consumers,
                heads: null,
                newest: null,
                deliveredTotal: more?.deliveredTotal ?? null,
                unacked: more?.unacked ?? null,
              },
            ]
      })
    })
  }

  readServer(): Promise<ServerReading> {
    return this.#ask(async session => {
      const [roundTripSeconds, blocked, server, listing] = await Promise.all([
        this.#roundTrip(session),
        this.#askBlocked(session),
        this.#management?.server(),
        this.#management?.queues(SAME_ROUND_MS),
      ])
      const tasks = listing && taskQueues(listing.queues, this.#names)
      const told = [server?.alarms ?? null, blocked].filter(alarms => alarms !== null)
      return {
        version: session.events.serverVersion ?? null,
        memoryUsedBytes: server?.memoryUsedBytes ?? null,
        memoryMaxBytes: server?.memoryMaxBytes ?? null,
        connectedClients: upToDate(server?.connections),
        maxClients: server?.maxConnections ?? null,
        evictedKeysTotal: null,
        maxmemoryPolicy: null,
        roundTripSeconds,
        blockedConsumers: null,
        unacked: sumKnown(tasks?.map(queue => queue.unacked)),
        unackedOldestAgeSeconds: null,
        unackedOverdue: null,
        // The default is a setting of the server's that no API shows; a queue or its policy may say it.
        redeliveryTimeoutSeconds: minimumKnown(tasks?.map(queue => queue.consumerTimeoutSeconds)),
        alarms: told.length === 0 ? null : [...new Set(told.flat())].sort(),
      }
    })
  }

  readControlKeys(): Promise<readonly ControlKeysReading[] | null> {
    return this.#ask(async () => {
      const listing = await this.#management?.queues(SAME_ROUND_MS)
      return listing === undefined ? null : controlKeys(listing.queues, this.#names)
    })
  }

  /** A vhost is not a text in the names: a wrong one is refused. */
  listenElsewhere(): Promise<null> {
    return this.#ask(() => Promise.resolve(null))
  }

  async #roundTrip(session: Session): Promise<number> {
    const began = performance.now()
    await session.channel.checkQueue(this.#queue.name)
    return (performance.now() - began) / 1000
  }

  /**
   * Whether the broker takes messages at all, tried with one to ourselves, since it tells of a shortage only those who publish, and
   * counts what reaches nobody. null when we may not try.
   */
  async #askBlocked(session: Session): Promise<readonly string[] | null> {
    if (!this.#mayProbe) return null
    try {
      await session.publisher.publish('', session.replyQueue, '', { deliveryMode: 1, type: PROBE_TYPE })
      return []
    } catch (error) {
      const reason = session.requests.blockedBecause
      if (reason !== undefined)
        return ['blocked', ...['memory', 'disk'].filter(resource => reason.includes(resource))]
      if (!/ACCESS_REFUSED/.test(errorText(error))) return null
      this.#mayProbe = false
      this.#options.log.info(
        'We may not publish to the default exchange, so alarms of the broker are seen through the management API only.',
        { broker: this.name },
      )
      return null
    }
  }

  /** Runs a question; whatever goes wrong comes out as a CeleriacError. */
  async #ask<T>(question: (session: Session) => Promise<T>): Promise<T> {
    const session = this.#session
    if (session === undefined) throw this.#status.unavailable()
    try {
      return await question(session)
    } catch (error) {
      throw this.#explained(error, session)
    }
  }

  /** When the connection was lost meanwhile, the loss is the better reason. */
  #explained(error: unknown, session: Session): CeleriacError {
    if (this.#session !== session && replyCode(error) === undefined) return this.#status.unavailable()
    return amqpError(error, this.#options.target, true)
  }

  async #connect(): Promise<void> {
    const { target, clock, log } = this.#options
    let over = false
    const lost = (error: CeleriacError): void => {
      if (over) return
      over = true
      this.#lost(error)
    }
    const options = { target, queue: this.#queue, desk: this.#desk, clock, log, onLost: lost }
    const inTime = deadline(clock, CONNECT_TIMEOUT_MS)
    const opening = openSession(options)
    try {
      const session = await Promise.race([opening, inTime.promise])
      if (over) return session.destroy()
      if (!this.#status.running) return await this.#end(session)
      this.#session = session
      this.#stopWatch = watchSession(session, options, {
        waiting: messages => this.#heard(messages),
        silent: () => (this.#deafSinceMs ??= this.#heardAtMs),
        lost,
      })
      this.#began(session)
      await this.#queue.consume(session.events, lost)
    } catch (error) {
      // Whoever comes too late is not wanted any more.
      opening.then(
        session => session.destroy(),
        () => {},
      )
      lost(amqpError(error, target, this.#session !== undefined))
    } finally {
      inTime.cancel()
    }
  }

  #began(session: Session): void {
    this.#retries.succeeded()
    this.#heardAtMs = this.#clock.now()
    this.#bindLater(session)
    const version = session.events.serverVersion
    this.#options.log.debug('Connected to the broker.', { broker: this.name, address: this.address, version })
    this.#status.connected(version)
    const fromMs = this.#deafSinceMs
    this.#deafSinceMs = undefined
    // Found again, the queue has kept what came meanwhile.
    if (fromMs !== undefined && !session.continued)
      this.#listener?.gapEnded({ reason: 'connection_lost', fromMs, toMs: this.#clock.now() })
  }

  #lost(error: CeleriacError): void {
    const session = this.#session
    this.#session = undefined
    this.#stopWatch?.()
    this.#cancelBind?.()
    this.#queue.connectionLost()
    if (/transient_nonexcl_queues/.test(error.message)) this.#queue.makeDurable()
    if (session !== undefined) {
      this.#deafSinceMs ??= this.#clock.now()
      session.destroy()
    }
    if (!this.#status.running) return
    this.#status.failed(error)
    this.#desk.abandon(error)
    this.#retries.failedOnce(() => {
      this.#attempt = this.#connect()
    })
  }

  #bindLater(session: Session): void {
    this.#cancelBind = this.#clock.after(BIND_AGAIN_MS, () => {
      this.#queue.bind(session.events).catch((error: unknown) => {
        if (this.#session === session)
          this.#options.log.warn('The event queue could not be bound again.', {
            broker: this.name,
            reason: this.#explained(error, session).line,
          })
      })
      if (this.#session === session) this.#bindLater(session)
    })
  }

  /** The server lives, and so much waits for us. A full queue drops its oldest messages and does not say how many. */
  #heard(waiting: number): void {
    const nowMs = this.#clock.now()
    this.#heardAtMs = nowMs
    if (waiting >= this.#queue.limits.waitingMessages) this.#overflowSinceMs ??= nowMs
    else if (this.#overflowSinceMs !== undefined) {
      const fromMs = this.#overflowSinceMs
      this.#overflowSinceMs = undefined
      this.#listener?.gapEnded({ reason: 'overflow', fromMs, toMs: nowMs })
    }
  }

  /** Takes back what was made in the broker and closes; best effort, since all of it goes by itself. */
  async #end(session: Session): Promise<void> {
    try {
      await this.#queue.delete(session.events)
    } catch (error) {
      const { message } = amqpError(error, this.#options.target, true)
      this.#options.log.debug('The event queue could not be deleted.', { broker: this.name, reason: message })
    }
    await Promise.all([session.events.close(), session.requests.close()])
  }
}

/** Connections are counted every few seconds: a number that lacks our own two is of before. */
const upToDate = (connections: number | null | undefined): number | null =>
  connections === null || connections === undefined || connections < 2 ? null : connections

/** The sum, or null when there is nothing to add or one of the numbers is not known. */
function sumKnown(values: readonly (number | null)[] | undefined): number | null {
  if (values === undefined) return null
  return values.reduce((sum, value) => (sum === null || value === null ? null : sum + value), 0)
}

/** The smallest, or null when there is none or one is not known. */
function minimumKnown(values: readonly (number | null)[] | undefined): number | null {
  if (values === undefined || values.length === 0) return null
  return values.reduce((least, value) => (least === null || value === null ? null : Math.min(least, value)))
}
