import type { Fleet, FleetChange, TaskEventKind } from '../../fleet/index.ts'
import {
  expose,
  type ExposedFamily,
  type ExposedSeries,
  type ExpositionFormat,
  labelPairs,
} from '../../metrics/index.ts'
import { type HostView, HostTable } from './hosts.ts'
import { type CeleryExporterOptions, checkOptions } from './options.ts'
import { type QueueNumbers, queueNumbers } from './queues.ts'
import { type TaskSeries, TaskTable } from './tasks.ts'

/**
 * The page that danihodovic/celery-exporter serves, for what watches it: its names, types, labels and buckets, over what Celeriac
 * knows. What it does better is in docs/celery-exporter.md. Counters count from the start of the process, whether anybody asks
 * or not.
 */
export interface CeleryExporterPage {
  /** Counts what happened to tasks; other changes are passed over. */
  record(broker: string, changes: readonly FleetChange[]): void
  /** Takes over a fleet's present state. */
  collect(fleet: Fleet, connected: boolean, nowMs: number): void
  /** The page in pieces; undefined while no broker is connected, when celery-exporter's scrape fails. */
  expose(format: ExpositionFormat): Generator<string, void, undefined> | undefined
}

export interface CeleryExporterPageOptions {
  readonly options: CeleryExporterOptions
  /** Several: every series gets a label `broker`. */
  readonly brokers: readonly string[]
  /** A change could not be counted because all room was taken. */
  readonly dropped: () => void
}

interface BrokerState {
  readonly hosts: HostTable
  connected: boolean
  queues: readonly QueueNumbers[]
}

/** Name, help and source of each counter. Names: celery-exporter `src/exporter.py`. */
const COUNTERS: readonly (readonly [name: string, event: TaskEventKind, help: string])[] = [
  ['task_sent_total', 'sent', 'Tasks published, by the host of the sender. Needs task_send_sent_event.'],
  ['task_received_total', 'received', 'Tasks received by a worker.'],
  ['task_started_total', 'started', 'Tasks whose execution began.'],
  ['task_succeeded_total', 'succeeded', 'Tasks that succeeded.'],
  ['task_failed_total', 'failed', 'Tasks that failed, by exception class.'],
  ['task_rejected_total', 'rejected', 'Tasks that a worker rejected.'],
  ['task_revoked_total', 'revoked', 'Tasks that were revoked.'],
  ['task_retried_total', 'retried', 'Tasks that failed and will be tried again.'],
]

/** An empty page. Throws CONFIG_INVALID for wrong options. */
export function createCeleryExporterPage(given: CeleryExporterPageOptions): CeleryExporterPage {
  return new Page(given)
}

class Page implements CeleryExporterPage {
  readonly #options: CeleryExporterOptions
  readonly #tasks: TaskTable
  readonly #brokers = new Map<string, BrokerState>()
  readonly #families: readonly ExposedFamily[]
  readonly #withBroker: boolean

