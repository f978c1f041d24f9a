import type { CeleriacError, Clock, Log } from '../base/index.ts'
import type { ControlReplyMessage, Decoded } from '../celery/index.ts'
import type { ControlOptions, ControlReply, ControlRequest } from './broker.ts'

interface Waiting {
  readonly answers: Map<string, ControlReply>
  readonly expect: ReadonlySet<string> | undefined
  readonly settle: (error?: CeleriacError) => void
}

/** A node that answers is kept once; a flood of invented nodes is not. */
const MAX_NODES = 10_000

/**
 * Sorts replies by ticket to the requests that wait for them. A reply without a waiting request (late, or another's) is
 * forgotten. Bounded by the requests open and the time-out each of them has.
 */
export class ReplyDesk {
  readonly #clock: Clock
  readonly #log: Log
  readonly #waiting = new Map<string, Waiting>()

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  /** Requests that still wait. */
  get open(): number {
    return this.#waiting.size
  }

  /**
   * Waits for the answers under a ticket: until all of `expect` have answered, or until the time-out, whichever is first; then
   * resolves with what came. Rejects only through `abandon`.
   */
  await(ticket: string, options: ControlOptions): Promise<readonly ControlReply[]> {
    return new Promise((resolve, reject) => {
      const answers = new Map<string, ControlReply>()
      let cancel: () => void = () => {}
      const settle = (error?: CeleriacError): void => {
        if (!this.#waiting.delete(ticket)) return
        cancel()
        if (error === undefined) resolve([...answers.values()])
        else reject(error)
      }
      this.#waiting.set(ticket, { answers, expect: options.expect, settle })
      cancel = this.#clock.after(options.timeoutMs, () => settle())
      if (options.expect?.size === 0) settle()
    })
  }

  /** Takes one reply message, as it was read. */
  deliver(decoded: Decoded<ControlReplyMessage>): void {
    if (!decoded.ok) {
      this.#log.warn('A control reply could not be read.', { reason: decoded.reason, detail: decoded.detail })
      return
    }
    const waiting = decoded.value.ticket === null ? undefined : this.#waiting.get(decoded.value.ticket)
    if (waiting === undefined) {
      this.#log.debug('A control reply came too late.', {
        nodes: decoded.value.replies.slice(0, 10).map(reply => reply.node),
      })
      return
    }
    for (const reply of decoded.value.replies)
      if (waiting.answers.size < MAX_NODES) waiting.answers.set(reply.node, reply)
    const { expect } = waiting
    if (expect !== undefined && [...expect].every(node => waiting.answers.has(node))) waiting.settle()
  }

  /** Ends one wait, or all, with an error. */
  abandon(error: CeleriacError, ticket?: string): void {
    const all = ticket === undefined ? [...this.#waiting.values()] : [this.#waiting.get(ticket)]
    for (const waiting of all) waiting?.settle(error)
  }
}

/** The options of a wait: without `expect`, a request to named nodes expects exactly these. */
export function expecting(request: ControlRequest, options: ControlOptions): ControlOptions {
  if (options.expect !== undefined || request.destination === undefined) return options
  return { ...options, expect: new Set(request.destination) }
}
