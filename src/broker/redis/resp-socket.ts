import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type TlsTarget, tlsSocketOptions } from '../tls.ts'
import type { RedisPlace } from '../url.ts'
import { isReply } from './errors.ts'
import { encodeCommand, RespReader, type RespValue } from './resp.ts'

export interface RespSocketOptions {
  readonly at: RedisPlace
  readonly tls: TlsTarget | undefined
  /** Before the replies of one read of the socket are told: how many bytes it was. */
  readonly onRead?: (bytes: number) => void
  /** The text of a message of PSUBSCRIBE. */
  readonly onMessage?: (payload: string, channel: string) => void
  /** A reply that no command waits for. */
  readonly onOther?: (value: RespValue) => void
  /** Told once, unless `destroy` was called before. */
  readonly onLost: (error: unknown) => void
}

/** One connection to a server that speaks RESP2: commands out, replies in. */
export class RespSocket {
  readonly #options: RespSocketOptions
  readonly #socket: Socket
  readonly #connected: Promise<unknown>
  /** Replies that are due, in the order of the commands. */
  readonly #due: ((value: RespValue) => void)[] = []
  #over = false

  /** Throws FILE_UNREADABLE. */
  constructor(options: RespSocketOptions) {
    this.#options = options
    const { at, tls } = options
    const reader = new RespReader(
      (payload, channel) => options.onMessage?.(payload, channel),
      value => {
        const due = this.#due.shift()
        if (due === undefined) options.onOther?.(value)
        else due(value)
      },
    )
    this.#socket = (
      at.kind === 'socket'
        ? connectPlain({ path: at.path })
        : tls === undefined
          ? connectPlain({ host: at.host, port: at.port })
          : connectTls({ host: at.host, port: at.port, ...tlsSocketOptions(tls, at.host) })
    )
      .setNoDelay(true)
      .setKeepAlive(true, 5_000)
    this.#connected = new Promise(resolve => {
      this.#socket.once(at.kind === 'tcp' && tls !== undefined ? 'secureConnect' : 'connect', resolve)
    })
    this.#socket.on('data', chunk => {
      if (this.#over) return
      options.onRead?.(chunk.length)
      try {
        reader.feed(chunk)
      } catch (error) {
        this.#lost(error)
      }
    })
    this.#socket.on('error', error => this.#lost(error))
    this.#socket.on('close', () => this.#lost(new Error('The connection was closed')))
  }

  /** Resolves when commands may be sent: not before the server's certificate has been checked. Never, if it is lost before. */
  async connected(): Promise<void> {
    await this.#connected
  }

  /** The first reply to a command; rejects with the server's refusal. Never settles when the connection is lost. */
  ask(...parts: readonly string[]): Promise<RespValue> {
    this.send(...parts)
    return new Promise((resolve, reject) => {
      this.#due.push(value => (isReply(value) ? reject(value) : resolve(value)))
    })
  }

  /** Sends a command whose answer comes among the replies that nobody waits for. */
  send(...parts: readonly string[]): void {
    this.#socket.write(encodeCommand(parts))
  }

  destroy(): void {
    this.#over = true
    this.#socket.destroy()
  }

  #lost(error: unknown): void {
    if (this.#over) return
    this.destroy()
    this.#options.onLost(error)
  }
}
