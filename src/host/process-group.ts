import type { HostFiles } from './files.ts'
import { parsePss, parseStat, parseStatus, TICKS_PER_SECOND } from './proc.ts'

/** One process of a worker, at one time. */
export interface MemberReading {
  readonly pid: number
  readonly startTicks: number
  readonly ownTicks: number
  readonly waitedTicks: number
}

/** Which processes to read. */
export interface ProcessTree {
  /** The root first, parents before their children. */
  readonly pids: readonly number[]
  /** When they were listed, ms since the machine was started. */
  readonly listedMs: number
  /** False when there may be more: then no sum over them is told. */
  readonly isComplete: boolean
}

/** A tree at one time. */
export interface GroupReading {
  readonly atMs: number
  /** Who started later cannot be in `members`. */
  readonly listedMs: number
  readonly members: readonly MemberReading[]
  /** False when processes kept ending while they were read: the time of one that ends just then is found nowhere, or twice. */
  readonly isSteady: boolean
}

const TRIES = 3

/**
 * Reads the processes of a tree and their CPU time, anew when one ends meanwhile, a few times. A process counts only while its parent
 * is in the tree, so that an orphan, or a newcomer under an old pid, is not taken for one of the worker's.
 */
export async function readGroup(
  files: HostFiles,
  { pids, listedMs }: Pick<ProcessTree, 'pids' | 'listedMs'>,
  uptimeMs: () => number,
): Promise<GroupReading> {
  for (let tries = 1; ; tries++) {
    const atMs = uptimeMs()
    const members = new Map<number, MemberReading>()
    const parents = new Set<number>()
    for (const pid of pids) {
      const stat = parseStat((await files.read(`/proc/${pid}/stat`)) ?? '')
      if (stat === undefined || (pid !== pids[0] && !members.has(stat.ppid))) continue
      const { startTicks, ownTicks, waitedTicks, ppid } = stat
      members.set(pid, { pid, startTicks, ownTicks, waitedTicks })
      parents.add(ppid)
    }
    // When the last of its children has ended nobody names it as a parent: the root is looked at in any case.
    if (pids[0] !== undefined) parents.add(pids[0])
    const isSteady = await heldStill(files, members, parents)
    if (isSteady || tries === TRIES) return { atMs, listedMs, members: [...members.values()], isSteady }
  }
}

/** True when no parent got the time of a child since it was read. */
async function heldStill(
  files: HostFiles,
  members: ReadonlyMap<number, MemberReading>,
  parents: ReadonlySet<number>,
): Promise<boolean> {
  for (const pid of parents) {
    const member = members.get(pid)
    if (member === undefined) continue
    const again = parseStat((await files.read(`/proc/${pid}/stat`)) ?? '')
    if (again?.waitedTicks !== member.waitedTicks) return false
  }
  return true
}

/**
 * Memory of processes in bytes: the proportional set size, in which a page shared by ten pool processes counts once. Where that may not
 * be read (processes of another user), it is the anonymous memory, in which pages that pool processes still share with their parent
 * count several times: an upper bound. null when neither can be read of every process.
 */
export async function readMemory(files: HostFiles, pids: Iterable<number>): Promise<number | null> {
  let total = 0
  for (const pid of pids) {
    const bytes = await memoryOf(files, pid)
    if (bytes === undefined) return null
    total += bytes ?? 0
  }
  return total
}

/** null: the process is gone, or only its name is left (a zombie). */
async function memoryOf(files: HostFiles, pid: number): Promise<number | null | undefined> {
  const rollup = await files.read(`/proc/${pid}/smaps_rollup`)
  const pss = parsePss(rollup ?? '')
  if (pss !== undefined) return pss
  const status = await files.read(`/proc/${pid}/status`)
  if (status === null || (status !== undefined && /^State:\s*Z/m.test(status))) return null
  return parseStatus(status ?? '')?.anonymousBytes
}

/** Start times are cut to ticks. */
const START_SLACK_TICKS = 2

/**
 * CPU seconds that a tree used between two readings. Exact for whatever happens inside it: a process that ended and was waited for
 * leaves its time with its parent, where what was counted of it before is taken off. Of a process that nobody of the tree waited
 * for, the time after its last reading is not known and left out.
 */
export function cpuSecondsBetween(
  before: Pick<GroupReading, 'listedMs' | 'members'>,
  after: Pick<GroupReading, 'members'>,
): number {
  const key = ({ pid, startTicks }: MemberReading): string => `${pid}:${startTicks}`
  const known = new Map(before.members.map(member => [key(member), member]))
  const newest = Math.max(
    (before.listedMs / 1000) * TICKS_PER_SECOND - START_SLACK_TICKS,
    ...before.members.map(({ startTicks }) => startTicks),
  )
  let own = 0
  let waited = 0
  for (const member of after.members) {
    const earlier = known.get(key(member))
    known.delete(key(member))
    // Not seen before although it was there: how much of its time lies in between is not known.
    if (earlier === undefined && member.startTicks < newest) continue
    own += member.ownTicks - (earlier?.ownTicks ?? 0)
    waited += member.waitedTicks - (earlier?.waitedTicks ?? 0)
  }
  let counted = 0
  for (const { ownTicks, waitedTicks } of known.values()) counted += ownTicks + waitedTicks
  return (own + Math.max(0, waited - counted)) / TICKS_PER_SECOND
}
