import { metrics } from '../catalog/index.ts'
import type { Fleet } from '../fleet/index.ts'
import type { BrokerStatus, Declared, LabelsOf } from './contract.ts'

/** Sets one series, or takes note that it is not known. */
export type FleetSetter = <M extends Declared<'gauge'> | Declared<'counter'>>(
  metric: M,
  labels: LabelsOf<M>,
  value: number | null,
) => void

/** Everything that follows from a fleet's state at one time. null is "not known", and must not become a number on the way. */
export function describeFleet(fleet: Fleet, status: BrokerStatus, nowMs: number, set: FleetSetter): void {
  const { broker } = fleet
  const totals = fleet.totals(nowMs)
  set(metrics.workerCount, { broker }, totals.workers)
  set(metrics.activeTasks, { broker }, totals.activeTasks)
  set(metrics.scheduledTasks, { broker }, totals.scheduledTasks)
  set(metrics.reservedTasks, { broker }, totals.reservedTasks)

  for (const view of fleet.workers(nowMs)) {
    const labels = { broker, worker: view.worker }
    const present = view.state === 'up' || view.state === 'suspect'
    // While the broker is away nobody can say who is there, nor right after it for those not heard again.
    if (!status.connected || view.uncertain === true) continue
    set(metrics.workerUp, labels, Number(present))
    if (!present) continue
    set(metrics.workerConcurrency, labels, view.concurrency)
    set(metrics.workerActive, labels, view.active)
    set(metrics.workerReserved, labels, view.reserved)
    set(metrics.workerScheduled, labels, view.scheduled)
    set(metrics.workerProcessed, labels, view.processedTotal)
  }

  for (const view of fleet.queues(nowMs)) {
    const labels = { broker, queue: view.queue }
    set(metrics.queueDepth, labels, view.depth)
    set(metrics.queueConsumers, labels, view.consumers)
    set(metrics.queueOldestTaskAge, labels, view.oldestTaskAgeSeconds)
  }

  const server = fleet.server(nowMs)
  set(metrics.redisMemoryUsed, { broker }, server?.memoryUsedBytes ?? null)
  set(metrics.redisMemoryMax, { broker }, server?.memoryMaxBytes ?? null)
  set(metrics.redisConnectedClients, { broker }, server?.connectedClients ?? null)
  set(metrics.redisMaxClients, { broker }, server?.maxClients ?? null)
  set(metrics.brokerEvictedKeys, { broker }, server?.evictedKeysTotal ?? null)
  set(metrics.brokerRoundtrip, { broker }, server?.roundTripSeconds ?? null)
  set(metrics.brokerUp, { broker }, Number(status.connected))

  for (const view of fleet.sources(nowMs)) {
    const labels = { broker, source: view.source }
    set(metrics.sourceUp, labels, view.state === 'waiting' ? null : Number(view.state === 'ok'))
    set(metrics.sourceLastSuccess, labels, view.lastSuccessMs === null ? null : view.lastSuccessMs / 1000)
  }

  for (const table of ['tasks', 'workers', 'queues'] as const)
    set(metrics.tableEvictions, { broker, table }, fleet.evictions[table])
}
