import { type FromHub, PING_MS, RETRY_MS, type ToHub } from './messages.ts'

/** How this tab gets its data. `lost` still shows the old data, ageing. */
export type FeedStatus =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  /** Asked every `everyMs`, by choice or because the browser has no SharedWorker. */
  | { readonly kind: 'polling'; readonly everyMs: number }
  | { readonly kind: 'paused' }
  | { readonly kind: 'lost'; readonly retryAtMs: number }

/** How often the reader wants data: `live` follows the stream, a number is a period in ms. */
export type Pace = 'live' | 'paused' | number

/** A hidden tab drops its traffic after this long. */
export const HIDDEN_MS = 60_000
const POLL_MS = 5_000

export interface FeedPorts {
  /** Address of the event stream, absolute: a worker resolves relative ones against itself. */
  readonly url: string
  /** Takes the text of a new overview. */
  readonly onText: (text: string) => void
  /** Asks for the overview once; rejects when it cannot be had. */
  readonly ask: () => Promise<void>
}

/**
 * One tab's supply of overviews: from the stream that all tabs share, or by asking when the reader chose a period or there is no
 * SharedWorker. Hidden for a minute it stops everything; visible again it asks at once.
 */
export class Feed {
  readonly #ports: FeedPorts
  readonly #listeners = new Set<() => void>()
  #status: FeedStatus = { kind: 'connecting' }
  #pace: Pace = 'live'
  #asleep = false
  #worker: SharedWorker | undefined
  #workerFailed = typeof SharedWorker === 'undefined'
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Grows with every halt, so that an answer to an older question changes nothing. */
  #run = 0
  #hideTimer: ReturnType<typeof setTimeout> | undefined

  constructor(ports: FeedPorts) {
    this.#ports = ports
  }

  /** Begins; called once for the life of the page. */
  start(): void {
    document.addEventListener('visibilitychange', () => this.#onVisibility())
    addEventListener('pagehide', () => this.#halt())
    addEventListener('pageshow', event => {
      if (event.persisted) this.#resume(true)
    })
    this.#resume(false)
  }

  readonly status = (): FeedStatus => this.#status
  readonly pace = (): Pace => this.#pace

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Changes the pace; leaving a pause asks at once. */
  setPace(pace: Pace): void {
    this.#pace = pace
    this.#halt()
    this.#resume(true)
    this.#notify()
  }

  /** Tries a lost connection now instead of at its time. */
  retry(): void {
    this.#halt()
    this.#resume(true)
  }

  #onVisibility(): void {
    clearTimeout(this.#hideTimer)
    if (document.visibilityState === 'hidden') {
      this.#hideTimer = setTimeout(() => {
        this.#asleep = true
        this.#halt()
      }, HIDDEN_MS)
    } else if (this.#asleep) {
      this.#asleep = false
      this.#resume(true)
    }
  }

  #resume(askNow: boolean): void {
    if (this.#asleep) return
    if (this.#pace === 'paused') {
      this.#set({ kind: 'paused' })
      return
    }
    if (this.#pace === 'live' && !this.#workerFailed) {
      if (askNow) this.#ports.ask().catch(() => undefined) // The stream itself reports what is broken.
      this.#join()
      return
    }
    this.#poll(this.#pace === 'live' ? POLL_MS : this.#pace, askNow)
  }

  #halt(): void {
    this.#run++
    clearTimeout(this.#timer)
    this.#post({ kind: 'leave' })
  }

  #join(): void {
    if (this.#worker === undefined) {
      try {
        this.#worker = new SharedWorker(new URL('./live-worker.ts', import.meta.url), { type: 'module' })
      } catch {
        // A browser that forbids workers here still shows data: it asks for it.
        this.#workerFailed = true
        this.#resume(false)
        return
      }
      this.#worker.onerror = () => {
        this.#workerFailed = true
        this.#worker = undefined
        this.#halt()
        this.#resume(true)
      }
      this.#worker.port.onmessage = (event: MessageEvent<FromHub>) => this.#hear(event.data)
    }
    if (this.#status.kind !== 'live') this.#set({ kind: 'connecting' })
    const join = (): void => {
      this.#post({ kind: 'join', url: this.#ports.url })
      this.#timer = setTimeout(join, PING_MS)
    }
    join()
  }

  #hear(message: FromHub): void {
    // The port delivers what was sent before a pause reached the worker.
    if (this.#pace !== 'live' || this.#asleep) return
    if (message.kind === 'overview') {
      this.#set({ kind: 'live' })
      this.#ports.onText(message.text)
    } else if (message.kind === 'open') this.#set({ kind: 'live' })
    else this.#set({ kind: 'lost', retryAtMs: message.retryAtMs })
  }

  #poll(everyMs: number, askNow: boolean): void {
    const run = this.#run
    const ask = (): void => {
      this.#ports.ask().then(
        () => after({ kind: 'polling', everyMs }, everyMs),
        () => after({ kind: 'lost', retryAtMs: Date.now() + RETRY_MS }, RETRY_MS),
      )
    }
    const after = (status: FeedStatus, delayMs: number): void => {
      if (run !== this.#run) return
      this.#set(status)
      this.#timer = setTimeout(ask, delayMs)
    }
    this.#set({ kind: 'polling', everyMs })
    this.#timer = setTimeout(ask, askNow ? 0 : everyMs)
  }

  #post(message: ToHub): void {
    this.#worker?.port.postMessage(message)
  }

  #set(status: FeedStatus): void {
    const old = this.#status
    if (old.kind === status.kind && JSON.stringify(old) === JSON.stringify(status)) return
    this.#status = status
    this.#notify()
  }

  #notify(): void {
    for (const listener of this.#listeners) listener()
  }
}
