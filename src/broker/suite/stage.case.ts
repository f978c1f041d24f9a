import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../base/index.ts'
import {
  decodeEventMessage,
  type NameOptions,
  type RawEventMessage,
  taskMessage,
} from '../../celery/index.ts'
import type { Broker, BrokerListener, BrokerState, EventGap, FleetLink } from '../broker.ts'

/** Real time, for tests against real servers. */
export const realClock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
}

/** In what transports differ because Celery differs on them. */
export interface TransportTraits {
  /** What of an event message is handed over. */
  readonly form: RawEventMessage['form']
  /**
   * Redis: 0 is the most urgent, over all queues of a worker. RabbitMQ: 9 is, in each queue for itself, and only in queues declared
   * with `x-max-priority`, as the links of its world do.
   */
  readonly mostUrgent: 'lowest' | 'highest'
  /** A queue that nobody declared: on Redis it cannot be told from an empty one. */
  readonly unknownQueueIs: 'empty' | 'unknown'
  /** Keys and channels are named by kombu's options for Redis, and others' may be listened for. */
  readonly redisNames: boolean
  /** Messages can be looked at without taking them: which is the oldest, and how long one has been delivered. */
  readonly peeks: boolean
  /** The server may drop keys when its memory is full, and says by which policy. */
  readonly evicts: boolean
}

export const REDIS_TRAITS: TransportTraits = {
  form: 'envelope',
  mostUrgent: 'lowest',
  unknownQueueIs: 'empty',
  redisNames: true,
  peeks: true,
  evicts: true,
}

export const AMQP_TRAITS: TransportTraits = {
  form: 'body',
  mostUrgent: 'highest',
  unknownQueueIs: 'unknown',
  redisNames: false,
  peeks: false,
  evicts: false,
}

/** One world for one test: brokers and links on one server. */
export interface BrokerWorld {
  createBroker(name: string, names?: NameOptions): Broker
  createLink(names?: NameOptions): FleetLink
  /** Names of everything the server holds; on RabbitMQ of all queues that a broker makes. */
  keys(): Promise<readonly string[]>
  /** The server crashes, and stays away until `comeBack`. */
  crash(): Promise<void>
  comeBack(): Promise<void>
  end(): Promise<void>
}

/** Keeps what a broker tells. */
export function recorder(): BrokerListener & {
  messages: RawEventMessage[]
  states: BrokerState[]
  gaps: EventGap[]
  uuids(): string[]
} {
  const messages: RawEventMessage[] = []
  const states: BrokerState[] = []
  const gaps: EventGap[] = []
  return {
    messages,
    states,
    gaps,
    eventMessage: message => void messages.push(message),
    stateChanged: state => void states.push(state),
    gapEnded: gap => void gaps.push(gap),
    uuids: () =>
      messages
        .flatMap(message => decodeEventMessage(message).events)
        .map(event => ('uuid' in event ? event.uuid : event.hostname)),
  }
}

/** Starts a broker and keeps what it tells, once it is connected. */
export async function listening(broker: Broker): Promise<ReturnType<typeof recorder>> {
  const heard = recorder()
  broker.start(heard)
  await broker.ready(10_000)
  return heard
}

/** Waits until `holds`, at most `timeoutMs`. */
export async function eventually(holds: () => boolean, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${holds.toString()}`)
    await sleep(5)
  }
}

export const started = (uuid: string): Record<string, unknown> => ({
  hostname: 'w1@hostA',
  utcoffset: 0,
  pid: 1,
  clock: 1,
  uuid,
  timestamp: 1_795_400_479.5,
  type: 'task-started',
})

export const task = (id: string) =>
  taskMessage({ id, name: 'shop.sync', args: [1, 'two'], origin: 'gen1@client' })

/** A connected broker with its record, and a connected link. */
export interface Scene {
  readonly world: BrokerWorld
  readonly broker: Broker
  readonly heard: ReturnType<typeof recorder>
  readonly link: FleetLink
}

/** What the parts of the suite share. */
export interface Suite {
  readonly traits: TransportTraits
  /** Runs a test in a world of its own, which is taken down at the end. */
  readonly withWorld: (run: (scene: Scene) => Promise<void>, names?: NameOptions) => Promise<void>
}

export function suiteOf(traits: TransportTraits, createWorld: () => Promise<BrokerWorld>): Suite {
  return {
    traits,
    async withWorld(run, names) {
      const world = await createWorld()
      const broker = world.createBroker('default', names)
      const link = world.createLink(names)
      try {
        const heard = await listening(broker)
        await link.connect()
        await run({ world, broker, heard, link })
      } finally {
        await broker.stop()
        await link.close()
        await world.end()
      }
    },
  }
}
