/**
 * What cAdvisor, a kubelet (`/metrics/cadvisor`, `/metrics/resource`) or a Prometheus federation says of containers, made into use of
 * limits. Pure. Names and labels: cAdvisor `docs/storage/prometheus.md`, kubelet `pkg/kubelet/metrics/collectors/resource_metrics.go`,
 * kube-state-metrics `docs/metrics/workload/pod-metrics.md`.
 */

export interface ScrapedSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  readonly timestampMs: number | null
}

/** One container as a scrape told of it; null means "not told". */
export interface ContainerUsage {
  /** Host names a worker in it may have. */
  readonly hosts: readonly string[]
  /** The worker that the sample itself names; '' when it names none. */
  readonly worker: string
  /** Which of several containers of that host name: all of one pod have the same. */
  readonly group: string
  /** Name of its pod, with the container's after a slash when the pod has several; else its own name. */
  readonly label: string
  readonly cpuPercent: number | null
  readonly memoryPercent: number | null
  readonly memoryBytes: number | null
  readonly memoryLimitBytes: number | null
}

/** No node holds as many. */
const MAX_CONTAINERS = 20_000
/** CPU from a sample that stands still for longer is no longer told. */
const MAX_STILL_MS = 60_000
/** What cgroup version 1 calls "no limit" is near 2^63. */
const UNLIMITED_BYTES = 2 ** 60

type Labels = ScrapedSample['labels']

interface Row {
  readonly labels: Labels
  cpuSeconds: number | undefined
  cpuTotal: boolean
  atMs: number
  workingSet: number | undefined
  memoryLimit: number | undefined
  quota: number | undefined
  period: number | undefined
  cpuPercent: number | undefined
  memoryPercent: number | undefined
}

interface CpuState {
  readonly seconds: number
  /** Of the sample, by whoever took it. */
  readonly atMs: number
  /** When we first saw it. */
  readonly seenMs: number
  readonly percent: number | null
  readonly cores: number | null
}

const READY_MADE = new Set(['container_cpu_usage_percent', 'container_memory_usage_percent'])
const OF_CONTAINERS = new Set([
  ...READY_MADE,
  'container_cpu_usage_seconds_total',
  'container_memory_working_set_bytes',
  'container_spec_cpu_quota',
  'container_spec_cpu_period',
  'container_spec_memory_limit_bytes',
])
const OF_MACHINES = new Set(['machine_cpu_cores', 'machine_memory_bytes'])
const POD_LIMITS = 'kube_pod_container_resource_limits'

/** The metrics that are read; all others may be passed over. */
export const isContainerMetric = (name: string): boolean =>
  OF_CONTAINERS.has(name) || OF_MACHINES.has(name) || name === POD_LIMITS

/** Labels that tell one container from another. The pair of `image` and `cpu` says nothing about which it is. */
const IDENTITY = ['instance', 'node', 'namespace', 'pod', 'container', 'id', 'name', 'worker'] as const

const keyOf = (labels: Labels, names: readonly string[]): string =>
  names.map(name => labels[name] ?? '').join('\0')

/** A container that somebody runs: not a pod's sum, not its pause container, not a slice or the machine. */
function isWorkload(labels: Labels): boolean {
  const { pod = '', container = '', name = '' } = labels
  return pod === '' ? name !== '' || container !== '' : container !== '' && container !== 'POD'
}

/** One scrape: takes the samples in any order. Throws a RangeError when there are too many containers. */
export class ContainerScrape {
  readonly #match: Labels
  readonly rows = new Map<string, Row>()
  /** Metric, machine (`instance` and `node`) -> value. */
  readonly #machines = new Map<string, Map<string, number>>()
  readonly #podLimits = new Map<string, number>()

  /** `match`: labels that samples of containers must have. */
  constructor(match: Labels) {
    this.#match = match
  }

