import { metrics } from '../catalog/index.ts'
import type { Fleet, ServerState, WorkerState, WorkerView } from '../fleet/index.ts'
import type { BrokerStatus, Declared, LabelsOf } from './contract.ts'

/** Sets one series, or takes note that it is not known. */
export type FleetSetter = <M extends Declared<'gauge'> | Declared<'counter'>>(
  metric: M,
  labels: LabelsOf<M>,
  value: number | null,
) => void

/** What may keep a broker from serving; one that is not in force is 0. */
const ALARMS = ['memory', 'disk', 'loading', 'readonly', 'blocked'] as const

/** Everything that follows from a fleet's state at one time. null is "not known", and must not become a number on the way. */
export function describeFleet(fleet: Fleet, status: BrokerStatus, nowMs: number, set: FleetSetter): void {
  const { broker } = fleet
  const totals = fleet.totals(nowMs)
  set(metrics.workerCount, { broker }, totals.workers)
  set(metrics.activeTasks, { broker }, totals.activeTasks)
  set(metrics.scheduledTasks, { broker }, totals.scheduledTasks)
  set(metrics.reservedTasks, { broker }, totals.reservedTasks)

  const workers = fleet.workers(nowMs)
  if (totals.workers !== null) describeStates(broker, workers, set)
  // While the broker is away nobody can say who is there, nor right after it for those not heard again.
  if (status.connected)
    for (const view of workers) if (view.uncertain !== true) describeWorker(broker, view, set)

  for (const view of fleet.queues(nowMs)) {
    const labels = { broker, queue: view.queue }
    set(metrics.queueDepth, labels, view.depth)
    set(metrics.queueConsumers, labels, view.consumers)
    set(metrics.queueOldestTaskAge, labels, view.oldestTaskAgeSeconds)
    set(metrics.queueNoProgress, labels, view.noProgressSeconds)
    set(metrics.queueUnacked, labels, view.unacked)
    set(metrics.queueReserved, labels, view.reservedTasks)
    set(metrics.queueFreeSlots, labels, view.freeSlots)
    set(metrics.queueLoad, labels, view.load)
  }

  if (status.connected) {
    for (const { task, oldestSeconds } of fleet.running(nowMs))
      set(metrics.taskRunningOldest, { broker, task }, oldestSeconds)
    for (const { task, queue, most } of fleet.redeliveries(nowMs))
      set(metrics.taskRedeliveriesMax, { broker, task, queue }, most)
  }

  describeServer(broker, fleet.server(nowMs), set)
  set(metrics.brokerUp, { broker }, Number(status.connected))

  for (const view of fleet.sources(nowMs)) {
    const labels = { broker, source: view.source }
    set(metrics.sourceUp, labels, view.state === 'waiting' ? null : Number(view.state === 'ok'))
    set(metrics.sourceLastSuccess, labels, view.lastSuccessMs === null ? null : view.lastSuccessMs / 1000)
  }

  for (const table of ['tasks', 'workers', 'queues'] as const)
    set(metrics.tableEvictions, { broker, table }, fleet.evictions[table])
}

function describeStates(broker: string, workers: readonly WorkerView[], set: FleetSetter): void {
  const states = { up: 0, suspect: 0, vanished: 0, stopped: 0, without_heartbeat: 0 }
  for (const { state, heartbeats } of workers) {
    states[state]++
    if (heartbeats === false && isPresent(state)) states.without_heartbeat++
  }
  for (const [state, count] of Object.entries(states)) set(metrics.workers, { broker, state }, count)
}

const isPresent = (state: WorkerState): boolean => state === 'up' || state === 'suspect'

function describeWorker(broker: string, view: WorkerView, set: FleetSetter): void {
  const labels = { broker, worker: view.worker }
  const present = isPresent(view.state)
  set(metrics.workerUp, labels, Number(present))
  if (!present) return
  set(metrics.workerConcurrency, labels, view.concurrency)
  set(metrics.workerActive, labels, view.active)
  set(metrics.workerReserved, labels, view.reserved)
  set(metrics.workerScheduled, labels, view.scheduled)
  set(metrics.workerProcessed, labels, view.processedTotal)
  set(metrics.workerConsuming, labels, view.consuming === null ? null : Number(view.consuming))
  set(metrics.workerPrefetch, labels, view.prefetch)
  set(metrics.workerClockSkew, labels, view.clockSkewSeconds)
}

function describeServer(broker: string, server: ServerState | null, set: FleetSetter): void {
  if (server === null) return
  const labels = { broker }
  // Only Redis speaks of evictions and of a policy.
  if (server.evictedKeysTotal !== null || server.maxmemoryPolicy !== null) {
    set(metrics.redisMemoryUsed, labels, server.memoryUsedBytes)
    set(metrics.redisMemoryMax, labels, server.memoryMaxBytes)
    set(metrics.redisConnectedClients, labels, server.connectedClients)
    set(metrics.redisMaxClients, labels, server.maxClients)
  }
  set(metrics.brokerMemoryUsed, labels, server.memoryUsedBytes)
  set(metrics.brokerMemoryMax, labels, server.memoryMaxBytes)
  set(metrics.brokerConnectedClients, labels, server.connectedClients)
  set(metrics.brokerEvictedKeys, labels, server.evictedKeysTotal)
  set(metrics.brokerRoundtrip, labels, server.roundTripSeconds)
  set(metrics.brokerBlockedConsumers, labels, server.blockedConsumers)
  set(metrics.brokerUnacked, labels, server.unacked)
  set(metrics.brokerUnackedOldestAge, labels, server.unackedOldestAgeSeconds)
  set(metrics.brokerUnackedOverdue, labels, server.unackedOverdue)
  set(metrics.brokerRedeliveryTimeout, labels, server.redeliveryTimeoutSeconds)
  if (server.maxmemoryPolicy !== null)
    set(metrics.brokerPolicy, { broker, policy: server.maxmemoryPolicy }, 1)
  const { alarms } = server
  if (alarms !== null)
    for (const kind of new Set([...ALARMS, ...alarms]))
      set(metrics.brokerAlarm, { broker, kind }, Number(alarms.includes(kind)))
}
