import { type Metrics, metrics } from '../catalog/index.ts'
import type { Fleet } from '../fleet/index.ts'
import type { MetricsRegistry } from '../metrics/index.ts'
import { type GroupStatus, ruleGroupId } from '../rules/index.ts'
import type { Store } from '../store/index.ts'

/** What the program knows of itself at a collection. */
export interface SelfState {
  readonly version: string
  readonly fleets: readonly Fleet[]
  readonly store: Store
  readonly groups: readonly GroupStatus[]
  readonly loopLagSeconds: number
}

type Evictions = keyof Fleet['evictions']
const TABLES = ['tasks', 'workers', 'queues'] as const satisfies readonly Evictions[]

/** Sets the `celeriac_` metrics that follow from state; counters are added to where things happen. */
export function collectSelf(registry: MetricsRegistry, state: SelfState, nowMs: number): void {
  const gauge = (
    metric: Metrics['storeSeries' | 'storeSamples' | 'storeBytes' | 'eventLoopLag' | 'processRss'],
    value: number,
  ): void => registry.set(metric, {}, value)
  registry.set(metrics.buildInfo, { version: state.version, node: process.versions.node }, 1)
  for (const fleet of state.fleets) {
    for (const { source, state: health, lastSuccessMs } of fleet.sources(nowMs)) {
      registry.set(
        metrics.sourceUp,
        { broker: fleet.broker, source },
        health === 'waiting' ? null : health === 'ok' ? 1 : 0,
      )
      registry.set(
        metrics.sourceLastSuccess,
        { broker: fleet.broker, source },
        lastSuccessMs === null ? null : lastSuccessMs / 1000,
      )
    }
    registry.set(metrics.fleetBytes, { broker: fleet.broker }, fleet.bytes)
    for (const table of TABLES)
      registry.total(metrics.tableEvictions, { broker: fleet.broker, table }, fleet.evictions[table])
  }
  const { series, samples, bytes } = state.store.stats
  gauge(metrics.storeSeries, series)
  gauge(metrics.storeSamples, samples)
  gauge(metrics.storeBytes, bytes)
  for (const { group, evaluationSeconds, lastEvaluationMs } of state.groups) {
    if (lastEvaluationMs !== undefined)
      registry.set(metrics.ruleGroupDuration, { rule_group: ruleGroupId(group) }, evaluationSeconds)
  }
  gauge(metrics.eventLoopLag, state.loopLagSeconds)
  gauge(metrics.processRss, process.memoryUsage.rss())
  const { user, system } = process.cpuUsage()
  registry.total(metrics.processCpu, {}, (user + system) / 1e6)
}
