import { type Limits, readCpuSeconds, readLimits, readProcesses, readWorkingSet } from './cgroup.ts'
import type { HostReading } from './contract.ts'
import type { HostFiles } from './files.ts'
import { type ProcessFacts, SHORT_ID_LENGTH, workerCommand } from './identity.ts'
import {
  cpuSecondsBetween,
  type GroupReading,
  type ProcessTree,
  readGroup,
  readMemory,
} from './process-group.ts'
import type { ProcessTable } from './process-table.ts'

/** What every meter of a host needs. */
export interface HostContext {
  readonly files: HostFiles
  readonly table: ProcessTable
  readonly hostname: string
  readonly uptimeMs: () => number
  /** Cores that are online; empty when not known. */
  readonly onlineCpus: ReadonlySet<number>
  readonly memoryTotalBytes: number | undefined
}

export type Usage = Omit<HostReading, 'broker' | 'worker'>

/** Read from a cgroup, or summed over processes: two counts that cannot be subtracted from each other. */
type CpuSample =
  | { readonly of: 'cgroup'; readonly atMs: number; readonly seconds: number }
  | ({ readonly of: 'processes' } & GroupReading)

/** A worker with more processes is not summed: part of them would be a wrong number. */
const MAX_TREE = 256
/** CPU over less than this would be rounding: time is counted in hundredths of a second. */
const MIN_CPU_INTERVAL_MS = 500

/**
 * Measures one worker from cycle to cycle. A container or pod is measured as a whole, whatever else runs in it, because its limits
 * hold for the whole. So is a systemd unit in which nothing else runs. In any other cgroup (a login session, a unit with other
 * programs) the processes of the worker are summed. Limits are the smallest on the way up, and the machine's own.
 */
export class WorkerMeter {
  readonly #context: () => HostContext
  #facts: ProcessFacts
  #limits: Limits | undefined
  #label: string | undefined
  #sample: CpuSample | undefined
  /** Processes in the unit that are not the worker's, at the last look; undefined before the first. */
  #foreign: ReadonlySet<number> | undefined

  constructor(facts: ProcessFacts, context: () => HostContext) {
    this.#facts = facts
    this.#context = context
  }

  get facts(): ProcessFacts {
    return this.#facts
  }

  /** Takes over facts read anew; limits and names are read anew with them. */
  renew(facts: ProcessFacts): void {
    this.#facts = facts
    this.#limits = undefined
    this.#label = undefined
  }

