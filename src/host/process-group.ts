import type { HostFiles } from './files.ts'
import { parsePss, parseStat, parseStatus, TICKS_PER_SECOND } from './proc.ts'

/** One process of a worker, at one time. */
export interface MemberReading {
  readonly pid: number
  readonly startTicks: number
  readonly ownTicks: number
  readonly waitedTicks: number
}

export interface GroupReading {
  /** When it was begun, ms since the machine was started. */
  readonly atMs: number
  readonly members: readonly MemberReading[]
  /** null when it cannot be told of every member. */
  readonly memoryBytes: number | null
}

/**
 * Reads the processes of a tree, the root first. A process counts only while its parent is in the tree, so that an orphan, or a
 * newcomer under an old pid, is not taken for one of the worker's. Memory is the proportional set size: a page shared by ten pool
 * processes counts once. Where that may not be read (processes of another user), it is the anonymous memory, in which pages that
 * pool processes still share with their parent count several times: an upper bound.
 */
export async function readGroup(
  files: HostFiles,
  tree: readonly number[],
  uptimeMs: () => number,
): Promise<GroupReading> {
  const atMs = uptimeMs()
  const members: MemberReading[] = []
  const pids = new Set<number>()
  let memoryBytes: number | null = 0
  for (const pid of tree) {
    const stat = parseStat((await files.read(`/proc/${pid}/stat`)) ?? '')
    if (stat === undefined || (pid !== tree[0] && !pids.has(stat.ppid))) continue
    pids.add(pid)
    members.push({
      pid,
      startTicks: stat.startTicks,
      ownTicks: stat.ownTicks,
      waitedTicks: stat.waitedTicks,
    })
    if (memoryBytes === null || stat.state === 'Z') continue
    const bytes = await memoryOf(files, pid)
    // Gone meanwhile: its memory is, too.
    if (bytes !== null) memoryBytes = bytes === undefined ? null : memoryBytes + bytes
  }
  return { atMs, members, memoryBytes }
}

/** null: the process is gone. */
async function memoryOf(files: HostFiles, pid: number): Promise<number | null | undefined> {
  const rollup = await files.read(`/proc/${pid}/smaps_rollup`)
  const pss = parsePss(rollup ?? '')
  if (pss !== undefined) return pss
  const status = await files.read(`/proc/${pid}/status`)
  return status === null ? null : parseStatus(status ?? '')?.anonymousBytes
}

/** Start times are cut to ticks. */
const START_SLACK_TICKS = 2

/**
 * CPU seconds that a tree used between two readings. Exact for whatever happens inside it: a process that ended and was waited for
 * leaves its time with its parent, where what was counted of it before is taken off. Of a process that nobody of the tree waited
 * for, the time after its last reading is not known and left out.
 */
export function cpuSecondsBetween(
  before: Pick<GroupReading, 'atMs' | 'members'>,
  after: Pick<GroupReading, 'members'>,
): number {
  const key = ({ pid, startTicks }: MemberReading): string => `${pid}:${startTicks}`
  const known = new Map(before.members.map(member => [key(member), member]))
  const newest = Math.max(
    (before.atMs / 1000) * TICKS_PER_SECOND - START_SLACK_TICKS,
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
