import { CeleriacError, type Clock } from '../base/index.ts'
import type { BrokerListener, BrokerState } from './broker.ts'

/**
 * Where a broker's connection stands, told to its listener once a change: a further failed attempt with the same error only
 * updates `state`, so that an hour without a server is one report and not thousands.
 */
export class BrokerStatus {
  readonly #clock: Clock
  readonly #address: string
  #listener: BrokerListener | undefined
  #state: BrokerState
  readonly #waiters = new Set<() => void>()

  constructor(clock: Clock, address: string) {
    this.#clock = clock
    this.#address = address
    this.#state = { state: 'connecting', sinceMs: clock.now(), attempt: 0, error: undefined }
  }

  get state(): BrokerState {
    return this.#state
  }

  /** True from `start` until `stopped`. */
  get running(): boolean {
    return this.#listener !== undefined && this.#state.state !== 'stopped'
  }

  start(listener: BrokerListener): void {
    if (this.#listener !== undefined || this.#state.state === 'stopped')
      throw new CeleriacError('INTERNAL', 'A broker can be started only once.')
    this.#listener = listener
    this.#state = { state: 'connecting', sinceMs: this.#clock.now(), attempt: 1, error: undefined }
    listener.stateChanged(this.#state)
  }

  connected(serverVersion: string | undefined): void {
    if (!this.running || this.#state.state === 'connected') return
    this.#change({ state: 'connected', sinceMs: this.#clock.now(), serverVersion })
  }

  /** An attempt failed, or the connection was lost. */
  failed(error: CeleriacError): void {
    if (!this.running) return
    const before = this.#state
    if (before.state !== 'connecting') {
      this.#change({ state: 'connecting', sinceMs: this.#clock.now(), attempt: 1, error })
      return
    }
    const next: BrokerState = { ...before, attempt: before.attempt + 1, error }
    const isNews = before.error?.code !== error.code || before.error.message !== error.message
    if (isNews) this.#change(next)
    else this.#state = next
  }

  stopped(): void {
    if (this.#state.state !== 'stopped') this.#change({ state: 'stopped', sinceMs: this.#clock.now() })
  }

  /** See `Broker.ready`. */
  ready(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        cancel()
        this.#waiters.delete(look)
        if (this.#state.state === 'connected') resolve()
        else reject(this.unavailable())
      }
      const look = (): void => {
        if (this.#state.state !== 'connecting') finish()
      }
      this.#waiters.add(look)
      const cancel = this.#clock.after(timeoutMs, finish)
      look()
    })
  }

  /** Why nothing can be asked now. */
  unavailable(): CeleriacError {
    if (this.#state.state === 'connecting' && this.#state.error !== undefined) return this.#state.error
    return this.#state.state === 'stopped'
      ? new CeleriacError('BROKER_LOST', `The connection to ${this.#address} was closed by us.`)
      : new CeleriacError('BROKER_UNREACHABLE', `There is no answer from ${this.#address} yet.`)
  }

  #change(state: BrokerState): void {
    this.#state = state
    this.#listener?.stateChanged(state)
    for (const look of this.#waiters) look()
  }
}