  /** `shared`: another worker is known to run in the same container, so the container's memory is not this worker's. */
  async measure(shared: boolean): Promise<Usage> {
    const { files, table } = this.#context()
    const tree = table.treeOf(this.#facts.pid, MAX_TREE)
    const path = await this.#wholePath(tree)
    const workingSet = path === undefined ? null : await readWorkingSet(files, path)
    const isSummed = path === undefined || shared || workingSet === null
    const group =
      isSummed && tree.isComplete ? await readGroup(files, tree, this.#context().uptimeMs) : undefined
    const summed =
      group &&
      (await readMemory(
        files,
        group.members.map(({ pid }) => pid),
      ))
    const ownBytes = isSummed ? (summed ?? null) : workingSet
    const memoryBytes = workingSet ?? ownBytes
    const limits = (this.#limits ??= await this.#readLimits())
    const sample =
      path === undefined ? group && { of: 'processes' as const, ...group } : await this.#readCgroup(path)
    return {
      container:
        path === undefined ? `${workerCommand(this.#facts)}:${this.#facts.pid}` : await this.#wholeLabel(),
      cpuPercent: this.#cpuPercent(sample, limits.cpuCores),
      memoryPercent: percentOf(memoryBytes, limits.memoryBytes),
      memoryBytes: ownBytes,
      memoryLimitBytes: limits.memoryBytes,
    }
  }

  async #readCgroup(path: string): Promise<CpuSample | undefined> {
    const { files, uptimeMs } = this.#context()
    const atMs = uptimeMs()
    const seconds = await readCpuSeconds(files, path)
    return seconds === null ? undefined : { of: 'cgroup', atMs, seconds }
  }

  #cpuPercent(sample: CpuSample | undefined, cores: number | null): number | null {
    const before = this.#sample
    if (sample === undefined || (sample.of === 'processes' && !sample.isSteady)) return null
    // What is older is kept until enough time has passed.
    if (before !== undefined && sample.atMs - before.atMs < MIN_CPU_INTERVAL_MS) return null
    this.#sample = sample
    const used = before === undefined ? null : secondsBetween(before, sample)
    if (before === undefined || used === null || cores === null) return null
    return percentOf(used, (cores * (sample.atMs - before.atMs)) / 1000)
  }

  /** Path of the cgroup that is measured as a whole; undefined when the worker is its processes. */
  async #wholePath(tree: ProcessTree): Promise<string | undefined> {
    const { placement, legacyCgroup } = this.#facts
    if (placement === undefined || legacyCgroup) return undefined
    if (placement.kind === 'container' || placement.kind === 'pod') return placement.path
    if (placement.kind !== 'unit') return undefined
    return (await this.#isAlone(placement.path, tree)) ? placement.path : undefined
  }

  /** Nothing runs in the unit but the worker and what started it. A short guest, such as `ExecReload`, does not count. */
  async #isAlone(path: string, tree: ProcessTree): Promise<boolean> {
    const { files, table } = this.#context()
    const pids = await readProcesses(files, path)
    if (pids === null) return false
    const own = new Set([...tree.pids, ...table.ancestorsOf(this.#facts.pid)])
    const foreign = new Set(pids.filter(pid => !own.has(pid)))
    const before = this.#foreign
    this.#foreign = foreign
    return ![...foreign].some(pid => before === undefined || before.has(pid))
  }

  async #readLimits(): Promise<Limits> {
    const { files, onlineCpus, memoryTotalBytes = Infinity } = this.#context()
    const { placement, legacyCgroup, allowedCpus } = this.#facts
    if (placement === undefined || placement.kind === 'outside' || legacyCgroup)
      return { memoryBytes: null, cpuCores: null }
    const limits = await readLimits(files, placement.path)
    // The list of allowed cores may name more than there are, and covers cpuset and affinity.
    const usable = [...allowedCpus].filter(cpu => onlineCpus.size === 0 || onlineCpus.has(cpu)).length
    return {
      memoryBytes: finite(limits.memoryBytes, memoryTotalBytes),
      cpuCores: finite(limits.cpuCores, usable === 0 ? onlineCpus.size || Infinity : usable),
    }
  }

  async #wholeLabel(): Promise<string> {
    this.#label ??= await this.#readLabel()
    return this.#label
  }

  async #readLabel(): Promise<string> {
    const { files, hostname } = this.#context()
    const { placement, hostnames, ownHostname } = this.#facts
    const name = placement?.name ?? ''
    // A pod's host name is its name; with hostNetwork it is the node's.
    if (placement?.kind === 'pod')
      return (ownHostname ? hostnames[0] : undefined) ?? name.slice(0, SHORT_ID_LENGTH)
    if (placement?.path === '/') return hostname
    if (placement?.kind !== 'container') return name
    return (
      dockerName(await files.read(`/var/lib/docker/containers/${name}/config.v2.json`)) ?? shortened(name)
    )
  }
}

/** null when the two cannot be compared, or when it is less than before: the cgroup was made anew. */
function secondsBetween(before: CpuSample, after: CpuSample): number | null {
  if (before.of === 'processes' && after.of === 'processes') return cpuSecondsBetween(before, after)
  if (before.of !== 'cgroup' || after.of !== 'cgroup' || after.seconds < before.seconds) return null
  return after.seconds - before.seconds
}

/** Ids are cut as Docker cuts them; names of other engines are left whole. */
const shortened = (name: string): string =>
  /^[0-9a-f]{64}$/.test(name) ? name.slice(0, SHORT_ID_LENGTH) : name

/** The name people gave a container, from what Docker keeps of it (readable for root only). */
function dockerName(text: string | null | undefined): string | undefined {
  try {
    const { Name: name } = JSON.parse(text ?? '{}') as { readonly Name?: unknown }
    return typeof name === 'string' && /^\/?.{1,128}$/s.test(name) ? name.replace(/^\//, '') : undefined
  } catch {
    // Another engine's file, or cut: the id names the container as well.
    return undefined
  }
}

const percentOf = (part: number | null, whole: number | null): number | null =>
  part === null || whole === null || whole <= 0 ? null : (part / whole) * 100

const finite = (limit: number | null, host: number): number | null => {
  if (limit === null) return null
  const least = Math.min(limit, host)
  return Number.isFinite(least) ? least : null
}
