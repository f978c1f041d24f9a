import type { CeleriacError, Clock } from '../../base/index.ts'
import { deadline, watchForSilence } from '../silence.ts'
import { CONNECT_TIMEOUT_MS } from './connection.ts'
import { redisError } from './errors.ts'
import type { LostSubscription } from './gap.ts'
import type { LocatedTarget } from './locate.ts'
import type { RespValue } from './resp.ts'
import { RespSocket } from './resp-socket.ts'

/** Takes the text of one message; those that came in one read of the socket have the same time. */
export type Hear = (payload: string, receivedAtMs: number, channel: string) => void

export interface SubscriberOptions {
  readonly target: LocatedTarget
  /** For PSUBSCRIBE. */
  readonly patterns: readonly string[]
  readonly clock: Clock
  /** Told once, and only after `open` has resolved. */
  readonly onLost: (error: CeleriacError, lost: LostSubscription) => void
}

/**
 * A connection that hears events and does nothing else. Its socket is read by our own hand, because at thousands of messages a
 * second the client library costs a fifth of the whole event path (`npm run bench -- redis-events`). It is read at once,
 * whoever decodes later, so that the server's output buffer stays empty. Like all connections it is never repaired.
 */
export class Subscriber {
  readonly #options: SubscriberOptions
  readonly #socket: RespSocket
  #hear: Hear | undefined
  /** Heard before anybody listened. */
  #early: Parameters<Hear>[] = []
  #pong: ((answered: boolean) => void) | undefined
  #pingedMs: number
  #stopWatch: () => void = () => {}
  #onFailure: ((error: unknown) => void) | undefined
  #over = false
  #readMs: number
  #bytes = 0
  #vouchedMs: number
  #vouchedBytes = 0

  /** Connects and subscribes; resolves when the server has confirmed. Rejects with a CeleriacError. */
  static async open(options: SubscriberOptions): Promise<Subscriber> {
    const inTime = deadline(options.clock, CONNECT_TIMEOUT_MS + 1_000)
    let subscriber: Subscriber | undefined
    try {
      subscriber = new Subscriber(options)
      await Promise.race([subscriber.#handshake(), inTime.promise])
      subscriber.#watch()
      return subscriber
    } catch (error) {
      subscriber?.destroy()
      throw redisError(error, options.target, false)
    } finally {
      inTime.cancel()
    }
  }

  private constructor(options: SubscriberOptions) {
    this.#options = options
    this.#readMs = this.#vouchedMs = this.#pingedMs = options.clock.now()
    this.#socket = new RespSocket({
      at: options.target.at,
      tls: options.target.tls,
      onRead: bytes => {
        this.#readMs = this.#options.clock.now()
        this.#bytes += bytes
      },
      onMessage: (payload, channel) => {
        if (this.#hear === undefined) this.#early.push([payload, this.#readMs, channel])
        else this.#hear(payload, this.#readMs, channel)
      },
      onOther: value => this.#other(value),
      onLost: error => this.#lost(error, 'closed'),
    })
  }

  /** From now on messages go to `hear`, those first that came since the subscription. */
  listen(hear: Hear): void {
    this.#hear = hear
    for (const heard of this.#early) hear(...heard)
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
    const failed = new Promise<never>((_, reject) => (this.#onFailure = reject))
    const subscribed = this.#socket.connected().then(() => {
      const { username, password } = this.#options.target
      const login = [...(username === undefined ? [] : [username]), ...(password ? [password.reveal()] : [])]
      return Promise.all([
        password === undefined ? undefined : this.#socket.ask('AUTH', ...login),
        // A server or a user without this command is none the worse for it.
        this.#socket.ask('CLIENT', 'SETNAME', 'celeriac-events').catch(() => undefined),
        this.#socket.ask('PSUBSCRIBE', ...this.#options.patterns),
      ])
    })
    await Promise.race([subscribed, failed])
    this.#onFailure = undefined
  }

  #watch(): void {
    this.#vouchedMs = this.#options.clock.now()
    this.#vouchedBytes = this.#bytes
    this.#stopWatch = watchForSilence({
      clock: this.#options.clock,
      received: () => this.#bytes,
      ask: () => {
        this.#pingedMs = this.#options.clock.now()
        this.#socket.send('PING')
        return new Promise(resolve => (this.#pong = resolve))
      },
      onSilence: error => this.#lost(error, 'silent'),
    })
  }

  /** Among subscriptions a PING is answered like a message. Besides, each further pattern is confirmed. */
  #other(value: RespValue): void {
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
    if (this.#onFailure === undefined)
      this.#options.onLost(redisError(error, this.#options.target, true), lost)
    else this.#onFailure(error)
  }
}
