import type { FleetChange, TaskEventKind } from '../../fleet/index.ts'
import { Distribution, labelPairs } from '../../metrics/index.ts'
import type { CeleryExporterOptions } from './options.ts'

type TaskChange = Extract<FleetChange, { kind: 'task' | 'wait' }>

/** Stands for many hosts at once, as celery-exporter's own word does. */
const GENERIC = 'generic'
/** The fleet's word for what cannot be known (see FleetChange), and celery-exporter's for an exception. */
const UNKNOWN = 'unknown'
const UNKNOWN_EXCEPTION = 'UnknownException'

/** Everything counted of one task on one host and queue: ten metrics that share their labels. */
export class TaskSeries {
  /** `name="…",hostname="…",queue_name="…"` and what is appended to all. */
  readonly text: string
  readonly counts: Record<TaskEventKind, number> = {
    sent: 0,
    received: 0,
    started: 0,
    succeeded: 0,
    failed: 0,
    retried: 0,
    rejected: 0,
    revoked: 0,
  }
  /** Failures by exception class; their text holds the class. */
  failures: Map<string, { readonly text: string; value: number }> | undefined
  /** True once a worker told of it: from then on all counters but `sent` exist, be they 0. */
  ran = false
  runtime: Distribution | undefined
  wait: Distribution | undefined

  constructor(text: string) {
    this.text = text
  }
}

export interface TaskTableOptions extends CeleryExporterOptions {
  /** Whether series say which broker they are of. */
  readonly withBroker: boolean
  /** A change was not counted, because all room was taken. */
  readonly dropped: () => void
}

/** Task, then queue. */
type Tasks = Map<string, Map<string, TaskSeries>>

interface BrokerTasks {
  readonly broker: string
  readonly hosts: Map<string, Tasks>
  /** The same maps by full node name, so that the hot path need not cut names; emptied whenever it is full or a host goes. */
  readonly nodes: Map<string, Tasks>
}

const MAX_NODES = 10_000

/**
 * Counts of tasks by host, task and queue. Bounded: beyond `maxTaskSeries` label sets, hosts not met before are told as `generic`,
 * so that sums stay right; beyond as many again, changes are dropped and counted.
 */
export class TaskTable {
  readonly #options: TaskTableOptions
  readonly #brokers = new Map<string, BrokerTasks>()
  readonly #all = new Set<TaskSeries>()
  #generic = 0
  #exceptions = 0

  constructor(options: TaskTableOptions) {
    this.#options = options
  }

  /** In the order in which they were met. */
  all(): Iterable<TaskSeries> {
    return this.#all
  }

  /** The hot path: nothing is made when the series exists. */
  record(broker: string, changes: readonly FleetChange[]): void {
    const { genericSentHostname, genericWorkerHostname, defaultQueue } = this.#options
    let state = this.#brokers.get(broker)
    if (state === undefined) {
      state = { broker, hosts: new Map(), nodes: new Map() }
      this.#brokers.set(broker, state)
    }
    for (const change of changes) {
      if (change.kind !== 'task' && change.kind !== 'wait') continue
      const sent = change.kind === 'task' && change.event === 'sent'
      const node = (sent ? genericSentHostname : genericWorkerHostname) ? GENERIC : change.worker
      const { task } = change
      const queue = change.queue === UNKNOWN ? defaultQueue : change.queue
      const series =
        state.nodes.get(node)?.get(task)?.get(queue) ?? this.#findByHost(state, node, task, queue)
      if (series === undefined) this.#options.dropped()
      else this.#count(series, change)
    }
  }

  /** Forgets a host that is gone. Its counters begin at 0 when it comes back. */
  purge(broker: string, host: string): void {
    const state = this.#brokers.get(broker)
    const tasks = state?.hosts.get(host)
    // What was collapsed belongs to nobody in particular.
    if (state === undefined || tasks === undefined || host === GENERIC) return
    for (const queues of tasks.values())
      for (const series of queues.values()) {
        this.#all.delete(series)
        this.#exceptions -= series.failures?.size ?? 0
      }
    state.hosts.delete(host)
    state.nodes.clear()
  }

  #count(series: TaskSeries, change: TaskChange): void {
    if (change.waitSeconds !== undefined)
      (series.wait ??= new Distribution(this.#options.waitBuckets)).observe(change.waitSeconds)
    if (change.kind === 'wait') return
    series.counts[change.event]++
    if (change.event === 'sent') return
    series.ran = true
    if (change.event === 'failed') this.#countFailure(series, change)
    if (change.runtimeSeconds !== undefined)
      (series.runtime ??= new Distribution(this.#options.runtimeBuckets)).observe(change.runtimeSeconds)
  }

  #countFailure(series: TaskSeries, change: Extract<TaskChange, { kind: 'task' }>): void {
    const failures = (series.failures ??= new Map<string, { readonly text: string; value: number }>())
    const { exception = UNKNOWN } = change
    const roomy = this.#exceptions < this.#options.maxTaskSeries
    const known = exception !== UNKNOWN && (roomy || failures.has(exception)) ? exception : UNKNOWN_EXCEPTION
    let failure = failures.get(known)
    if (failure === undefined) {
      this.#exceptions++
      failure = { text: `${series.text},${labelPairs(['exception'], [known])}`, value: 0 }
      failures.set(known, failure)
    }
    failure.value++
  }

  /** Undefined: there is no room, not even among what is told as `generic`. */
  #findByHost(state: BrokerTasks, node: string, task: string, queue: string): TaskSeries | undefined {
    const host = hostOf(node)
    let tasks = state.hosts.get(host)
    let series = tasks?.get(task)?.get(queue)
    if (series === undefined) {
      if (host !== GENERIC && this.#all.size - this.#generic >= this.#options.maxTaskSeries)
        return this.#findByHost(state, GENERIC, task, queue)
      if (host === GENERIC && this.#generic >= this.#options.maxTaskSeries) return undefined
      if (tasks === undefined) state.hosts.set(host, (tasks = new Map()))
      series = this.#make(state.broker, tasks, host, task, queue)
    }
    if (tasks !== undefined) {
      if (state.nodes.size >= MAX_NODES) state.nodes.clear()
      state.nodes.set(node, tasks)
    }
    return series
  }

  #make(broker: string, tasks: Tasks, host: string, task: string, queue: string): TaskSeries {
    const { withBroker, staticLabels } = this.#options
    const series = new TaskSeries(
      labelPairs(
        ['name', 'hostname', 'queue_name', ...(withBroker ? ['broker'] : []), ...Object.keys(staticLabels)],
        [task, host, queue, ...(withBroker ? [broker] : []), ...Object.values(staticLabels)],
      ),
    )
    let queues = tasks.get(task)
    if (queues === undefined) tasks.set(task, (queues = new Map()))
    queues.set(queue, series)
    this.#all.add(series)
    if (host === GENERIC) this.#generic++
    return series
  }
}

/** The host of a node name: what follows the first `@` (celery `utils/nodenames.py`, `nodesplit`). */
export function hostOf(node: string): string {
  const host = node.slice(node.indexOf('@') + 1)
  return host === '' ? UNKNOWN : host
}
