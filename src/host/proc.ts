/**
 * Texts of /proc and /sys/fs/cgroup, read. Pure; what cannot be read is undefined. Sources: proc(5), the kernel's
 * `Documentation/filesystems/proc.rst` and `Documentation/admin-guide/cgroup-v2.rst`.
 */

/** Ticks a second in /proc (`USER_HZ`): 100 on every architecture that Node.js runs on. */
export const TICKS_PER_SECOND = 100

const KIB = 1024

export interface ProcessStat {
  readonly command: string
  /** `R`, `S`, `Z`, … */
  readonly state: string
  readonly ppid: number
  /** User and system time of its own, in ticks. */
  readonly ownTicks: number
  /** The same of its children that ended and were waited for, and of theirs. */
  readonly waitedTicks: number
  /** When it was started, in ticks since boot: with the pid it names a process for good. */
  readonly startTicks: number
}

/** `/proc/<pid>/stat`. The command stands in parentheses and may hold any character, parentheses and blanks too. */
export function parseStat(text: string): ProcessStat | undefined {
  const open = text.indexOf('(')
  const close = text.lastIndexOf(')')
  if (open < 0 || close < open) return undefined
  const fields = text
    .slice(close + 1)
    .trim()
    .split(' ')
  const at = (i: number): number => (/^\d+$/.test(fields[i] ?? '') ? Number(fields[i]) : Number.NaN)
  const stat = {
    command: text.slice(open + 1, close),
    state: fields[0] ?? '',
    ppid: at(1),
    ownTicks: at(11) + at(12),
    waitedTicks: at(13) + at(14),
    startTicks: at(19),
  }
  return Number.isNaN(stat.ppid + stat.ownTicks + stat.waitedTicks + stat.startTicks) ? undefined : stat
}

export interface ProcessStatus {
  readonly ppid: number
  /** As the process sees itself: its pid in the innermost pid namespace. */
  readonly ownPid: number
  /** In how many pid namespaces, beginning with the one of this /proc, it is visible. */
  readonly depth: number
  /** Resident memory that no file and no shared mapping backs; undefined for kernel threads. */
  readonly anonymousBytes: number | undefined
  readonly allowedCpus: ReadonlySet<number>
}

/** `/proc/<pid>/status`; without `NSpid` (kernels before 4.1) the pid is taken to be its own. */
export function parseStatus(text: string): ProcessStatus | undefined {
  const field = (name: string): string | undefined => new RegExp(`^${name}:[ \t]*(.*)$`, 'm').exec(text)?.[1]
  const ppid = Number(field('PPid'))
  const pids = (field('NSpid') ?? field('Pid') ?? '').split(/\s+/).filter(word => word !== '')
  const ownPid = Number(pids.at(-1))
  if (!Number.isInteger(ppid) || !Number.isInteger(ownPid)) return undefined
  const anonymous = /^(\d+) kB$/.exec(field('RssAnon') ?? '')?.[1]
  return {
    ppid,
    ownPid,
    depth: pids.length,
    anonymousBytes: anonymous === undefined ? undefined : Number(anonymous) * KIB,
    allowedCpus: parseCpuList(field('Cpus_allowed_list') ?? ''),
  }
}

/** More cores than any machine has; keeps a list such as `0-4000000000` from filling memory. */
const MAX_CPUS = 8192

/** `0-3,8` as numbers; empty when it cannot be read. */
export function parseCpuList(text: string): ReadonlySet<number> {
  const cpus = new Set<number>()
  for (const part of text.trim().split(',')) {
    const [, from, to = from] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part) ?? []
    if (from === undefined) return new Set()
    for (let cpu = Number(from); cpu <= Math.min(Number(to), MAX_CPUS); cpu++) cpus.add(cpu)
  }
  return cpus
}

export interface CgroupMembership {
  /** Path in the unified hierarchy (version 2), as our own cgroup namespace shows it. */
  readonly path: string | undefined
  /** CPU or memory is governed by version 1, alone or beside version 2. */
  readonly legacy: boolean
}

const LEGACY_CONTROLLERS = new Set(['cpu', 'cpuacct', 'cpuset', 'memory'])

/** `/proc/<pid>/cgroup`: lines `id:controllers:path`; the unified hierarchy is `0::path`. */
export function parseCgroup(text: string): CgroupMembership {
  let path: string | undefined
  let legacy = false
  for (const line of text.split('\n')) {
    const [, id, controllers = '', found] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? []
    if (id === '0' && controllers === '') path = found?.replace(/ \(deleted\)$/, '')
    else if (controllers.split(',').some(name => LEGACY_CONTROLLERS.has(name))) legacy = true
  }
  return { path, legacy }
}

const countOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined

/** One number of a file of `key value` lines, such as `cpu.stat` and `memory.stat`. */
export function parseKeyed(text: string, key: string): number | undefined {
  for (const line of text.split('\n'))
    if (line.startsWith(`${key} `)) return countOf(line.slice(key.length + 1))
  return undefined
}

/** `memory.max` or any single number: bytes; Infinity for `max`. */
export const parseLimit = (text: string): number | undefined =>
  text.trim() === 'max' ? Infinity : countOf(text.trim())

/** `cpu.max`: `quota period` in microseconds as cores; Infinity for `max`. */
export function parseCpuMax(text: string): number | undefined {
  const [quota = '', period] = text.trim().split(' ')
  const limit = parseLimit(quota)
  const length = countOf(period)
  if (limit === undefined || length === undefined || length === 0) return undefined
  return limit / length
}

/** Proportional set size of `/proc/<pid>/smaps_rollup`, in bytes: every shared page is divided among those that share it. */
export function parsePss(text: string): number | undefined {
  const found = countOf(/^Pss:\s*(\d+) kB$/m.exec(text)?.[1])
  return found === undefined ? undefined : found * KIB
}

/** `MemTotal` of `/proc/meminfo`, in bytes. */
export function parseMemTotal(text: string): number | undefined {
  const found = countOf(/^MemTotal:\s*(\d+) kB$/m.exec(text)?.[1])
  return found === undefined ? undefined : found * KIB
}

/** `/proc/<pid>/cmdline`: arguments ended by NUL. A title set by the program may lack the NULs and is one argument then. */
export const parseCommandLine = (text: string): readonly string[] => {
  const parts = text.split('\0')
  while (parts.at(-1) === '') parts.pop()
  return parts
}
