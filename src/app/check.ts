import { type Clock, type Log, SECOND } from '../base/index.ts'
import type { BrokerConfig, Config } from '../config/index.ts'
import type { Finding } from '../findings/index.ts'
import { openBroker, openFleet, placesOfOthers } from './open.ts'
import { createWatch } from './watch.ts'

export interface CheckReport {
  /** False when anything is wrong. */
  readonly ok: boolean
  readonly watchedMs: number
  readonly brokers: readonly {
    readonly name: string
    readonly transport: string
    /** Redacted. */
    readonly address: string
    /** Worst first, what can be seen last. */
    readonly findings: readonly Finding[]
  }[]
}

export interface CheckOptions {
  readonly config: Config
  readonly log: Log
  readonly clock: Clock
  /** How long to watch. */
  readonly watchMs: number
  /** Told about once a second, and at the end. */
  readonly onProgress?: (doneMs: number) => void
}

/** After so many attempts a broker is told as it is: a refusal is quick, silence takes its time. */
const CONNECT_ATTEMPTS = 4
const CONNECT_POLL_MS = 100
const READ_INTERVAL_MS = SECOND
const ELSEWHERE_INTERVAL_MS = SECOND
/** Two rounds without an answer mean something, so there must be time for several. */
const INSPECT_INTERVAL_MS = 4 * SECOND
/** Who did not beat for so long beats not, or seldom. */
const WORKER_TIMEOUT_MS = 10 * SECOND

/** Connects to every configured broker at once, watches, and says what it found. Rejects only on a wrong configuration. */
export async function runCheck(options: CheckOptions): Promise<CheckReport> {
  const { config, clock, watchMs, onProgress } = options
  const checks = config.brokers.map(entry => openCheck(entry, options))
  const startedMs = clock.now()
  let over = false
  const progress = (): void => {
    if (over) return
    onProgress?.(Math.min(clock.now() - startedMs, watchMs))
    clock.after(SECOND, progress)
  }
  progress()
  const brokers = await Promise.all(checks.map(check => check()))
  over = true
  onProgress?.(watchMs)
  return {
    ok: brokers.every(broker => broker.findings.every(finding => finding.level !== 'wrong')),
    watchedMs: watchMs,
    brokers,
  }
}

/** Makes all that one broker needs, so that a wrong configuration is told before anything is opened; the result runs it. */
function openCheck(
  entry: BrokerConfig,
  { config, log, clock, watchMs }: CheckOptions,
): () => Promise<CheckReport['brokers'][number]> {
  const broker = openBroker(entry, { clock, log })
  const fleet = openFleet(entry, {
    ...config,
    inspectIntervalMs: INSPECT_INTERVAL_MS,
    workerTimeoutMs: Math.min(config.workerTimeoutMs, WORKER_TIMEOUT_MS),
  })
  const watch = createWatch({
    broker,
    fleet,
    clock,
    log,
    readIntervalMs: READ_INTERVAL_MS,
    inspectIntervalMs: INSPECT_INTERVAL_MS,
    elsewhereIntervalMs: ELSEWHERE_INTERVAL_MS,
    otherPlaces: placesOfOthers(entry, config),
    managementUrl: entry.managementUrl !== undefined,
    sink: { decoded() {}, dropped() {}, state() {}, gapEnded() {}, controlKeys() {} },
  })
  return async () => {
    watch.start()
    try {
      const startedMs = clock.now()
      const hopeless = (): boolean =>
        broker.state.state === 'connecting' &&
        (broker.state.attempt > CONNECT_ATTEMPTS || clock.now() - startedMs >= watchMs)
      const pause = (ms: number): Promise<void> =>
        new Promise(resolve => {
          clock.after(ms, resolve)
        })
      while (broker.state.state === 'connecting' && !hopeless()) await pause(CONNECT_POLL_MS)
      // The whole time from the connection on: what is silent must have had the time to speak.
      if (broker.state.state === 'connected') await pause(watchMs)
      watch.advance(clock.now())
      return {
        name: entry.name,
        transport: broker.transport,
        address: broker.address,
        findings: watch.findings(clock.now()),
      }
    } finally {
      await watch.stop()
    }
  }
}
