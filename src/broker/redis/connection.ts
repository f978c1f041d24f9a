import { createClient, type RedisClientOptions, type RedisClientType } from '@redis/client'
import { type CeleriacError, type Clock, errorText } from '../../base/index.ts'
import { deadline, watchForSilence } from '../silence.ts'
import { tlsSocketOptions } from '../tls.ts'
import { isReply, redisError } from './errors.ts'
import type { LocatedTarget } from './locate.ts'
import { unlessRefused } from './pipeline.ts'

/** RESP2, so that servers before Redis 6 and proxies answer too; nothing here needs RESP3. */
export type RedisConnection = RedisClientType<Nothing, Nothing, Nothing, 2>

/** No modules, functions or scripts of a server's. */
type Nothing = Record<string, never>
type ConnectionOptions = NonNullable<Parameters<typeof createClient<Nothing, Nothing, Nothing, 2>>[0]>

export const CONNECT_TIMEOUT_MS = 3_000

/**
 * Opens one connection and proves by a PING that commands are obeyed. It is never repaired: when it is lost, `onLost` hears of
 * it once and the connection is done for, so that nobody has to guess which subscriptions survived. Hung servers are noticed
 * by a watch of our own, because the client's socket time-out cannot tell a silent server from a busy process of ours.
 * Rejects with a CeleriacError.
 */
export async function openConnection(
  target: LocatedTarget,
  clock: Clock,
  onLost: (error: CeleriacError) => void,
): Promise<RedisConnection> {
  const client: RedisConnection = createClient(clientOptions(target))
  let over = false
  let ready = false
  let firstError: unknown
  let stopWatch: () => void = () => {}
  const lost = (error: unknown): void => {
    if (over) return
    over = true
    stopWatch()
    client.destroy()
    if (ready) onLost(redisError(error, target, true))
  }
  client.on('error', (error: unknown) => {
    firstError ??= error
    if (ready) lost(error)
  })
  client.on('end', () => {
    over = true
    stopWatch()
  })
  const inTime = deadline(clock, CONNECT_TIMEOUT_MS + 1_000)
  try {
    // A server that was stopped still accepts connections: the kernel does. Only an answer proves it alive.
    await Promise.race([client.connect().then(() => proveAlive(client)), inTime.promise])
  } catch (error) {
    over = true
    client.destroy()
    // The client reports a decoding error as an event and then only that the socket closed.
    throw redisError(isClosing(error) && firstError !== undefined ? firstError : error, target, false)
  } finally {
    inTime.cancel()
  }
  ready = true
  stopWatch = watchForSilence({
    clock,
    received: () => 0,
    onSilence: lost,
    async ask() {
      try {
        await client.sendCommand(['PING'])
      } catch (error) {
        // Any answer is an answer, an error too; without a connection there is none to wait for.
        if (!client.isReady) {
          lost(error)
          return false
        }
      }
      return true
    },
  })
  return client
}

/** A server that cannot write its snapshots refuses even PING, and is watched all the same (Redis `server.c`, `processCommand`). */
async function proveAlive(client: RedisConnection): Promise<void> {
  // By the client's own option a user without this right could not connect.
  const named = unlessRefused(client.sendCommand(['CLIENT', 'SETNAME', 'celeriac']))
  try {
    await Promise.all([named, client.ping()])
  } catch (error) {
    if (!isReply(error) || !errorText(error).startsWith('MISCONF')) throw error
  }
}

const isClosing = (error: unknown): boolean => /closed|destroy|disconnect/i.test(errorText(error))

function clientOptions(target: LocatedTarget): ConnectionOptions {
  return {
    RESP: 2,
    socket: { ...socketOptions(target), connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: false },
    database: target.database,
    maintNotifications: 'disabled',
    disableOfflineQueue: true,
    disableClientInfo: true,
    // Time-outs are the watch's: a command that waits behind a flood of events is not a lost command.
    commandOptions: { timeout: 0 },
    ...(target.username === undefined ? {} : { username: target.username }),
    ...(target.password === undefined ? {} : { password: target.password.reveal() }),
  }
}

function socketOptions(target: LocatedTarget): NonNullable<RedisClientOptions['socket']> {
  if (target.at.kind === 'socket') return { path: target.at.path, tls: false }
  const { host, port } = target.at
  if (target.tls === undefined) return { host, port }
  return { tls: true, host, port, ...tlsSocketOptions(target.tls, host) }
}
