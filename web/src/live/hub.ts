import type { Cancel, Clock } from '../../../src/base/index.ts'
import { type FromHub, PING_MS, RETRY_MS, SILENCE_MS, type ToHub } from './messages.ts'

/** One server-sent event stream; `close` ends it and no handler is called afterwards. */
export type OpenStream = (
  url: string,
  handlers: {
    readonly opened: () => void
    readonly overview: (text: string) => void
    readonly failed: () => void
  },
) => { readonly close: () => void }

/** A tab, as the hub sees it. */
export interface Member {
  readonly post: (message: FromHub) => void
}

/**
 * Keeps one event stream for any number of tabs. The stream is open exactly while somebody wants it; when it breaks it is tried
 * again every five seconds, and everybody is told. A tab that joins late gets the newest event at once.
 */
export class Hub {
  readonly #open: OpenStream
  readonly #clock: Clock
  readonly #members = new Map<Member, number>()
  #url = ''
  #stream: { readonly close: () => void } | undefined
  #last: FromHub | undefined
  #lost: FromHub | undefined
  #heardAtMs = 0
  #cancelRetry: Cancel | undefined
  #cancelSweep: Cancel | undefined

  constructor(open: OpenStream, clock: Clock) {
    this.#open = open
    this.#clock = clock
  }

  /** The number of tabs that want events now. */
  get size(): number {
    return this.#members.size
  }

  /** Takes a message of a tab. */
  receive(member: Member, message: ToHub): void {
    if (message.kind === 'leave') {
      this.#members.delete(member)
      if (this.#members.size === 0) this.#stop()
      return
    }
    const known = this.#members.has(member)
    this.#members.set(member, this.#clock.now())
    this.#url = message.url
    if (this.#stream === undefined && this.#cancelRetry === undefined) this.#connect()
    else if (!known) {
      if (this.#lost !== undefined) member.post(this.#lost)
      else if (this.#last !== undefined) {
        member.post({ kind: 'open' })
        member.post(this.#last)
      }
    }
    this.#cancelSweep ??= this.#clock.after(PING_MS, () => this.#sweep())
  }

  #connect(): void {
    this.#heardAtMs = this.#clock.now()
    this.#stream = this.#open(this.#url, {
      opened: () => {
        this.#lost = undefined
        this.#heardAtMs = this.#clock.now()
        this.#tell({ kind: 'open' })
      },
      overview: text => {
        this.#heardAtMs = this.#clock.now()
        this.#last = { kind: 'overview', text }
        this.#tell(this.#last)
      },
      failed: () => {
        this.#close()
        this.#lost = { kind: 'lost', retryAtMs: this.#clock.now() + RETRY_MS }
        this.#tell(this.#lost)
        this.#cancelRetry = this.#clock.after(RETRY_MS, () => {
          this.#cancelRetry = undefined
          this.#connect()
        })
      },
    })
  }

  /** Drops tabs that gave no sign of life, and a connection that gave none. */
  #sweep(): void {
    this.#cancelSweep = undefined
    const now = this.#clock.now()
    for (const [member, seenAtMs] of this.#members)
      if (now - seenAtMs > 3 * PING_MS) this.#members.delete(member)
    if (this.#members.size === 0) {
      this.#stop()
      return
    }
    if (this.#stream !== undefined && now - this.#heardAtMs >= SILENCE_MS) {
      this.#close()
      this.#connect()
    }
    this.#cancelSweep = this.#clock.after(PING_MS, () => this.#sweep())
  }

  #tell(message: FromHub): void {
    for (const member of this.#members.keys()) member.post(message)
  }

  #close(): void {
    this.#stream?.close()
    this.#stream = undefined
    this.#last = undefined
  }

  #stop(): void {
    this.#close()
    this.#cancelRetry?.()
    this.#cancelSweep?.()
    this.#cancelRetry = undefined
    this.#cancelSweep = undefined
    this.#lost = undefined
  }
}
