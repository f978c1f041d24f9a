/**
 * A worker as Celery describes it: node name, and process ids as the worker itself sees them (heartbeats, `stats`). They may belong
 * to another host or to another pid namespace: nothing is told of a process before it is proven to be that worker.
 */
export interface WorkerClaim {
  readonly broker: string
  /** Full node name. */
  readonly worker: string
  /** The parent. */
  readonly pid: number
  /** Processes of its pool, as far as they were said. */
  readonly pids: readonly number[]
}

/** What a worker, or a container in which one runs, uses now. null means "not known", never 0. */
export interface HostReading {
  readonly broker: string
  /** See docs/host-resources.md: name or id of a container, name of a pod or of a systemd unit, else `celery:<pid>`. */
  readonly container: string
  /** Full node name; '' for a container beside others in a pod, any of which may hold the worker. */
  readonly worker: string
  /** Of its limit, or of all cores of its host without one. null until it was read twice. */
  readonly cpuPercent: number | null
  /** Of its limit, or of the memory of its host without one. */
  readonly memoryPercent: number | null
  /** Of the worker: working set of its container or unit when nothing else runs in it, else memory of its processes. */
  readonly memoryBytes: number | null
  readonly memoryLimitBytes: number | null
}
