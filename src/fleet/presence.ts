import { SECOND } from '../base/index.ts'

/**
 * Whether the number of workers can be told. The number itself is plain counting; what is hard is to know when nobody being there
 * is a fact and not our own blindness.
 *
 * - `blind`: the broker is not connected. Entry: the start, or its loss. Exit: its return. The number is unknown.
 * - `settling`: just connected. Entry: from blind. It awaits the workers that were present when the broker was lost; they come
 *   back up to half a minute after it (celery-wire.md section 13). The number is unknown. Exit to `known`, whichever comes first:
 *   all awaited were heard again; when there was nobody to await, a round of questions asked since then has ended, and a heartbeat
 *   of everyone was due meanwhile unless nobody at all answered; the grace is over.
 * - `known`: the number is what is counted. Nobody counted is told as 0 only when proven: once workers were known, each of them
 *   vanished or stopped while we listened; or a round of questions since the connection was answered by nobody. Else unknown.
 */
export type PresenceState =
  | { readonly kind: 'blind' }
  | {
      readonly kind: 'settling'
      readonly sinceMs: number
      readonly awaited: Set<string>
      readonly anyoneAwaited: boolean
      roundEnded: boolean
    }
  | { readonly kind: 'known' }

/** Workers beat every 2 s by default: after this, everyone was heard once. A round ends early once those heard so far have answered. */
const FIRST_BEATS_MS = 3 * SECOND

const KNOWN: PresenceState = { kind: 'known' }

export class Presence {
  readonly #graceMs: number
  #state: PresenceState = { kind: 'blind' }
  #awaited: ReadonlySet<string> = new Set()
  #nobodyAnswered = false

  constructor(graceMs: number) {
    this.#graceMs = graceMs
  }

  get state(): PresenceState['kind'] {
    return this.#state.kind
  }

  /** `present`: the workers counted as there at this moment. */
  brokerLost(present: Iterable<string>): void {
    if (this.#state.kind === 'blind') return
    // All of them count as present, also those who were still awaited.
    this.#awaited = new Set(present)
    this.#state = { kind: 'blind' }
    this.#nobodyAnswered = false
  }

  brokerConnected(atMs: number): void {
    const awaited = new Set(this.#awaited)
    this.#state = {
      kind: 'settling',
      sinceMs: atMs,
      awaited,
      anyoneAwaited: awaited.size > 0,
      roundEnded: false,
    }
  }

  /** A worker was heard, or said goodbye: it need not be awaited. */
  met(worker: string): void {
    const state = this.#state
    if (state.kind === 'settling' && state.awaited.delete(worker) && state.awaited.size === 0)
      this.#state = KNOWN
  }

  /** A round of `ping` or `stats`, asked at `askedAtMs`, has ended with so many answers. */
  roundEnded(askedAtMs: number, answers: number, atMs: number): void {
    const state = this.#state
    if (state.kind === 'blind' || (state.kind === 'settling' && askedAtMs < state.sinceMs)) return
    this.#nobodyAnswered = answers === 0
    if (state.kind !== 'settling') return
    state.roundEnded = true
    if (answers === 0 && !state.anyoneAwaited) this.#state = KNOWN
    else this.tick(atMs)
  }

  tick(nowMs: number): void {
    const state = this.#state
    if (state.kind !== 'settling') return
    const settledMs = nowMs - state.sinceMs
    const answered = state.roundEnded && !state.anyoneAwaited && settledMs >= FIRST_BEATS_MS
    if (answered || settledMs >= this.#graceMs) this.#state = KNOWN
  }

  /** The number to tell, given how many are counted and whether any worker was ever known; null when it cannot be known. */
  count(present: number, ever: boolean): number | null {
    if (this.#state.kind !== 'known') return null
    return present > 0 || ever || this.#nobodyAnswered ? present : null
  }
}
