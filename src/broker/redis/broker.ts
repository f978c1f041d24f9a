import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type Cancel, CeleriacError, type Clock, errorText, type Log } from '../../base/index.ts'
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
import { Retries } from '../retries.ts'
import { BrokerStatus } from '../status.ts'
import type { TransportOptions } from '../transport-options.ts'
import type { RedisTarget } from '../url.ts'
import { openConnection, type RedisConnection } from './connection.ts'
import { ControlKeyReader } from './control-keys.ts'
import { QueueDiscovery } from './discovery.ts'
import { isReply, redisError } from './errors.ts'
import { gapOf, type LostSubscription, type ServerMark } from './gap.ts'
import { type Locate, type LocatedTarget, locator } from './locate.ts'
import { listenElsewhere } from './listen-elsewhere.ts'
import { parseInfo, serverMark } from './info.ts'
import { QueueReader } from './queue-reader.ts'
import { RepeatFilter } from './repeat-filter.ts'
import { ReplyCollector } from './reply-collector.ts'
import { ServerReader } from './server-reader.ts'
import { unlessRefused } from './pipeline.ts'
import { Subscriber } from './subscriber.ts'
import { UnackedReader } from './unacked.ts'

export interface RedisBrokerOptions {
  readonly name: string
  readonly target: RedisTarget
  readonly transportOptions?: TransportOptions
  readonly clock: Clock
  readonly log: Log
}

/** How often sentinels are asked whether the master is still the same. */
const FOLLOW_MS = 10_000

/** Deleting the reply list on stop may take so long. */
const STOP_TIMEOUT_MS = 1_000

/** Both connections of one life: lost together, opened together. */
interface Session {
  readonly commands: RedisConnection
  readonly subscriber: Subscriber
  /** Where both are connected to. */
  readonly target: LocatedTarget
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
  readonly #locate: Locate
  readonly #status: BrokerStatus
  readonly #retries: Retries
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
  #follow: Cancel | undefined
  /** The subscription that was lost and not replaced yet. */
  #gap: LostSubscription | undefined
  /** The server as it was when it was asked last. */
  #mark: ServerMark = { runId: null, cutOffs: null }

