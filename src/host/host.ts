import type { Clock, Log } from '../base/index.ts'
import type { HostReading, WorkerClaim } from './contract.ts'
import { joinContainers } from './join.ts'
import { createLocalHost, type HostWorld, type LocalHost } from './local.ts'
import { type ExpositionPort, type ScrapeOptions, ScrapeTarget, type TargetState } from './target.ts'

export interface HostOptions {
  readonly clock: Clock
  readonly log: Log
  readonly scrape: readonly ScrapeOptions[]
  readonly parser: ExpositionPort
  /** False: workers on this host are not looked for. */
  readonly measuresHere: boolean
  /** How long it takes until what a target tells can be seen by whoever asks: cycle and collection. */
  readonly settleMs: number
  readonly world?: HostWorld
}

/** How the source `host` stands for one broker. */
export interface HostSource {
  /** ok: something is measured and every target answers. blind: a target is lost. waiting: nothing was measured yet. */
  readonly state: 'ok' | 'blind' | 'waiting'
  readonly lastSuccessMs: number | null
  /** For people; null when all is well. */
  readonly detail: string | null
}

/** CPU and memory of workers, wherever they run. */
export interface Host {
  /** Places to scrape, each on its own schedule: whoever composes calls `scrape` every `intervalMs`. */
  readonly targets: readonly ScrapeTarget[]
  /**
   * What is known of the claims now: measured here, and else as the targets told it last. Nothing is told of a worker that is not
   * proven to be there. Never rejects; one at a time.
   */
  cycle(claims: readonly WorkerClaim[]): Promise<readonly HostReading[]>
  source(broker: string): HostSource
  /**
   * True when a series was told by a target that is lost now, or that came back so shortly ago that it may not have been seen yet: its
   * absence then means nothing.
   */
  isLost(series: Pick<HostReading, 'broker' | 'container' | 'worker'>): boolean
}

export const createHost = (options: HostOptions): Host => new CompositeHost(options)

const seriesKey = ({
  broker,
  container,
  worker,
}: Pick<HostReading, 'broker' | 'container' | 'worker'>): string => `${broker}\0${container}\0${worker}`

class CompositeHost implements Host {
  readonly targets: readonly ScrapeTarget[]
  readonly #clock: Clock
  readonly #local: LocalHost | undefined
  readonly #settleMs: number
  /** Series that a target told, and which: kept while it is lost. */
  #toldBy = new Map<string, ScrapeTarget>()
  readonly #lastMs = new Map<string, number>()

  constructor({ clock, log, scrape, parser, measuresHere, settleMs, world }: HostOptions) {
    this.#settleMs = settleMs
    this.#clock = clock
    this.#local = measuresHere ? createLocalHost(log, world) : undefined
    this.targets = scrape.map(options => new ScrapeTarget(options, { parser, clock, log }))
  }

  async cycle(claims: readonly WorkerClaim[]): Promise<readonly HostReading[]> {
    const readings = [...((await this.#local?.cycle(claims)) ?? [])]
    const here = new Set(readings.map(({ broker, worker }) => `${broker}\0${worker}`))
    const elsewhere = claims.filter(({ broker, worker }) => !here.has(`${broker}\0${worker}`))
    const told = new Map<string, ScrapeTarget>()
    for (const target of this.targets) {
      const { broker } = target.options
      const served = elsewhere.filter(claim => broker === undefined || claim.broker === broker)
      for (const reading of joinContainers(served, target.containers)) {
        const key = seriesKey(reading)
        // Two targets that tell of one container: the first in the list counts.
        if (told.has(key)) continue
        told.set(key, target)
        readings.push(reading)
      }
    }
    for (const [key, target] of this.#toldBy)
      if (!told.has(key) && this.#isUnsettled(target)) told.set(key, target)
    this.#toldBy = told
    const nowMs = this.#clock.now()
    for (const { broker } of readings) this.#lastMs.set(broker, nowMs)
    return readings
  }

  source(broker: string): HostSource {
    const lastSuccessMs = this.#lastMs.get(broker) ?? null
    const states = this.targets.map(({ state }) => state).filter(each => serves(each, broker))
    const lost = states.filter(({ up }) => up === false)
    const [first] = lost
    if (first !== undefined) {
      const others = lost.length > 1 ? ` (and ${lost.length - 1} more)` : ''
      const detail = `the scrape target ${first.name}${others} is lost: ${first.error ?? 'no answer'}`
      return { state: 'blind', lastSuccessMs, detail }
    }
    if (lastSuccessMs !== null) return { state: 'ok', lastSuccessMs, detail: null }
    return {
      state: 'waiting',
      lastSuccessMs,
      detail: 'no worker is known to run on this host or in a scraped container: see docs/host-resources.md',
    }
  }

  isLost(series: Pick<HostReading, 'broker' | 'container' | 'worker'>): boolean {
    const target = this.#toldBy.get(seriesKey(series))
    return target !== undefined && this.#isUnsettled(target)
  }

  #isUnsettled({ state: { up, backSinceMs } }: ScrapeTarget): boolean {
    return up === false || (backSinceMs !== null && this.#clock.now() - backSinceMs < this.#settleMs)
  }
}

const serves = (target: TargetState, broker: string): boolean =>
  target.broker === undefined || target.broker === broker
