import { readFile } from 'node:fs/promises'
import { type Clock, errorText, type Log, type Secret } from '../base/index.ts'
import {
  ContainerMeter,
  ContainerScrape,
  type ContainerUsage,
  isContainerMetric,
  type ScrapedSample,
} from './containers.ts'
import { getText, type GetTls } from './http-get.ts'

/** A place to scrape, as configured. Durations in ms. */
export interface ScrapeOptions {
  /** What it is called in logs and labels; never a secret. */
  readonly name: string
  readonly url: Secret
  /** Whose workers may run in its containers; undefined: of any broker. */
  readonly broker: string | undefined
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Labels that samples of containers must have. */
  readonly match: Readonly<Record<string, string>>
  /** Read anew for each scrape: such tokens are renewed on disk. */
  readonly bearerTokenFile: string | undefined
  readonly headers: Readonly<Record<string, Secret>>
  readonly tls: GetTls | undefined
}

/** Reads an exposition as it comes; throws what is no exposition, with a message fit to print. */
export type ExpositionPort = (reader: {
  readonly openMetrics: boolean
  readonly wants: (name: string) => boolean
  readonly sample: (sample: ScrapedSample) => void
}) => { push(text: string): void; end(): void }

export interface TargetState {
  readonly name: string
  readonly broker: string | undefined
  readonly intervalMs: number
  /** null before the first scrape ended. */
  readonly up: boolean | null
  /** When it answered again after a failure; null when it never failed. */
  readonly backSinceMs: number | null
  readonly lastSuccessMs: number | null
  /** Why it is not up, for people. */
  readonly error: string | null
}

/** Decompressed; a node with 250 pods tells about 10 MB. */
const MAX_BYTES = 64 * 1024 * 1024
const ACCEPT = 'application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5'

/** One place that is scraped. What it told holds until the next scrape; when that fails nothing holds. */
export class ScrapeTarget {
  readonly options: ScrapeOptions
  readonly #parser: ExpositionPort
  readonly #clock: Clock
  readonly #log: Log
  readonly #meter = new ContainerMeter()
  #containers: readonly ContainerUsage[] = []
  #state: Pick<TargetState, 'up' | 'backSinceMs' | 'lastSuccessMs' | 'error'> = {
    backSinceMs: null,
    up: null,
    lastSuccessMs: null,
    error: null,
  }

  constructor(options: ScrapeOptions, world: { parser: ExpositionPort; clock: Clock; log: Log }) {
    this.options = options
    this.#parser = world.parser
    this.#clock = world.clock
    this.#log = world.log
  }

  get containers(): readonly ContainerUsage[] {
    return this.#containers
  }

  get state(): TargetState {
    const { name, broker, intervalMs } = this.options
    return { name, broker, intervalMs, ...this.#state }
  }

  /** Scrapes once. Never rejects: a failure is a state, told in the log when it begins and when it ends. */
  async scrape(signal: AbortSignal): Promise<void> {
    const { name } = this.options
    try {
      this.#containers = await this.#read(signal)
      const isBack = this.#state.up === false
      if (isBack) this.#log.info('Scraping works again.', { target: name })
      const nowMs = this.#clock.now()
      const backSinceMs = isBack ? nowMs : this.#state.backSinceMs
      this.#state = { up: true, backSinceMs, lastSuccessMs: nowMs, error: null }
    } catch (error) {
      if (signal.aborted) return
      if (this.#state.up !== false)
        this.#log.warn('Scraping failed; until it works again, what this target tells is not known.', {
          target: name,
          error: errorText(error),
        })
      this.#containers = []
      this.#state = { ...this.#state, up: false, error: errorText(error) }
    }
  }

  async #read(signal: AbortSignal): Promise<readonly ContainerUsage[]> {
    const { url, timeoutMs, match, tls } = this.options
    const scrape = new ContainerScrape(match)
    const nowMs = this.#clock.now()
    let parser: ReturnType<ExpositionPort> | undefined
    await getText(
      {
        url: new URL(url.reveal()),
        headers: await this.#headers(),
        tls,
        timeoutMs,
        maxBytes: MAX_BYTES,
        signal,
      },
      contentType => {
        const opened = this.#parser({
          openMetrics: contentType.startsWith('application/openmetrics-text'),
          wants: isContainerMetric,
          sample: sample => scrape.add(sample, nowMs),
        })
        parser = opened
        return text => opened.push(text)
      },
    )
    parser?.end()
    return this.#meter.read(scrape, nowMs)
  }

  async #headers(): Promise<Record<string, string>> {
    const { bearerTokenFile: path, headers } = this.options
    const given = Object.entries(headers).map(([name, value]) => [name, value.reveal()] as const)
    const fixed = { accept: ACCEPT, 'user-agent': 'celeriac', ...Object.fromEntries(given) }
    if (path === undefined) return fixed
    try {
      return { ...fixed, authorization: `Bearer ${(await readFile(path, 'utf8')).trim()}` }
    } catch (error) {
      throw new Error(`the token file ${path} cannot be read`, { cause: error })
    }
  }
}