  constructor(options: RedisBrokerOptions) {
    this.#options = options
    this.name = options.name
    this.address = options.target.address
    this.#clock = options.clock
    const { target, transportOptions = {} } = options
    this.#names = redisNames({
      ...transportOptions,
      database: target.database,
      literalDatabaseToo: target.at.kind === 'sentinel',
    })
    this.#locate = locator(target, transportOptions, options.clock)
    this.#status = new BrokerStatus(options.clock, this.address)
    this.#retries = new Retries(options.clock)
    this.#desk = new ReplyDesk(options.clock, options.log)
    this.#replyRoutingKey = this.#names.ownReplyKey(randomUUID())
    const list = this.#names.replyList(this.#replyRoutingKey)
    this.#collector = new ReplyCollector(list, this.#desk, options.clock, options.log)
    const bindings = new Bindings(this.#names)
    this.#discovery = new QueueDiscovery(this.#names, bindings)
    const unacked = new UnackedReader(this.#names, transportOptions, options.clock, options.log, origin =>
      bindings.route(origin),
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
    this.#retries.cancel()
    this.#follow?.()
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
      this.#collector.publish(connection, this.#names.controlChannels, payload).catch((error: unknown) => {
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
    return this.#ask(async connection => {
      const { reading, info } = await this.#server.read(connection)
      if (this.#session?.commands === connection) this.#mark = serverMark(info)
      return reading
    })
  }

  readControlKeys(): Promise<readonly ControlKeysReading[] | null> {
    return this.#ask(connection => this.#controlKeys.read(connection))
  }

  listenElsewhere(ms: number): Promise<readonly string[] | null> {
    return this.#ask(async () =>
      listenElsewhere(await this.#locate(), this.#names, this.#clock, ms, this.#stopping.signal),
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
    const lost = (error: CeleriacError, subscription?: LostSubscription): void => {
      if (failed) return
      failed = true
      this.#lost(error, subscription)
    }
    let commands: RedisConnection | undefined
    let subscriber: Subscriber | undefined
    try {
      const located = await this.#locate()
      commands = await openConnection(located, this.#clock, lost)
      const info = parseInfo((await unlessRefused(commands.info())) ?? '')
      if (target.at.kind === 'sentinel') checkIsMaster(info, target)
      subscriber = await Subscriber.open({
        target: located,
        patterns: this.#names.eventPatterns,
        clock: this.#clock,
        onLost: lost,
      })
      if (failed || !this.#status.running) {
        subscriber.destroy()
        commands.destroy()
        return
      }
      this.#connected({ commands, subscriber, target: located }, info)
    } catch (error) {
      subscriber?.destroy()
      commands?.destroy()
      log.debug('An attempt to connect failed.', { broker: this.name, attempt: this.#retries.failed + 1 })
      lost(redisError(error, target, false))
    }
  }

  #connected(session: Session, info: ReadonlyMap<string, string>): void {
    const version = info.get('valkey_version') ?? info.get('redis_version')
    const gap = this.#gap
    const before = this.#mark
    this.#session = session
    this.#retries.succeeded()
    this.#gap = undefined
    this.#mark = serverMark(info)
    this.#options.log.debug('Connected to the broker.', { broker: this.name, address: this.address, version })
    this.#status.connected(version)
    if (gap !== undefined) this.#listener?.gapEnded(gapOf(gap, before, this.#mark, this.#clock.now()))
    const repeats = this.#names.eventPatterns.length > 1 ? new RepeatFilter() : undefined
    session.subscriber.listen((payload, receivedAtMs, channel) => {
      if (repeats?.isRepeat(payload) === true) return
      this.#listener?.eventMessage({ form: 'envelope', payload, receivedAtMs, channel })
    })
    if (this.#options.target.at.kind === 'sentinel') this.#followMaster(session)
  }

  /** A master that is cut off from its sentinels does not close our connections when another takes its place. */
  #followMaster(session: Session): void {
    this.#follow = this.#clock.after(FOLLOW_MS, () => {
      this.#locate()
        .then(
          ({ at }) => {
            if (this.#session !== session || isDeepStrictEqual(at, session.target.at)) return
            this.#lost(
              new CeleriacError('BROKER_LOST', `The master behind ${this.address} is another now.`, {
                hint: 'We change to it.',
              }),
            )
          },
          // While no sentinel answers, the connection we have is the best there is.
          (error: unknown) =>
            this.#options.log.debug('The sentinels could not be asked.', { reason: errorText(error) }),
        )
        .finally(() => {
          if (this.#session === session) this.#followMaster(session)
        })
    })
  }

  #lost(error: CeleriacError, subscription?: LostSubscription): void {
    const session = this.#session
    this.#session = undefined
    this.#follow?.()
    this.#collector.stop()
    this.#controlKeys.reset()
    if (session !== undefined) {
      // The first end counts: until it is heard again, all is one gap.
      this.#gap = subscription ?? session.subscriber.end('given up')
      close(session)
    }
    if (!this.#status.running) return
    this.#status.failed(error)
    this.#desk.abandon(error)
    this.#retries.failedOnce(() => void this.#connect())
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

/** A sentinel may name a server that has stepped down, or not yet up. Where INFO is forbidden there is no telling. */
function checkIsMaster(info: ReadonlyMap<string, string>, target: RedisTarget): void {
  const role = info.get('role')
  if (role === undefined || role === 'master') return
  throw new CeleriacError(
    'BROKER_UNREACHABLE',
    `The server that the sentinels of ${target.address} name is no master.`,
    { hint: 'They are asked again.' },
  )
}

function close(session: Session): void {
  session.subscriber.destroy()
  session.commands.destroy()
}
