import { connect, createServer, type Socket } from 'node:net'
import { type CeleriacError, CeleriacError as ErrorClass, type Log, silentLog } from '../../base/index.ts'
import type { ExchangeOptions } from '../../celery/index.ts'
import type { Broker, FleetLink } from '../broker.ts'
import { realClock, recorder } from '../suite/stage.case.ts'
import { type AmqpTarget, parseBrokerUrl } from '../url.ts'
import { createAmqpBroker } from './broker.ts'
import type { EventQueueLimits } from './event-queue.ts'
import { createAmqpLink } from './link.ts'
import { parseManagementUrl } from './management-url.ts'

export function amqpTarget(url: string): AmqpTarget {
  const target = parseBrokerUrl(url)
  if (target.transport !== 'amqp') throw new Error(`not a RabbitMQ: ${url}`)
  return target
}

export function brokerAt(
  url: string,
  options: {
    readonly name?: string
    readonly managementUrl?: string
    readonly names?: ExchangeOptions
    readonly limits?: EventQueueLimits
    readonly log?: Log
  } = {},
): Broker {
  const target = amqpTarget(url)
  const { name = 'default', managementUrl, names, limits, log = silentLog } = options
  return createAmqpBroker({
    name,
    target,
    clock: realClock,
    log,
    ...(names && { transportOptions: names }),
    ...(limits === undefined ? {} : { eventQueueLimits: limits }),
    ...(managementUrl === undefined ? {} : { management: parseManagementUrl(managementUrl, target) }),
  })
}

export const linkTo = (url: string, names?: ExchangeOptions): FleetLink =>
  createAmqpLink({
    target: amqpTarget(url),
    clock: realClock,
    log: silentLog,
    maxPriority: 9,
    ...(names && { transportOptions: names }),
  })

/** The same, connected. */
export async function linked(url: string): Promise<FleetLink> {
  const link = linkTo(url)
  await link.connect()
  return link
}

export const started = (uuid: string) => ({
  hostname: 'w@h',
  type: 'task-started',
  uuid,
  timestamp: 1,
  clock: 1,
})

/** What `ready` says in the end. */
export async function refusal(broker: Broker, timeoutMs = 1500): Promise<CeleriacError> {
  broker.start(recorder())
  try {
    await broker.ready(timeoutMs)
  } catch (error) {
    if (error instanceof ErrorClass) return error
    throw error
  } finally {
    await broker.stop()
  }
  throw new Error('it connected')
}

export interface Proxy {
  readonly port: number
  /** Ends all connections at once, with whatever is under way. */
  cut(): void
  /** Carries nothing towards the client any more, or nothing at all, until `thaw`; nobody is told. */
  freeze(direction: 'to client' | 'both'): void
  /** Goes on where it stopped; connections that are dead stay dead. */
  thaw(): void
  /** The connections open now never carry anything again, and stay open; new ones work. */
  abandon(): void
  close(): Promise<void>
}

/** A line to a loopback port that can fail in every way that a network can. */
export async function startProxy(to: number): Promise<Proxy> {
  const pairs = new Set<{ readonly client: Socket; readonly server: Socket }>()
  const all = new Set<Socket>()
  const listener = createServer(client => {
    const server = connect({ port: to, host: '127.0.0.1' })
    const pair = { client, server }
    pairs.add(pair)
    const end = (): void => {
      pairs.delete(pair)
      client.destroy()
      server.destroy()
    }
    for (const socket of [client, server]) {
      all.add(socket)
      socket.on('error', end)
      socket.on('close', () => {
        all.delete(socket)
        if (pairs.has(pair)) end()
      })
    }
    client.on('data', chunk => server.write(chunk))
    server.on('data', chunk => client.write(chunk))
  })
  await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
  const address = listener.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cut() {
      for (const { client, server } of pairs) {
        client.destroy()
        server.destroy()
      }
    },
    freeze(direction) {
      for (const { client, server } of pairs) {
        server.pause()
        if (direction === 'both') client.pause()
      }
    },
    thaw() {
      for (const { client, server } of pairs) {
        client.resume()
        server.resume()
      }
    },
    abandon() {
      for (const { client, server } of pairs) {
        client.pause()
        server.pause()
      }
      pairs.clear()
    },
    async close() {
      const closed = new Promise<void>(resolve => listener.close(() => resolve()))
      for (const socket of all) socket.destroy()
      await closed
    },
  }
}
