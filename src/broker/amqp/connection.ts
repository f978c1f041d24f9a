import amqplib, { type Channel, type ChannelModel, type ConfirmChannel, type SocketOptions } from 'amqplib'
import type { CeleriacError, Clock } from '../../base/index.ts'
import { deadline } from '../silence.ts'
import { tlsSocketOptions } from '../tls.ts'
import type { AmqpTarget } from '../url.ts'
import { amqpError } from './errors.ts'

const CONNECT_TIMEOUT_MS = 3_000
const CLOSE_TIMEOUT_MS = 1_000

export interface AmqpConnection {
  /** As the server's greeting says. */
  readonly serverVersion: string | undefined
  /** A new channel; `onClosed` hears of its end with what the server said, or undefined when the connection ended. */
  openChannel(onClosed?: (error: Error | undefined) => void): Promise<Channel>
  /** The same with publisher confirms. */
  openConfirmChannel(onClosed?: (error: Error | undefined) => void): Promise<ConfirmChannel>
  /** Why the server does not take what we publish, or undefined while it does. It only says so to those who publish. */
  readonly blockedBecause: string | undefined
  onBlocked(hear: (reason: string) => void): void
  /** Ends it as the protocol wants, within a second. */
  close(): Promise<void>
  /** Ends it at once. */
  destroy(): void
}

/**
 * Opens one connection named `celeriac`. It is never repaired: when it is lost, `onLost` hears of it once and the connection is done
 * for. Rejects with a CeleriacError, in time also when the other side drips bytes.
 */
export async function openConnection(
  target: AmqpTarget,
  clock: Clock,
  onLost: (error: CeleriacError) => void,
): Promise<AmqpConnection> {
  const socket = new AbortController()
  const model = await connect(target, clock, socket)
  let over = false
  const blockedListeners: ((reason: string) => void)[] = []
  let blockedBecause: string | undefined
  const lost = (error: unknown): void => {
    if (over) return
    over = true
    socket.abort()
    onLost(amqpError(error, target, true))
  }
  model.on('error', lost)
  model.on('close', lost)
  model.on('blocked', reason => {
    blockedBecause = reason
    for (const hear of blockedListeners) hear(reason)
  })
  model.on('unblocked', () => (blockedBecause = undefined))
  return {
    serverVersion: model.connection.serverProperties.version,
    openChannel: async onClosed => watched(await model.createChannel(), onClosed),
    openConfirmChannel: async onClosed => watched(await model.createConfirmChannel(), onClosed),
    get blockedBecause() {
      return blockedBecause
    },
    onBlocked: hear => void blockedListeners.push(hear),
    async close() {
      if (over) return
      over = true
      const inTime = deadline(clock, CLOSE_TIMEOUT_MS)
      try {
        await Promise.race([model.close(), inTime.promise])
      } catch {
        // It was wanted closed, and is: politely or not.
      } finally {
        inTime.cancel()
        socket.abort()
      }
    },
    destroy() {
      over = true
      socket.abort()
    },
  }
}

async function connect(target: AmqpTarget, clock: Clock, socket: AbortController): Promise<ChannelModel> {
  const inTime = deadline(clock, CONNECT_TIMEOUT_MS + 1_000)
  try {
    const opening = amqplib.connect(
      {
        protocol: target.tls === undefined ? 'amqp' : 'amqps',
        hostname: target.host,
        port: target.port,
        username: target.username,
        password: target.password.reveal(),
        // The client undoes percent-encoding, also of an object's vhost (amqplib `lib/connect.js`).
        vhost: encodeURIComponent(target.vhost),
        heartbeat: target.heartbeatSeconds,
      },
      socketOptions(target, socket.signal),
    )
    // Whoever comes too late has no other listener, and an error without one would end the process.
    opening.then(
      model => model.on('error', () => {}),
      () => {},
    )
    return await Promise.race([opening, inTime.promise])
  } catch (error) {
    socket.abort()
    throw amqpError(error, target, false)
  } finally {
    inTime.cancel()
  }
}

/** `signal` goes through to the socket: the client itself gives no way to end one that hangs. */
const socketOptions = (
  target: AmqpTarget,
  signal: AbortSignal,
): SocketOptions & { readonly signal: AbortSignal } => ({
  noDelay: true,
  timeout: CONNECT_TIMEOUT_MS,
  clientProperties: { product: 'Celeriac', connection_name: 'celeriac' },
  signal,
  ...(target.tls === undefined ? {} : tlsSocketOptions(target.tls, target.host)),
})

/** A channel without listeners would end the process when the server closes it. */
function watched<C extends Channel>(channel: C, onClosed?: (error: Error | undefined) => void): C {
  let told = false
  // The error comes first, before those who wait for confirms hear that the channel is closed.
  channel.on('error', error => {
    told = true
    onClosed?.(error)
  })
  channel.on('close', () => {
    if (!told) onClosed?.(undefined)
  })
  return channel
}