  constructor({ options, brokers, dropped }: CeleryExporterPageOptions) {
    this.#withBroker = brokers.length > 1
    checkOptions(options, this.#withBroker)
    this.#options = options
    this.#tasks = new TaskTable({ ...options, withBroker: this.#withBroker, dropped })
    this.#families = this.#makeFamilies(options.metricPrefix)
  }

  record(broker: string, changes: readonly FleetChange[]): void {
    this.#tasks.record(broker, changes)
  }

  collect(fleet: Fleet, connected: boolean, nowMs: number): void {
    let state = this.#brokers.get(fleet.broker)
    if (state === undefined) {
      state = { hosts: new HostTable(this.#options), connected, queues: [] }
      this.#brokers.set(fleet.broker, state)
    }
    state.connected = connected
    // While nothing can be heard nobody goes, and nothing is known.
    if (!connected) return
    const workers = fleet.workers(nowMs)
    state.queues = queueNumbers(fleet.queues(nowMs), workers)
    for (const host of state.hosts.observe(workers, nowMs)) this.#tasks.purge(fleet.broker, host)
  }

  expose(format: ExpositionFormat): Generator<string, void, undefined> | undefined {
    const connected = [...this.#brokers.values()].some(state => state.connected)
    return connected ? expose(this.#families, { format, pointedBounds: true }) : undefined
  }

  #makeFamilies(prefix: string): readonly ExposedFamily[] {
    const family = (
      name: string,
      kind: ExposedFamily['metric']['kind'],
      help: string,
      all: () => Iterable<ExposedSeries>,
    ): ExposedFamily => ({ metric: { name: prefix + name, kind, help }, all })
    const tasks = this.#tasks
    return [
      ...COUNTERS.map(([name, event, help]) =>
        family(name, 'counter', help, () =>
          event === 'failed' ? failureSeries(tasks.all()) : countSeries(tasks.all(), event),
        ),
      ),
      family('worker_up', 'gauge', 'Whether a worker of this host is up.', () =>
        this.#hostSeries(({ up }) => up),
      ),
      family('worker_tasks_active', 'gauge', 'Tasks that the workers of this host execute.', () =>
        this.#hostSeries(({ active }) => active),
      ),
      family('task_runtime', 'histogram', 'Run time of tasks that succeeded, in seconds.', () =>
        distributionSeries(tasks.all(), 'runtime'),
      ),
      family(
        'task_queue_wait_time',
        'histogram',
        'Seconds from publishing a task to its start; ETA and countdown excluded. Needs task_send_sent_event.',
        () => distributionSeries(tasks.all(), 'wait'),
      ),
      family('queue_length', 'gauge', 'Messages waiting in the broker, of all priorities.', () =>
        this.#queueSeries(({ length }) => length),
      ),
      family('active_consumer_count', 'gauge', 'Consumers of the queue: each worker is one.', () =>
        this.#queueSeries(({ workers }) => workers),
      ),
      family('active_worker_count', 'gauge', 'Workers that consume the queue.', () =>
        this.#queueSeries(({ workers }) => workers),
      ),
      family('active_process_count', 'gauge', 'Pool slots of the workers that consume the queue.', () =>
        this.#queueSeries(({ processes }) => processes),
      ),
    ]
  }

  *#hostSeries(valueOf: (view: HostView) => number | null): Generator<ExposedSeries> {
    for (const [broker, { hosts, connected }] of this.#brokers) {
      if (!connected) continue
      for (const view of hosts.views()) {
        const value = valueOf(view)
        if (value !== null) yield { text: this.#labels('hostname', view.host, broker), value }
      }
    }
  }

  *#queueSeries(valueOf: (numbers: QueueNumbers) => number | null): Generator<ExposedSeries> {
    for (const [broker, { queues, connected }] of this.#brokers) {
      if (!connected) continue
      for (const numbers of queues) {
        const value = valueOf(numbers)
        if (value !== null) yield { text: this.#labels('queue_name', numbers.queue, broker), value }
      }
    }
  }

  #labels(name: string, value: string, broker: string): string {
    const { staticLabels } = this.#options
    const [names, values] = this.#withBroker ? [['broker'], [broker]] : [[], []]
    return labelPairs(
      [name, ...names, ...Object.keys(staticLabels)],
      [value, ...values, ...Object.values(staticLabels)],
    )
  }
}

/** One object stands for all series, as ExposedFamily allows: there may be many. */
function* countSeries(all: Iterable<TaskSeries>, event: TaskEventKind): Generator<ExposedSeries> {
  const series = { text: '', value: 0 }
  for (const { text, counts, ran } of all) {
    // `sent` is not begun at 0 where nothing was sent: that would make a series for each worker too.
    if (event === 'sent' ? counts.sent === 0 : !ran) continue
    series.text = text
    series.value = counts[event]
    yield series
  }
}

/** Without a class always 0: the failures of a task that never failed are known to be none. */
function* failureSeries(all: Iterable<TaskSeries>): Generator<ExposedSeries> {
  for (const { text, ran, failures } of all) {
    if (!ran) continue
    yield { text, value: 0 }
    if (failures !== undefined) yield* failures.values()
  }
}

function* distributionSeries(all: Iterable<TaskSeries>, which: 'runtime' | 'wait'): Generator<ExposedSeries> {
  for (const series of all) {
    const distribution = series[which]
    if (distribution !== undefined) yield { text: series.text, distribution }
  }
}
