import { type Log, silentLog } from '../../base/index.ts'
import { type NameOptions, redisNames } from '../../celery/index.ts'
import type { FleetLink } from '../broker.ts'
import { createLink } from '../link.ts'
import type { Wire } from '../wire.ts'
import type { MemoryClient, MemoryServer } from './server.ts'

/** The fleet's side of an in-process broker. */
export function createMemoryLink(options: {
  readonly server: MemoryServer
  readonly names?: NameOptions
  readonly log?: Log
}): FleetLink {
  return createLink(memoryWire(options.server), redisNames(options.names), options.log ?? silentLog)
}

function memoryWire(server: MemoryServer): Wire {
  const subscribed: { readonly channel: string; readonly hear: (payload: string) => void }[] = []
  const subscribe = ({ channel, hear }: (typeof subscribed)[number]): void =>
    server.subscribe(client, heard => heard === channel, hear)
  const client: MemoryClient = {
    serverDown() {},
    // Workers subscribe again when their broker returns.
    serverUp: () => subscribed.forEach(subscribe),
  }
  return {
    // eslint-disable-next-line @typescript-eslint/require-await -- errors must reject
    async connect() {
      server.attach(client)
    },
    async close() {
      server.detach(client)
    },
    async publish(channel, payload) {
      server.publish(channel, payload)
    },
    async subscribe(channel, hear) {
      const subscription = { channel, hear }
      subscribe(subscription)
      subscribed.push(subscription)
    },
    async push(list, payload) {
      server.push(list, payload)
    },
    async takeFirst(lists) {
      for (const list of lists) {
        const payload = server.take(list)
        if (payload !== undefined) return { list, payload }
      }
      return undefined
    },
    async addMember(key, member) {
      server.addMember(key, member)
    },
    async members(key) {
      return server.members(key)
    },
  }
}
