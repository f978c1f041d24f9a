import type { WorkerView } from '../../fleet/index.ts'
import type { CeleryExporterOptions } from './options.ts'
import { hostOf } from './tasks.ts'

interface Node {
  lastHeardMs: number
  /** 1 up, 0 down; null when it cannot be known. */
  up: 0 | 1 | null
  /** Tasks it executes; null when it cannot be known. */
  active: number | null
}

/** A host as celery-exporter tells it, all its workers together; null is "not known". */
export interface HostView {
  readonly host: string
  readonly up: 0 | 1 | null
  readonly active: number | null
}

/** Far above the number of workers a fleet knows; workers that are gone go first. */
const MAX_NODES = 20_000

const isPresent = (view: WorkerView): boolean => view.state === 'up' || view.state === 'suspect'

/**
 * The hosts of one broker's workers. celery-exporter knows a worker by its host alone, so the workers of a host are told together:
 * it is up while one of them is, and its active tasks are their sum. A worker is
 *
 * - up while the fleet holds it for present, and as long after as `workerTimeoutMs` of silence allow;
 * - down after its goodbye, or after that silence;
 * - not known after an outage of the broker, until it is heard again or held for gone.
 *
 * Once all workers of a host were down and silent for `purgeAfterMs`, the host is forgotten.
 */
export class HostTable {
  readonly #options: Pick<CeleryExporterOptions, 'workerTimeoutMs' | 'purgeAfterMs'>
  readonly #hosts = new Map<string, Map<string, Node>>()
  #nodes = 0

  constructor(options: Pick<CeleryExporterOptions, 'workerTimeoutMs' | 'purgeAfterMs'>) {
    this.#options = options
  }

  /** Takes over what the fleet knows; returns the hosts that were forgotten. Not to be called while the broker is lost. */
  observe(views: readonly WorkerView[], nowMs: number): readonly string[] {
    const known = new Map(views.map(view => [view.worker, view]))
    for (const view of views) {
      if (!isPresent(view) && this.#isOver(view.lastHeardMs, nowMs)) continue
      const node = this.#node(view.worker)
      node.lastHeardMs = view.lastHeardMs
      node.up = this.#up(view, nowMs)
      node.active = node.up === 0 ? 0 : view.active
    }
    return this.#sweep(known, nowMs)
  }

  /** All hosts at the last observation. */
  *views(): Generator<HostView> {
    for (const [host, nodes] of this.#hosts) {
      let up: 0 | 1 | null = 0
      let active: number | null = 0
      for (const node of nodes.values()) {
        if (node.up === 1) up = 1
        else if (node.up === null && up === 0) up = null
        active = active === null || node.active === null ? null : active + node.active
      }
      yield { host, up, active }
    }
  }

  #up(view: WorkerView, nowMs: number): 0 | 1 | null {
    if (isPresent(view)) return view.uncertain === true ? null : 1
    const { workerTimeoutMs } = this.#options
    if (view.state === 'stopped') return 0
    return workerTimeoutMs === 0 || nowMs - view.lastHeardMs <= workerTimeoutMs ? 1 : 0
  }

  #isOver(lastHeardMs: number, nowMs: number): boolean {
    const { purgeAfterMs } = this.#options
    return purgeAfterMs > 0 && nowMs - lastHeardMs > purgeAfterMs
  }

  /** Looks after workers that the fleet does not know any more, and forgets those that are gone for long. */
  #sweep(known: ReadonlyMap<string, WorkerView>, nowMs: number): readonly string[] {
    const { workerTimeoutMs } = this.#options
    const forgotten: string[] = []
    for (const [host, nodes] of this.#hosts) {
      for (const [name, node] of nodes) {
        const view = known.get(name)
        if (view !== undefined && isPresent(view)) continue
        if (view === undefined && (workerTimeoutMs > 0 ? nowMs - node.lastHeardMs > workerTimeoutMs : false))
          node.up = node.active = 0
        if (!this.#isOver(node.lastHeardMs, nowMs) && this.#nodes <= MAX_NODES) continue
        nodes.delete(name)
        this.#nodes--
      }
      if (nodes.size > 0) continue
      this.#hosts.delete(host)
      forgotten.push(host)
    }
    return forgotten
  }

  #node(worker: string): Node {
    const host = hostOf(worker)
    let nodes = this.#hosts.get(host)
    if (nodes === undefined) this.#hosts.set(host, (nodes = new Map()))
    let node = nodes.get(worker)
    if (node === undefined) {
      node = { lastHeardMs: 0, up: null, active: null }
      nodes.set(worker, node)
      this.#nodes++
    }
    return node
  }
}
