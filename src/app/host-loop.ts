import { type Clock, errorText, type Log } from '../base/index.ts'
import { metrics } from '../catalog/index.ts'
import type { Config } from '../config/index.ts'
import type { Fleet } from '../fleet/index.ts'
import { createHost, type Host, type HostReading, type WorkerClaim } from '../host/index.ts'
import { createExpositionParser, type MetricsRegistry } from '../metrics/index.ts'
import { COLLECT_INTERVAL_MS } from './open.ts'
import { repeat } from './repeat.ts'

export interface HostLoop {
  readonly host: Host
  start(): void
  stop(): Promise<void>
}

export interface HostLoopOptions {
  readonly config: Pick<Config, 'host' | 'scrape' | 'evaluationIntervalMs'>
  readonly fleets: readonly Fleet[]
  readonly registry: MetricsRegistry
  readonly clock: Clock
  readonly log: Log
}

/**
 * Measures workers on a schedule of its own, so that a slow host or target delays nothing else. Process ids come from what workers
 * said of themselves; who is up is the fleet's knowledge.
 */
export function createHostLoop({ config, fleets, registry, clock, log }: HostLoopOptions): HostLoop {
  const host = createHost({
    clock,
    log,
    scrape: config.scrape,
    parser: createExpositionParser,
    measuresHere: config.host.enabled,
    // A cycle, then a collection, then an evaluation over what was collected.
    settleMs: config.host.intervalMs + 2 * COLLECT_INTERVAL_MS + config.evaluationIntervalMs,
  })
  const gauges = hostGauges(registry)
  const schedules: { stop(): void }[] = []
  const stopping = new AbortController()
  const running = new Set<Promise<void>>()

  const every = (intervalMs: number, task: () => Promise<void>): void => {
    const tracked = async (): Promise<void> => {
      const run = task()
      running.add(run)
      try {
        await run
      } finally {
        running.delete(run)
      }
    }
    schedules.push(
      repeat(clock, intervalMs, tracked, error =>
        log.error('Measuring CPU and memory of workers failed.', { error: errorText(error) }),
      ),
    )
  }

  return {
    host,
    start() {
      for (const target of host.targets)
        every(target.options.intervalMs, () => target.scrape(stopping.signal))
      every(config.host.intervalMs, async () => {
        const readings = await host.cycle(fleets.flatMap(fleet => claimsOf(fleet, clock.now())))
        if (stopping.signal.aborted) return
        gauges(readings)
        tellSources(host, fleets, registry)
      })
    },
    async stop() {
      stopping.abort()
      for (const schedule of schedules) schedule.stop()
      await Promise.allSettled(running)
    },
  }
}

/** Workers that are there, with the process ids they told. */
const claimsOf = (fleet: Fleet, nowMs: number): readonly WorkerClaim[] =>
  fleet
    .workers(nowMs)
    .flatMap(({ worker, state, pid, pids }) =>
      pid === null || (state !== 'up' && state !== 'suspect')
        ? []
        : [{ broker: fleet.broker, worker, pid, pids: pids ?? [] }],
    )

type Gauge =
  | (typeof metrics)['containerCpu']
  | (typeof metrics)['containerMemory']
  | (typeof metrics)['workerMemory']
  | (typeof metrics)['workerMemoryLimit']

/** Sets what a cycle told and removes what the one before told and this one does not. */
function hostGauges(registry: MetricsRegistry): (readings: readonly HostReading[]) => void {
  type Series = {
    readonly metric: Gauge
    readonly labels: Pick<HostReading, 'broker' | 'container' | 'worker'>
  }
  let before = new Map<string, Series>()
  return readings => {
    const now = new Map<string, Series & { readonly value: number }>()
    for (const reading of readings) {
      const { broker, container, worker } = reading
      const labels = { broker, container, worker }
      const put = (metric: Gauge, value: number | null): void => {
        if (value === null) return
        const key = [metric.name, ...metric.labels.map(name => labels[name])].join('\0')
        now.set(key, { metric, labels, value })
      }
      put(metrics.containerCpu, reading.cpuPercent)
      put(metrics.containerMemory, reading.memoryPercent)
      if (worker === '') continue
      put(metrics.workerMemory, reading.memoryBytes)
      put(metrics.workerMemoryLimit, reading.memoryLimitBytes)
    }
    // What is gone makes room under the cap before what is new takes it.
    for (const [key, { metric, labels }] of before) if (!now.has(key)) registry.set(metric, labels, null)
    for (const { metric, labels, value } of now.values()) registry.set(metric, labels, value)
    before = now
  }
}

function tellSources(host: Host, fleets: readonly Fleet[], registry: MetricsRegistry): void {
  for (const { state } of host.targets)
    registry.set(metrics.hostTargetUp, { target: state.name }, state.up === null ? null : Number(state.up))
  for (const { broker } of fleets) {
    const { state, lastSuccessMs } = host.source(broker)
    const labels = { broker, source: 'host' }
    registry.set(metrics.sourceUp, labels, state === 'waiting' ? null : Number(state === 'ok'))
    registry.set(metrics.sourceLastSuccess, labels, lastSuccessMs === null ? null : lastSuccessMs / 1000)
  }
}
