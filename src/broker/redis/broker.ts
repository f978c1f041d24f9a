import { randomUUID } from 'node:crypto'
import type { Cancel, CeleriacError, Clock, Log } from '../../base/index.ts'
import { encodeControlRequest, redisNames } from '../../celery/index.ts'
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
import { Bindings } from '../discover.ts'
import { expecting, ReplyDesk } from '../reply-desk.ts'
import { BrokerStatus } from '../status.ts'
import type { TransportOptions } from '../transport-options.ts'
import type { RedisTarget } from '../url.ts'
import { openConnection, type RedisConnection } from './connection.ts'
import { ControlKeyReader } from './control-keys.ts'
import { QueueDiscovery } from './discovery.ts'
import { isReply, redisError } from './errors.ts'
import { listenElsewhere } from './listen-elsewhere.ts'
import { parseInfo } from './info.ts'
import { QueueReader } from './queue-reader.ts'
import { ReplyCollector } from './reply-collector.ts'
import { ServerReader } from './server-reader.ts'
import { UnackedReader } from './unacked.ts'

export interface RedisBrokerOptions {
  readonly name: string
  readonly target: RedisTarget
  readonly transportOptions?: TransportOptions
  readonly clock: Clock
  readonly log: Log
}

/** How long to wait before each new attempt; the last goes on for ever. Kept under 2 s so that a returned server is soon seen. */
const RETRY_DELAYS_MS: readonly number[] = [200, 500, 1000, 1500]

/** Deleting the reply list on stop may take so long. */
const STOP_TIMEOUT_MS = 1_000

/** Both connections of one life: lost together, opened together. */
interface Session {
  readonly commands: RedisConnection
  readonly subscriber: RedisConnection
}

/** A Broker on a Redis server: see `Broker`, and celery-wire.md sections 2, 3 and 8 for what it says there. */
export function createRedisBroker(options: RedisBrokerOptions): Broker {
  return new RedisBroker(options)
}

class RedisBroker implements Broker {
  readonly name: string
  readonly transport = 'redis'
  readonly address: string
  readonly #options: RedisBrokerOptions
  readonly #clock: Clock
  readonly #names
  readonly #status: BrokerStatus
  readonly #desk: ReplyDesk
  readonly #collector: ReplyCollector
  readonly #discovery: QueueDiscovery
  readonly #queues: QueueReader
  readonly #controlKeys: ControlKeyReader
  readonly #server: ServerReader
  readonly #replyRoutingKey: string
  readonly #stopping = new AbortController()
  #listener: BrokerListener | undefined
  #session: Session | undefined
  #attempts = 0
  #retry: Cancel | undefined