  add({ name, labels, value, timestampMs }: ScrapedSample, nowMs: number): void {
    if (!Number.isFinite(value)) return
    if (OF_MACHINES.has(name)) {
      const values = this.#machines.get(name) ?? new Map<string, number>()
      if (values.size < MAX_CONTAINERS) values.set(keyOf(labels, ['instance', 'node']), value)
      this.#machines.set(name, values)
    } else if (name === POD_LIMITS) {
      const key = `${labels['resource'] ?? ''}\0${keyOf(labels, POD_CONTAINER)}`
      if (this.#podLimits.size < 2 * MAX_CONTAINERS) this.#podLimits.set(key, value)
    } else if (isWorkload(labels) || READY_MADE.has(name))
      this.#addToRow(name, labels, value, timestampMs ?? nowMs)
  }

  #addToRow(name: string, labels: Labels, value: number, atMs: number): void {
    for (const key of Object.keys(this.#match)) if (labels[key] !== this.#match[key]) return
    const key = keyOf(labels, IDENTITY)
    let row = this.rows.get(key)
    if (row === undefined) {
      if (this.rows.size >= MAX_CONTAINERS)
        throw new RangeError(`it tells of more than ${MAX_CONTAINERS} containers; narrow it down with match`)
      row = emptyRow(labels)
      this.rows.set(key, row)
    }
    if (name === 'container_cpu_usage_seconds_total') addCpu(row, labels['cpu'] ?? 'total', value, atMs)
    else if (name === 'container_memory_working_set_bytes') row.workingSet = value
    else if (name === 'container_spec_memory_limit_bytes') row.memoryLimit = value
    else if (name === 'container_spec_cpu_quota') row.quota = value
    else if (name === 'container_spec_cpu_period') row.period = value
    else if (name === 'container_cpu_usage_percent') row.cpuPercent = value
    else row.memoryPercent = value
  }

  /**
   * Cores and memory that a container may use; null when the scrape does not say. Without a limit it is all of its machine, but only
   * where cAdvisor told of the container's limits at all: a scrape that leaves them out must not make them look absent.
   */
  limitsOf({ labels, quota = 0, period, memoryLimit }: Row): {
    readonly cores: number | null
    readonly memoryBytes: number | null
  } {
    const machine = keyOf(labels, ['instance', 'node'])
    const cores =
      quota > 0 && period !== undefined && period > 0 ? quota / period : this.#podLimit(labels, 'cpu')
    const isLimited = memoryLimit !== undefined && memoryLimit > 0 && memoryLimit < UNLIMITED_BYTES
    const memory = isLimited ? memoryLimit : this.#podLimit(labels, 'memory')
    return {
      cores: least(cores, period !== undefined, this.#machine('machine_cpu_cores', machine)),
      memoryBytes: least(memory, memoryLimit !== undefined, this.#machine('machine_memory_bytes', machine)),
    }
  }

  #podLimit(labels: Labels, resource: string): number | undefined {
    return this.#podLimits.get(`${resource}\0${keyOf(labels, POD_CONTAINER)}`)
  }

  /** The machine of a container, or the only one there is. */
  #machine(name: string, machine: string): number | undefined {
    const values = this.#machines.get(name)
    return values?.get(machine) ?? (values?.size === 1 ? [...values.values()][0] : undefined)
  }
}

const POD_CONTAINER = ['namespace', 'pod', 'container'] as const

const emptyRow = (labels: Labels): Row => ({
  labels,
  cpuSeconds: undefined,
  cpuTotal: false,
  atMs: 0,
  workingSet: undefined,
  memoryLimit: undefined,
  quota: undefined,
  period: undefined,
  cpuPercent: undefined,
  memoryPercent: undefined,
})

/** A series for all cores, or one for each: then they are summed. */
function addCpu(row: Row, cpu: string, seconds: number, atMs: number): void {
  const isTotal = cpu === 'total' || cpu === ''
  if (row.cpuTotal && !isTotal) return
  row.cpuSeconds = isTotal ? seconds : (row.cpuSeconds ?? 0) + seconds
  row.cpuTotal = isTotal
  row.atMs = Math.max(row.atMs, atMs)
}

function least(limit: number | undefined, mayBeNone: boolean, machine: number | undefined): number | null {
  if (limit === undefined && !mayBeNone) return null
  const found = Math.min(limit ?? Infinity, machine ?? Infinity)
  return Number.isFinite(found) && found > 0 ? found : null
}

/** Turns the scrapes of one target into use; remembers the last one, since CPU needs two. */
export class ContainerMeter {
  #cpu = new Map<string, CpuState>()

  /** Use of every container of a scrape. Of several runs of one container, and of several that tell of it, the latest counts. */
  read(scrape: ContainerScrape, nowMs: number): readonly ContainerUsage[] {
    const before = this.#cpu
    this.#cpu = new Map()
    const latest = new Map<string, readonly [row: Row, key: string]>()
    for (const [key, row] of scrape.rows) {
      const one = isOfPod(row.labels) ? keyOf(row.labels, [...POD_CONTAINER, 'worker']) : key
      const [other, otherKey] = latest.get(one) ?? []
      if (other === undefined || otherKey === undefined) latest.set(one, [row, key])
      else if (other.atMs <= row.atMs) latest.set(one, [withSpec(row, other), key])
      else latest.set(one, [withSpec(other, row), otherKey])
    }
    const sizes = new Map<string, number>()
    for (const [row] of latest.values()) {
      const group = groupOf(row.labels)
      sizes.set(group, (sizes.get(group) ?? 0) + 1)
    }
    return [...latest.values()].map(([row, key]) => {
      const { cores, memoryBytes: limit } = scrape.limitsOf(row)
      const memoryBytes = row.workingSet ?? null
      return {
        ...nameOf(row.labels, (sizes.get(groupOf(row.labels)) ?? 0) > 1),
        cpuPercent: row.cpuPercent ?? this.#cpuPercent(key, row, cores, before.get(key), nowMs),
        memoryPercent:
          row.memoryPercent ?? (memoryBytes === null || limit === null ? null : (memoryBytes / limit) * 100),
        memoryBytes,
        memoryLimitBytes: limit,
      }
    })
  }

  #cpuPercent(
    key: string,
    { cpuSeconds: seconds, atMs }: Row,
    cores: number | null,
    before: CpuState | undefined,
    nowMs: number,
  ): number | null {
    if (seconds === undefined) return null
    if (before !== undefined && atMs <= before.atMs) {
      // The same sample again: cAdvisor measures less often than it may be asked.
      this.#cpu.set(key, before)
      return nowMs - before.seenMs > MAX_STILL_MS ? null : before.percent
    }
    const used = before === undefined ? -1 : seconds - before.seconds
    const elapsed = before === undefined ? 0 : (atMs - before.atMs) / 1000
    // Less than before: the container was started anew.
    const percent = used < 0 || cores === null ? null : (used / (elapsed * cores)) * 100
    this.#cpu.set(key, { seconds, atMs, seenMs: nowMs, percent, cores })
    return percent
  }
}

const isOfPod = (labels: Labels): boolean => (labels['pod'] ?? '') !== ''

const groupOf = (labels: Labels): string =>
  isOfPod(labels) ? keyOf(labels, ['namespace', 'pod', 'worker']) : keyOf(labels, IDENTITY)

/** A kubelet's `/metrics/resource` tells of use without limits, beside `/metrics/cadvisor` which tells of both. */
const withSpec = (row: Row, other: Row): Row => ({
  ...row,
  workingSet: row.workingSet ?? other.workingSet,
  memoryLimit: row.memoryLimit ?? other.memoryLimit,
  quota: row.quota ?? other.quota,
  period: row.period ?? other.period,
})

/** Kubernetes cuts a pod's name for its host name (`pkg/kubelet/util/util.go` GetNodenameForKernel and `truncatePodHostnameIfNeeded`). */
const podHost = (pod: string): string => pod.slice(0, 63).replace(/[-.]+$/, '')

function nameOf(
  labels: Labels,
  hasSiblings: boolean,
): Pick<ContainerUsage, 'hosts' | 'worker' | 'group' | 'label'> {
  const { pod = '', container = '', name = '', id = '', worker = '' } = labels
  const group = groupOf(labels)
  if (pod !== '')
    return { hosts: [podHost(pod)], worker, group, label: hasSiblings ? `${pod}/${container}` : pod }
  const hex = /(?:^|[-/:])([0-9a-f]{64})(?:\.scope)?$/.exec(id)?.[1]
  const own = name === '' ? container : name
  const hosts = [own, hex?.slice(0, 12) ?? ''].filter(host => host !== '')
  return { hosts, worker, group, label: own === '' ? worker : own }
}
