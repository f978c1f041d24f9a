import type { HostFiles } from './files.ts'
import { parseStatus } from './proc.ts'
import type { ProcessTree } from './process-group.ts'

/** What of a process does not change while it lives, as far as it is needed to find it; its parent may. */
interface Entry {
  readonly ppid: number
  readonly ownPid: number
}

const MAX_PROCESSES = 50_000
/** So many known processes are read anew each cycle, the longest known first, should a pid have been given away unseen. */
const REREAD = 8

/**
 * The processes of this host: who is whose child, and what pid each has in its own namespace. A cycle lists /proc once and opens
 * one file for each process that is new, as many as the budget allows; the rest follow in later cycles. It is an index to find
 * processes by, not a proof: whoever uses an entry reads the process itself.
 */
export class ProcessTable {
  readonly #files: HostFiles
  readonly #entries = new Map<number, Entry>()
  #children = new Map<number, number[]>()
  #owners = new Map<number, number[]>()
  #listedMs = 0
  #isComplete = false

  constructor(files: HostFiles) {
    this.#files = files
  }

  /** Brings it up to date; processes of `first` are read before others. False when there is no /proc. */
  async refresh(first: Iterable<number>, budget: number, nowMs: number): Promise<boolean> {
    this.#listedMs = nowMs
    const names = await this.#files.folders('/proc')
    if (names === null) return false
    const present = new Set(names.flatMap(name => (/^\d+$/.test(name) ? [Number(name)] : [])))
    for (const pid of this.#entries.keys()) if (!present.has(pid)) this.#entries.delete(pid)
    let reread = 0
    for (const pid of this.#entries.keys()) {
      if (reread++ === REREAD) break
      this.#entries.delete(pid)
    }
    const unknown = (pid: number): boolean => present.has(pid) && !this.#entries.has(pid)
    const wanted = new Set([...first].filter(unknown))
    for (const pid of present) if (unknown(pid)) wanted.add(pid)
    let left = budget
    this.#isComplete = true
    for (const pid of wanted) {
      if (left-- <= 0 || this.#entries.size >= MAX_PROCESSES) {
        this.#isComplete = false
        break
      }
      const status = parseStatus((await this.#files.read(`/proc/${pid}/status`)) ?? '')
      if (status !== undefined) this.#entries.set(pid, { ppid: status.ppid, ownPid: status.ownPid })
    }
    this.#index()
    return true
  }

  /** Processes that are `pid` in their own namespace, by their pids here. */
  withOwnPid(pid: number): readonly number[] {
    return this.#owners.get(pid) ?? []
  }

  ownPidOf(pid: number): number | undefined {
    return this.#entries.get(pid)?.ownPid
  }

  childrenOf(pid: number): readonly number[] {
    return this.#children.get(pid) ?? []
  }

  /** A process and everything it started; at most `limit`. */
  treeOf(pid: number, limit: number): ProcessTree {
    const tree = new Set([pid])
    for (const member of tree) {
      for (const child of this.childrenOf(member)) if (tree.size < limit) tree.add(child)
    }
    return {
      pids: [...tree],
      listedMs: this.#listedMs,
      isComplete: this.#isComplete && tree.size < limit,
    }
  }

  /** The parents of a process, nearest first. */
  ancestorsOf(pid: number): readonly number[] {
    const found = new Set<number>()
    for (let at = this.#entries.get(pid)?.ppid; at !== undefined && at > 0 && !found.has(at);) {
      found.add(at)
      at = this.#entries.get(at)?.ppid
    }
    return [...found]
  }

  #index(): void {
    this.#children = new Map()
    this.#owners = new Map()
    for (const [pid, { ppid, ownPid }] of this.#entries) {
      push(this.#children, ppid, pid)
      push(this.#owners, ownPid, pid)
    }
  }
}

function push(map: Map<number, number[]>, key: number, value: number): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