  constructor(options: RedisBrokerOptions) {
    this.#options = options
    this.name = options.name
    this.address = options.target.address
    this.#clock = options.clock
    this.#names = redisNames({ ...options.transportOptions, database: options.target.database })
    this.#status = new BrokerStatus(options.clock, this.address)
    this.#desk = new ReplyDesk(options.clock, options.log)
    this.#replyRoutingKey = this.#names.ownReplyKey(randomUUID())
    const list = this.#names.replyList(this.#replyRoutingKey)
    this.#collector = new ReplyCollector(list, this.#desk, options.clock, options.log)
    const bindings = new Bindings(this.#names)
    this.#discovery = new QueueDiscovery(this.#names, bindings)
    const unacked = new UnackedReader(
      this.#names,
      options.transportOptions ?? {},
      options.clock,
      options.log,
      origin => bindings.route(origin),
    )
    this.#queues = new QueueReader(this.#names, unacked, options.clock, options.log)
    this.#server = new ServerReader(unacked)
    this.#controlKeys = new ControlKeyReader(this.#names)
  }

  get state() {
    return this.#status.state
  }

  start(listener: BrokerListener): void {
    this.#status.start(listener)
    this.#listener = listener
    void this.#connect()
  }

  ready(timeoutMs: number): Promise<void> {
    return this.#status.ready(timeoutMs)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#retry?.()
    this.#collector.stop()
    const session = this.#session
    this.#session = undefined
    this.#status.stopped()
    this.#desk.abandon(this.#status.unavailable())
    if (session === undefined) return
    await this.#deleteReplies(session.commands)
    close(session)
  }

  async control(request: ControlRequest, options: ControlOptions): Promise<readonly ControlReply[]> {
    const ticket = randomUUID()
    return this.#ask(async connection => {
      const answers = this.#desk.await(ticket, expecting(request, options))
      const payload = encodeControlRequest(
        {
          method: request.method,
          arguments: request.arguments ?? {},
          destination: request.destination ?? null,
          ticket,
          replyTo: { exchange: '', routingKey: this.#replyRoutingKey },
        },
        { deliveryTag: randomUUID(), exchange: this.#names.controlExchange },
      )
      this.#collector.publish(connection, this.#names.controlChannel, payload).catch((error: unknown) => {
        this.#desk.abandon(redisError(error, this.#options.target, true), ticket)
      })
      return answers
    })
  }

  discoverQueues(): Promise<readonly string[]> {
    return this.#ask(connection => this.#discovery.discover(connection))
  }

  readQueues(queues: readonly string[]): Promise<readonly QueueReading[]> {
    return this.#ask(connection => this.#queues.read(connection, queues))
  }

  readServer(): Promise<ServerReading> {
    return this.#ask(async connection => (await this.#server.read(connection)).reading)
  }

  readControlKeys(): Promise<readonly ControlKeysReading[] | null> {
    return this.#ask(connection => this.#controlKeys.read(connection))
  }

  listenElsewhere(ms: number): Promise<readonly string[] | null> {
    return this.#ask(() =>
      listenElsewhere(this.#options.target, this.#names, this.#clock, ms, this.#stopping.signal),
    )
  }

  /** Runs a question on the command connection; whatever goes wrong comes out as a CeleriacError. */
  async #ask<T>(question: (connection: RedisConnection) => Promise<T>): Promise<T> {
    const session = this.#session
    if (session === undefined) throw this.#status.unavailable()
    try {
      return await question(session.commands)
    } catch (error) {
      // When the connection was lost meanwhile, the loss is the better reason.
      if (this.#session !== session && !isReply(error)) throw this.#status.unavailable()
      throw redisError(error, this.#options.target, true)
    }
  }

  async #connect(): Promise<void> {
    const { target, log } = this.#options
    let failed = false
    const lost = (error: CeleriacError): void => {
      if (failed) return
      failed = true
      this.#lost(error)
    }
    const opened: RedisConnection[] = []
    try {
      let received = 0
      const open = async (): Promise<RedisConnection> => {
        const connection = await openConnection(target, this.#clock, lost, () => received)
        opened.push(connection)
        return connection
      }
      const commands = await open()
      const subscriber = await open()
      await subscriber.pSubscribe(this.#names.eventPattern, payload => {
        received++
        if (this.#session?.subscriber === subscriber)
          this.#listener?.eventMessage({ form: 'envelope', payload, receivedAtMs: this.#clock.now() })
      })
      const version = await this.#askVersion(commands)
      if (failed || !this.#status.running) {
        opened.forEach(connection => connection.destroy())
        return
      }
      this.#session = { commands, subscriber }
      this.#attempts = 0
      log.debug('Connected to the broker.', { broker: this.name, address: this.address, version })
      this.#status.connected(version)
    } catch (error) {
      opened.forEach(connection => connection.destroy())
      lost(redisError(error, target, false))
    }
  }

  async #askVersion(connection: RedisConnection): Promise<string | undefined> {
    try {
      const fields = parseInfo(await connection.info('server'))
      return fields.get('valkey_version') ?? fields.get('redis_version')
    } catch (error) {
      // INFO may be forbidden; watching works without it.
      if (isReply(error)) return undefined
      throw error
    }
  }

  #lost(error: CeleriacError): void {
    const session = this.#session
    this.#session = undefined
    this.#collector.stop()
    this.#controlKeys.reset()
    if (session !== undefined) close(session)
    if (!this.#status.running) return
    this.#status.failed(error)
    this.#desk.abandon(error)
    const delayMs = RETRY_DELAYS_MS[Math.min(this.#attempts, RETRY_DELAYS_MS.length - 1)] ?? 1_000
    this.#attempts++
    this.#retry = this.#clock.after(delayMs, () => void this.#connect())
  }

  /** Best effort within a second: the list expires by itself where this fails. */
  async #deleteReplies(connection: RedisConnection): Promise<void> {
    let cancel: Cancel = () => {}
    const timeout = new Promise<void>(resolve => (cancel = this.#clock.after(STOP_TIMEOUT_MS, resolve)))
    const deleted = connection.del(this.#names.replyList(this.#replyRoutingKey)).catch((error: unknown) => {
      const { message } = redisError(error, this.#options.target, true)
      this.#options.log.debug('The reply list could not be deleted.', { broker: this.name, reason: message })
    })
    await Promise.race([deleted, timeout])
    cancel()
  }
}

function close(session: Session): void {
  session.subscriber.destroy()
  session.commands.destroy()
}
