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

type Queues = Map<string, TaskSeries>
type Hosts = Map<string, Map<string, Queues>>

/**
 * Counts of tasks by host, task and queue. Bounded: beyond `maxTaskSeries` label sets, hosts not met before are told as `generic`,
 * so that sums stay right; beyond as many again, changes are dropped and counted.
 */
export class TaskTable {
  readonly #options: TaskTableOptions
  readonly #brokers = new Map<string, Hosts>()
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
    let hosts = this.#brokers.get(broker)
    if (hosts === undefined) this.#brokers.set(broker, (hosts = new Map()))
    let worker = ''
    let host = hostOf(worker)
    for (const change of changes) {
      if (change.kind !== 'task' && change.kind !== 'wait') continue
      if (change.worker !== worker) {
        worker = change.worker
        host = hostOf(worker)
      }
      const sent = change.kind === 'task' && change.event === 'sent'
      const told = (sent ? genericSentHostname : genericWorkerHostname) ? GENERIC : host
      const { task } = change
      const queue = change.queue === UNKNOWN ? defaultQueue : change.queue
      const series = hosts.get(told)?.get(task)?.get(queue) ?? this.#make(broker, hosts, told, task, queue)
      if (series === undefined) this.#options.dropped()
      else this.#count(series, change)
    }
  }

  /** Forgets a host that is gone. Its counters begin at 0 when it comes back. */
  purge(broker: string, host: string): void {
    // What was collapsed belongs to nobody in particular.
    if (host === GENERIC) return
    const hosts = this.#brokers.get(broker)
    for (const queues of hosts?.get(host)?.values() ?? [])
      for (const series of queues.values()) {
        this.#all.delete(series)
        this.#exceptions -= series.failures?.size ?? 0
      }
    hosts?.delete(host)
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

  #make(broker: string, hosts: Hosts, wanted: string, task: string, queue: string): TaskSeries | undefined {
    const { maxTaskSeries, withBroker, staticLabels } = this.#options
    let host = wanted
    if (host !== GENERIC && this.#all.size - this.#generic >= maxTaskSeries) {
      host = GENERIC
      const collapsed = hosts.get(host)?.get(task)?.get(queue)
      if (collapsed !== undefined) return collapsed
    }
    if (host === GENERIC && this.#generic >= maxTaskSeries) return undefined
    const series = new TaskSeries(
      labelPairs(
        ['name', 'hostname', 'queue_name', ...(withBroker ? ['broker'] : []), ...Object.keys(staticLabels)],
        [task, host, queue, ...(withBroker ? [broker] : []), ...Object.values(staticLabels)],
      ),
    )
    let tasks = hosts.get(host)
    if (tasks === undefined) hosts.set(host, (tasks = new Map()))
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
