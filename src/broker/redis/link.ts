import { type Cancel, CeleriacError, type Clock, type Log } from '../../base/index.ts'
import { redisNames } from '../../celery/index.ts'
import type { FleetLink } from '../broker.ts'
import { createLink } from '../link.ts'
import type { TransportOptions } from '../transport-options.ts'
import type { RedisTarget } from '../url.ts'
import type { Wire } from '../wire.ts'
import { openConnection, type RedisConnection } from './connection.ts'
import { redisError } from './errors.ts'
import { type Locate, locator } from './locate.ts'

/**
 * The fleet's side of a Redis: for the simulated fleet and for tests. While the server is away every call rejects; the next
 * call after its return opens the connection again, and control requests are heard again within about a second.
 */
export function createRedisLink(options: {
  readonly target: RedisTarget
  readonly transportOptions?: TransportOptions
  readonly clock: Clock
  readonly log: Log
}): FleetLink {
  const { target, clock, log } = options
  const transportOptions = options.transportOptions ?? {}
  const names = redisNames({ ...transportOptions, database: target.database })
  return createLink(redisWire(target, locator(target, transportOptions, clock), clock, log), names, log)
}

const RETRY_MS = 1_000

function redisWire(target: RedisTarget, locate: Locate, clock: Clock, log: Log): Wire {
  const heard: { readonly channel: string; readonly hear: (payload: string) => void }[] = []
  let open = false
  let commands: RedisConnection | undefined
  let subscriber: RedisConnection | undefined
  let retry: Cancel | undefined

  const openCommands = async (): Promise<RedisConnection> => {
    if (!open) throw new CeleriacError('BROKER_LOST', `The link to ${target.address} is not connected.`)
    const opened = await openConnection(await locate(), clock, error => {
      log.warn('The link to the broker was lost.', { reason: error.line })
      if (commands === opened) commands = undefined
    })
    commands = opened
    return opened
  }

  const openSubscriber = async (): Promise<RedisConnection> => {
    const opened = await openConnection(await locate(), clock, () => {
      if (subscriber === opened) subscriber = undefined
      subscribeLater()
    })
    for (const { channel, hear } of heard) await opened.subscribe(channel, payload => hear(payload))
    subscriber = opened
    if (!open) opened.destroy()
    return opened
  }

  const subscribeLater = (): void => {
    if (!open) return
    retry?.()
    retry = clock.after(RETRY_MS, () => {
      if (open && subscriber === undefined) openSubscriber().catch(subscribeLater)
    })
  }

  const ask = async <T>(question: (connection: RedisConnection) => Promise<T>): Promise<T> => {
    const connection = commands ?? (await openCommands())
    try {
      return await question(connection)
    } catch (error) {
      throw redisError(error, target, true)
    }
  }
  return {
    async connect() {
      open = true
      if (commands === undefined) await openCommands()
    },
    async close() {
      open = false
      retry?.()
      commands?.destroy()
      subscriber?.destroy()
      commands = subscriber = undefined
    },
    async publish(channel, payload) {
      await ask(connection => connection.publish(channel, payload))
    },
    async subscribe(channel, hear) {
      heard.push({ channel, hear })
      try {
        if (subscriber === undefined) await openSubscriber()
        else await subscriber.subscribe(channel, payload => hear(payload))
      } catch (error) {
        throw redisError(error, target, true)
      }
    },
    async push(list, payload) {
      await ask(connection => connection.lPush(list, payload))
    },
    takeFirst: lists =>
      ask(async connection => {
        const lengths = await Promise.all(lists.map(list => connection.lLen(list)))
        for (const [at, list] of lists.entries()) {
          if (lengths[at] === 0) continue
          const payload = await connection.rPop(list)
          if (payload !== null) return { list, payload }
        }
        return undefined
      }),
    async addMember(key, member) {
      await ask(connection => connection.sAdd(key, member))
    },
    members: key => ask(connection => connection.sMembers(key)),
  }
}
