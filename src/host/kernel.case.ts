import { readFileSync } from 'node:fs'
import { memoryLog } from '../base/index.ts'
import { createHostFiles, type HostFiles } from './files.ts'
import { createLocalHost, type HostReading, type WorkerClaim } from './index.ts'
import { parseCgroup } from './proc.ts'

/**
 * What tests of real processes need: the kernel's own counts, taken right before and right after a reading, so that a busy machine
 * changes nothing. Linux only.
 */
export const CORES = countOf(readFileSync('/sys/devices/system/cpu/online', 'utf8').trim())
/** Where cgroup version 2 is mounted. */
export const MOUNT = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1]
/** Version 1 governs CPU or memory of this process. */
export const LEGACY = parseCgroup(readFileSync('/proc/self/cgroup', 'utf8')).legacy

function countOf(list: string): number {
  return list.split(',').reduce((sum, part) => {
    const [from = 0, to = from] = part.split('-').map(Number)
    return sum + to - from + 1
  }, 0)
}

/**
 * This machine as one with cgroup version 2 alone. Where version 1 stands beside it, its lines are left out, and the hierarchy of
 * version 2 is found where it is mounted: everything that is read is real, only the refusal of such machines is put aside.
 */
function filesOfVersion2(): HostFiles {
  const real = createHostFiles('')
  const at = (path: string): string =>
    MOUNT !== undefined && path.startsWith('/sys/fs/cgroup') ? MOUNT + path.slice(14) : path
  return {
    get opened() {
      return real.opened
    },
    async read(path) {
      const text = await real.read(at(path))
      return /^\/proc\/\d+\/cgroup$/.test(path) ? (text?.match(/^0::.*$/m)?.[0] ?? text) : text
    },
    folders: path => real.folders(at(path)),
    link: path => real.link(path),
  }
}

/** Own ticks of a process, and those of its children that ended; undefined when it is gone. */
function statOf(pid: number): { readonly own: number; readonly waited: number } | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
      .map(Number)
    return { own: (fields[11] ?? 0) + (fields[12] ?? 0), waited: (fields[13] ?? 0) + (fields[14] ?? 0) }
  } catch {
    return undefined
  }
}

/** Ticks of a process and its children, ended ones included; by the kernel's list of children, not by our own table. */
function ticksOf(pid: number): number {
  for (;;) {
    const before = statOf(pid)
    if (before === undefined) return 0
    const children = childrenOf(pid).reduce((sum, child) => sum + (statOf(child)?.own ?? 0), 0)
    const after = statOf(pid)
    // A child that ended meanwhile would be counted nowhere, or twice.
    if (before.waited === after?.waited) return before.own + before.waited + children
  }
}

export const childrenOf = (pid: number): readonly number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)

/** Proportional set size of a process and everything beneath it, in bytes. */
export const pssOf = (pid: number): number =>
  childrenOf(pid).reduce(
    (sum, child) => sum + pssOf(child),
    Number(/^Pss:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]) * 1024,
  )

interface Look {
  readonly reading: HostReading | undefined
  readonly atMs: number
  readonly ticksBefore: number
  readonly ticksAfter: number
}

/** A host, and looks at one claim with independent counts around each. */
export function watch(claim: WorkerClaim, hostname: string): () => Promise<Look> {
  let atMs = 0
  const uptimeMs = (): number => (atMs = Number(process.hrtime.bigint()) / 1e6)
  const host = createLocalHost(memoryLog(), { files: filesOfVersion2(), hostname, uptimeMs })
  return async () => {
    const ticksBefore = ticksOf(claim.pid)
    const [reading] = await host.cycle([claim])
    return { reading, atMs, ticksBefore, ticksAfter: ticksOf(claim.pid) }
  }
}

/** Seconds of CPU that a percentage of `cores` tells of, and the bounds that the independent counts set. */
export function usedBetween(
  first: Look,
  second: Look,
  cores: number,
): { told: number; least: number; most: number } {
  const elapsed = (second.atMs - first.atMs) / 1000
  return {
    told: ((second.reading?.cpuPercent ?? Number.NaN) / 100) * cores * elapsed,
    // A tick each that was cut off, of every process that may have been there.
    least: (second.ticksBefore - first.ticksAfter) / 100 - 0.1,
    most: (second.ticksAfter - first.ticksBefore) / 100 + 0.1,
  }
}
