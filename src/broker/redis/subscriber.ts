import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { CeleriacError, Clock } from '../../base/index.ts'
import { deadline, watchForSilence } from '../silence.ts'
import { tlsSocketOptions } from '../tls.ts'
import type { RedisTarget } from '../url.ts'
import { CONNECT_TIMEOUT_MS } from './connection.ts'
import { isReply, redisError } from './errors.ts'
import type { LostSubscription } from './gap.ts'
import { encodeCommand, RespReader, type RespValue } from './resp.ts'

/** Takes the text of one message; those that came in one read of the socket have the same time. */
export type Hear = (payload: string, receivedAtMs: number) => void

export interface SubscriberOptions {
  readonly target: RedisTarget
  /** For PSUBSCRIBE. */
  readonly patterns: readonly string[]
  readonly clock: Clock
  /** Told once, and only after `open` has resolved. */
  readonly onLost: (error: CeleriacError, lost: LostSubscription) => void
}

/**
 * A connection that hears events and does nothing else. Its socket is read by our own hand, because at thousands of messages a
 * second the client library would cost a fifth of the whole event path (`npm run bench -- redis-events`). It is read at once,
 * whoever decodes later, so that the server's output buffer stays empty. Like all connections it is never repaired.
 */
export class Subscriber {
  readonly #options: SubscriberOptions
  readonly #socket: Socket
  readonly #reader: RespReader
  readonly #connected: Promise<unknown>
  /** Answers that are due, in the order of the commands. */
  readonly #due: ((value: RespValue) => void)[] = []
  #hear: Hear | undefined
  /** Heard before anybody listened. */
  #early: [payload: string, receivedAtMs: number][] = []
  #pong: ((answered: boolean) => void) | undefined
  #pingedMs: number
  #stopWatch: () => void = () => {}
  #open = false
  #over = false
  #failure: ((error: unknown) => void) | undefined
  #readMs: number
  #bytes = 0
  #vouchedMs: number
  #vouchedBytes = 0

  /** Connects and subscribes; resolves when the server has confirmed. Rejects with a CeleriacError. */
  static async open(options: SubscriberOptions): Promise<Subscriber> {
    const { target, clock } = options
    const inTime = deadline(clock, CONNECT_TIMEOUT_MS + 1_000)
    let subscriber: Subscriber | undefined
    try {
      subscriber = new Subscriber(options)
      await Promise.race([subscriber.#handshake(), inTime.promise])
      subscriber.#opened()
      return subscriber
    } catch (error) {
      subscriber?.destroy()
      throw redisError(error, target, false)
    } finally {
      inTime.cancel()
    }
  }

  private constructor(options: SubscriberOptions) {
    this.#options = options
    this.#readMs = this.#vouchedMs = this.#pingedMs = options.clock.now()
    this.#reader = new RespReader(
      payload => this.#message(payload),
      value => this.#reply(value),
    )
    this.#socket = openSocket(options.target)
    this.#connected = new Promise(resolve => {
      this.#socket.once(options.target.tls === undefined ? 'connect' : 'secureConnect', resolve)
    })
    this.#socket.on('data', chunk => this.#data(chunk))
    this.#socket.on('error', error => this.#lost(error, 'closed'))
    this.#socket.on('close', () => this.#lost(new Error('The connection was closed'), 'closed'))
  }

  /** From now on messages go to `hear`, those first that came since the subscription. */
  listen(hear: Hear): void {
    this.#hear = hear
    for (const [payload, receivedAtMs] of this.#early) hear(payload, receivedAtMs)
    this.#early = []
  }

  /** What is known of it when it ends now. */
  end(how: LostSubscription['how']): LostSubscription {
    return {
      how,
      lostMs: this.#options.clock.now(),
      lastHeardMs: this.#readMs,
      vouchedMs: this.#vouchedMs,
      unvouchedBytes: this.#bytes - this.#vouchedBytes,
    }
  }

  destroy(): void {
    this.#over = true
    this.#stopWatch()
    this.#pong?.(false)
    this.#socket.destroy()
  }

  async #handshake(): Promise<void> {
    const { username, password } = this.#options.target
    const failed = new Promise<never>((_, reject) => (this.#failure = reject))
    // Not before the server's certificate has been checked: a password goes out.
    await Promise.race([this.#connected, failed])
    const commands: Promise<RespValue>[] = []
    if (password !== undefined)
      commands.push(this.#ask('AUTH', ...(username === undefined ? [] : [username]), password.reveal()))
    // A server or a user without this command is none the worse for it.
    commands.push(this.#ask('CLIENT', 'SETNAME', 'celeriac-events').catch(() => null))
    commands.push(this.#ask('PSUBSCRIBE', ...this.#options.patterns))
    await Promise.race([Promise.all(commands), failed])
  }

  /** PSUBSCRIBE answers once for each pattern, and all else once; the first answer tells. */
  #ask(...parts: readonly string[]): Promise<RespValue> {
    this.#socket.write(encodeCommand(parts))
    return new Promise((resolve, reject) => {
      this.#due.push(value => (isReply(value) ? reject(value) : resolve(value)))
    })
  }

  #opened(): void {
    this.#failure = undefined
    this.#open = true
    this.#vouchedMs = this.#options.clock.now()
    this.#vouchedBytes = this.#bytes
    this.#stopWatch = watchForSilence({
      clock: this.#options.clock,
      received: () => this.#bytes,
      ask: () => this.#ping(),
      onSilence: error => this.#lost(error, 'silent'),
    })
  }

  #ping(): Promise<boolean> {
    this.#pingedMs = this.#options.clock.now()
    this.#socket.write(encodeCommand(['PING']))
    return new Promise(resolve => (this.#pong = resolve))
  }

  #data(chunk: Buffer): void {
    if (this.#over) return
    this.#readMs = this.#options.clock.now()
    this.#bytes += chunk.length
    try {
      this.#reader.feed(chunk)
    } catch (error) {
      this.#lost(error, 'closed')
    }
  }

  #message(payload: string): void {
    if (this.#hear === undefined) this.#early.push([payload, this.#readMs])
    else this.#hear(payload, this.#readMs)
  }

  #reply(value: RespValue): void {
    const due = this.#due.shift()
    if (due !== undefined) return due(value)
    // Among subscriptions a PING is answered like a message; what else comes confirms a further pattern.
    if (!Array.isArray(value) || value[0] !== 'pong') return
    this.#vouchedMs = this.#pingedMs
    this.#vouchedBytes = this.#bytes
    this.#pong?.(true)
    this.#pong = undefined
  }

  #lost(error: unknown, how: 'closed' | 'silent'): void {
    if (this.#over) return
    const lost = this.end(how)
    this.destroy()
    if (this.#open) this.#options.onLost(redisError(error, this.#options.target, true), lost)
    else this.#failure?.(error)
  }
}

function openSocket(target: RedisTarget): Socket {
  const { at, tls } = target
  const socket =
    at.kind === 'socket'
      ? connectPlain({ path: at.path })
      : tls === undefined
        ? connectPlain({ host: at.host, port: at.port })
        : connectTls({ host: at.host, port: at.port, ...tlsSocketOptions(tls, at.host) })
  return socket.setNoDelay(true).setKeepAlive(true, 5_000)
}
