import type { HostFiles } from './files.ts'
import { pathsUpwards } from './placement.ts'
import { parseCpuMax, parseKeyed, parseLimit } from './proc.ts'

const MOUNT = '/sys/fs/cgroup'

const folder = (path: string): string => (path === '/' ? MOUNT : `${MOUNT}${path}`)

/** CPU seconds that everything in a cgroup used since it was made; null when it cannot be read. */
export async function readCpuSeconds(files: HostFiles, path: string): Promise<number | null> {
  const usage = parseKeyed((await files.read(`${folder(path)}/cpu.stat`)) ?? '', 'usage_usec')
  return usage === undefined ? null : usage / 1e6
}

/**
 * Memory of a cgroup that the kernel cannot simply take back: all but file pages not used lately, the number by which Kubernetes
 * evicts. null when the memory controller is off or not readable.
 */
export async function readWorkingSet(files: HostFiles, path: string): Promise<number | null> {
  const current = parseLimit((await files.read(`${folder(path)}/memory.current`)) ?? '')
  const inactive = parseKeyed((await files.read(`${folder(path)}/memory.stat`)) ?? '', 'inactive_file')
  return current === undefined || inactive === undefined ? null : Math.max(0, current - inactive)
}

export interface Limits {
  /** Infinity without a limit; null when it cannot be told. */
  readonly memoryBytes: number | null
  readonly cpuCores: number | null
}

/** The smallest limits on a cgroup and on all above it, as far up as our own cgroup namespace shows. */
export async function readLimits(files: HostFiles, path: string): Promise<Limits> {
  // Without this file the hierarchy is not mounted here, and then the absence of limits means nothing.
  if (typeof (await files.read(`${folder(path)}/cgroup.controllers`)) !== 'string')
    return { memoryBytes: null, cpuCores: null }
  let memoryBytes: number | null = Infinity
  let cpuCores: number | null = Infinity
  for (const each of pathsUpwards(path)) {
    memoryBytes = smaller(memoryBytes, await files.read(`${MOUNT}${each}/memory.max`), parseLimit)
    cpuCores = smaller(cpuCores, await files.read(`${MOUNT}${each}/cpu.max`), parseCpuMax)
  }
  return { memoryBytes, cpuCores }
}

/** A file that is not there sets no limit: the root has none, nor has a cgroup for which the controller is off. */
function smaller(
  limit: number | null,
  text: string | null | undefined,
  parse: (text: string) => number | undefined,
): number | null {
  if (text === null || limit === null) return limit
  const found = parse(text ?? '')
  return found === undefined ? null : Math.min(limit, found)
}

const MAX_FOLDERS = 32

/** Every process in a cgroup and beneath it; null when that cannot be told, or not with few files. */
export async function readProcesses(files: HostFiles, path: string): Promise<readonly number[] | null> {
  const pids: number[] = []
  const waiting = [folder(path)]
  for (let seen = 0; ; seen++) {
    const at = waiting.pop()
    if (at === undefined) return pids
    if (seen === MAX_FOLDERS) return null
    const text = await files.read(`${at}/cgroup.procs`)
    if (typeof text !== 'string') return null
    // 0 stands for a process that our pid namespace does not show.
    for (const line of text.split('\n')) if (/^\d+$/.test(line)) pids.push(Number(line))
    // A leaf has no processes beneath; only then is a listing saved.
    const below = parseKeyed((await files.read(`${at}/cgroup.stat`)) ?? '', 'nr_descendants')
    if (below === 0) continue
    for (const name of (await files.folders(at)) ?? []) waiting.push(`${at}/${name}`)
  }
}
