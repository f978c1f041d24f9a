import type { Clock, Log } from '../base/index.ts'
import type { HostReading, WorkerClaim } from './contract.ts'
import { joinContainers } from './join.ts'
import { createLocalHost, type HostWorld } from './local.ts'
import { type ExpositionPort, type ScrapeOptions, ScrapeTarget, type TargetState } from './target.ts'

export interface HostOptions {
  readonly clock: Clock
  readonly log: Log
  readonly scrape: readonly ScrapeOptions[]
  readonly parser: ExpositionPort
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
  /** True when a series was told by a target that is lost now: its absence then means nothing. */
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
  readonly #local: ReturnType<typeof createLocalHost>
  /** Series that a target told, and which: kept while it is lost. */
  #toldBy = new Map<string, ScrapeTarget>()
  readonly #lastMs = new Map<string, number>()

  constructor({ clock, log, scrape, parser, world }: HostOptions) {
    this.#clock = clock
    this.#local = createLocalHost(log, world)
    this.targets = scrape.map(options => new ScrapeTarget(options, { parser, clock, log }))
  }

  async cycle(claims: readonly WorkerClaim[]): Promise<readonly HostReading[]> {
    const readings = [...(await this.#local.cycle(claims))]
    const here = new Set(readings.map(({ broker, worker }) => `${broker}\0${worker}`))
    const elsewhere = claims.filter(({ broker, worker }) => !here.has(`${broker}\0${worker}`))
    const told = new Map<string, ScrapeTarget>()
    for (const [key, target] of this.#toldBy) if (target.state.up === false) told.set(key, target)
    for (const target of this.targets) {
      const { broker } = target.options
      const served = elsewhere.filter(claim => broker === undefined || claim.broker === broker)
      for (const reading of joinContainers(served, target.containers)) {
        const key = seriesKey(reading)
        const teller = told.get(key)
        // Two targets that tell of one container: the first in the list counts.
        if (teller !== undefined && teller !== target && teller.state.up !== false) continue
        told.set(key, target)
        readings.push(reading)
      }
    }
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
    return this.#toldBy.get(seriesKey(series))?.state.up === false
  }
}

const serves = (target: TargetState, broker: string): boolean =>
  target.broker === undefined || target.broker === broker
