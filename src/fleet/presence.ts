/**
 * Whether the number of workers can be told. The number itself is plain counting; what is hard is to know when nobody being there
 * is a fact and not our own blindness.
 *
 * - `blind`: the broker is not connected. Entry: the start, or its loss. Exit: its return. The number is unknown.
 * - `settling`: just connected. Entry: from blind. It awaits the workers that were present when the broker was lost; they come
 *   back up to half a minute after it. Exit to `known`: all of them were heard again; when there are none to await, a round of
 *   questions asked since then has ended; in any case after the grace. The number is unknown.
 * - `known`: the number is what is counted. Nobody counted is told as 0 only when proven: once workers were known, each of them
 *   vanished or stopped while we listened; or a round of questions since the connection was answered by nobody. Else unknown.
 */
export type PresenceState =
  | { readonly kind: 'blind' }
  | { readonly kind: 'settling'; readonly sinceMs: number; readonly awaited: Set<string> }
  | { readonly kind: 'known' }

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
    // Lost again before everyone was back: whoever was awaited still is.
    const awaited = this.#state.kind === 'settling' ? this.#state.awaited : this.#awaited
    this.#awaited = this.#state.kind === 'blind' ? awaited : new Set([...awaited, ...present])
    this.#state = { kind: 'blind' }
    this.#nobodyAnswered = false
  }

  brokerConnected(atMs: number): void {
    this.#state = { kind: 'settling', sinceMs: atMs, awaited: new Set(this.#awaited) }
    this.#awaited = new Set()
  }

  /** A worker was heard, or said goodbye: it need not be awaited. */
  met(worker: string): void {
    if (this.#state.kind !== 'settling' || !this.#state.awaited.delete(worker)) return
    if (this.#state.awaited.size === 0) this.#state = { kind: 'known' }
  }

  /** A round of `ping` or `stats`, asked at `askedAtMs`, has ended with so many answers. */
  roundEnded(askedAtMs: number, answers: number): void {
    if (this.#state.kind === 'blind') return
    if (this.#state.kind === 'settling' && askedAtMs < this.#state.sinceMs) return
    this.#nobodyAnswered = answers === 0
    if (this.#state.kind === 'settling' && this.#state.awaited.size === 0) this.#state = { kind: 'known' }
  }

  tick(nowMs: number): void {
    if (this.#state.kind === 'settling' && nowMs - this.#state.sinceMs >= this.#graceMs)
      this.#state = { kind: 'known' }
  }

  /** The number to tell, given how many are counted and whether any worker was ever known; null when it cannot be known. */
  count(present: number, ever: boolean): number | null {
    if (this.#state.kind !== 'known') return null
    return present > 0 || ever || this.#nobodyAnswered ? present : null
  }
}
