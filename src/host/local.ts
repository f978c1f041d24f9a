import { hostname as osHostname } from 'node:os'
import type { Log } from '../base/index.ts'
import type { HostReading, WorkerClaim } from './contract.ts'
import { createHostFiles, type HostFiles } from './files.ts'
import { isWorker, type ProcessFacts, readFacts } from './identity.ts'
import { type HostContext, type Usage, WorkerMeter } from './meter.ts'
import { parseCpuList, parseMemTotal, parseStat } from './proc.ts'
import { ProcessTable } from './process-table.ts'

/** Files a cycle opens: when they are spent no further worker is begun. Who is left out comes first in the next cycle. */
const FILES_PER_CYCLE = 400
/** Of these, for processes seen for the first time. */
const NEW_PROCESSES_PER_CYCLE = 250
/** What changes rarely (limits, cgroup, command line) is read anew after so many cycles. */
const REFRESH_CYCLES = 6
/** A reading holds for cycles that have no file left for its worker, for so many of them. */
const KEEP_CYCLES = 3

const NO_PROC =
  'This system has no /proc, so CPU and memory of workers on this host are not read. Scrape them from elsewhere: docs/host-resources.md.'
const LEGACY =
  'This host manages CPU or memory by cgroup version 1, whose limits are not read: of workers here only memory in bytes is told, no percentage.'
const OUTSIDE =
  'The cgroups of other containers are not visible from this one, so limits of workers in them are not known: start this container with the cgroup namespace of the host (docs/host-resources.md).'
const HIDDEN =
  'Processes of other users are hidden from this one (hidepid), so workers of other users on this host are not seen.'

/** A claim that was proven. */
interface Proven {
  readonly claim: WorkerClaim
  readonly meter: WorkerMeter
  factsCycle: number
  /** -1 before the first. */
  measuredCycle: number
  usage: Usage | undefined
}

/** The machine; what is left out is this one's. */
export interface HostWorld {
  readonly files?: HostFiles
  readonly hostname?: string
  /** Time since it was started, ms: never goes back. */
  readonly uptimeMs?: () => number
}

/** Measures workers that run on this host, from /proc and cgroup version 2. */
export interface LocalHost {
  /** One pass over all claims: a reading for each that is proven to run here. Never rejects; one at a time. */
  cycle(claims: readonly WorkerClaim[]): Promise<readonly HostReading[]>
}

export const createLocalHost = (log: Log, world: HostWorld = {}): LocalHost => new Local(log, world)

const keyOf = ({ broker, worker }: WorkerClaim): string => `${broker}\0${worker}`

class Local implements LocalHost {
  readonly #log: Log
  readonly #files: HostFiles
  readonly #table: ProcessTable
  readonly #proven = new Map<string, Proven>()
  /** Processes that were looked at for a claim, so that a worker of another host costs nothing in most cycles. */
  readonly #seen = new Map<number, { readonly facts: ProcessFacts | undefined; readonly cycle: number }>()
  readonly #said = new Set<string>()
  #context: HostContext
  #cycle = 0
  #openedBefore = 0

  constructor(log: Log, world: HostWorld) {
    this.#log = log
    this.#files = world.files ?? createHostFiles('')
    this.#table = new ProcessTable(this.#files)
    this.#context = {
      files: this.#files,
      table: this.#table,
      hostname: world.hostname ?? osHostname(),
      uptimeMs: world.uptimeMs ?? (() => Number(process.hrtime.bigint()) / 1e6),
      onlineCpus: new Set(),
      memoryTotalBytes: undefined,
    }
  }

  async cycle(claims: readonly WorkerClaim[]): Promise<readonly HostReading[]> {
    this.#openedBefore = this.#files.opened
    const wanted = new Map(claims.map(claim => [keyOf(claim), claim]))
    for (const key of this.#proven.keys()) if (!wanted.has(key)) this.#proven.delete(key)
    if (claims.length === 0 || !(await this.#refresh(claims))) return []

    await this.#prove(wanted)
    for (const [key, proven] of [...this.#proven].sort(([, a], [, b]) => a.measuredCycle - b.measuredCycle)) {
      if (!this.#hasBudget()) break
      if (!(await this.#stillHolds(proven))) {
        this.#proven.delete(key)
        continue
      }
      proven.usage = await proven.meter.measure(this.#isShared(proven))
      proven.measuredCycle = this.#cycle
    }
    const readings: HostReading[] = []
    for (const { claim, usage, measuredCycle } of this.#proven.values()) {
      if (usage !== undefined && this.#cycle - measuredCycle < KEEP_CYCLES)
        readings.push({ broker: claim.broker, worker: claim.worker, ...usage })
    }
    this.#cycle++
    return readings
  }

  #hasBudget(): boolean {
    return this.#files.opened - this.#openedBefore < FILES_PER_CYCLE
  }

  async #refresh(claims: readonly WorkerClaim[]): Promise<boolean> {
    const first = claims.flatMap(({ pid, pids }) => [pid, ...pids])
    if (!(await this.#table.refresh(first, NEW_PROCESSES_PER_CYCLE, this.#context.uptimeMs()))) {
      this.#sayOnce(NO_PROC)
      return false
    }
    if (this.#cycle % REFRESH_CYCLES === 0) {
      this.#context = {
        ...this.#context,
        onlineCpus: parseCpuList((await this.#files.read('/sys/devices/system/cpu/online')) ?? ''),
        memoryTotalBytes: parseMemTotal((await this.#files.read('/proc/meminfo')) ?? ''),
      }
    }
    for (const [pid, { cycle }] of this.#seen)
      if (this.#cycle - cycle >= REFRESH_CYCLES) this.#seen.delete(pid)
    return true
  }

  /** Finds the process of each claim that has none yet. */
  async #prove(wanted: ReadonlyMap<string, WorkerClaim>): Promise<void> {
    let missing = false
    for (const [key, claim] of wanted) {
      if (this.#proven.get(key)?.claim.pid === claim.pid) continue
      this.#proven.delete(key)
      const facts = this.#hasBudget() ? await this.#find(claim) : undefined
      missing ||= facts === undefined
      if (facts === undefined) continue
      const meter = new WorkerMeter(facts, () => this.#context)
      this.#proven.set(key, { claim, meter, factsCycle: this.#cycle, measuredCycle: -1, usage: undefined })
      this.#sayWhatLacks(facts)
    }
    if (missing && !this.#said.has(HIDDEN) && typeof (await this.#files.read('/proc/1/stat')) !== 'string')
      this.#sayOnce(HIDDEN)
  }

  /** The process is there, and nobody else under its pid. */
  async #stillHolds(known: Proven): Promise<boolean> {
    const { facts } = known.meter
    if (this.#cycle - known.factsCycle < REFRESH_CYCLES) {
      const stat = parseStat((await this.#files.read(`/proc/${facts.pid}/stat`)) ?? '')
      return stat?.startTicks === facts.startTicks && stat.state !== 'Z'
    }
    const again = await readFacts(this.#files, facts.pid, this.#context.hostname)
    if (again?.startTicks !== facts.startTicks || !this.#isWorker(known.claim, again)) return false
    known.meter.renew(again)
    known.factsCycle = this.#cycle
    return true
  }

  /** The one process that is proven to be the worker. Two that could be are none. */
  async #find(claim: WorkerClaim): Promise<ProcessFacts | undefined> {
    const found: ProcessFacts[] = []
    for (const pid of this.#table.withOwnPid(claim.pid)) {
      let seen = this.#seen.get(pid)
      if (seen === undefined) {
        if (!this.#hasBudget()) return undefined
        seen = { facts: await readFacts(this.#files, pid, this.#context.hostname), cycle: this.#cycle }
        this.#seen.set(pid, seen)
      }
      if (seen.facts !== undefined && this.#isWorker(claim, seen.facts)) found.push(seen.facts)
    }
    return found.length === 1 ? found[0] : undefined
  }

  #isWorker(claim: WorkerClaim, facts: ProcessFacts): boolean {
    const children = this.#table.childrenOf(facts.pid).flatMap(pid => this.#table.ownPidOf(pid) ?? [])
    return isWorker(claim, facts, children)
  }

  /** Another worker's process lies in the same container. */
  #isShared({ meter: { facts } }: Proven): boolean {
    const path = facts.placement?.path
    return [...this.#proven.values()].some(
      ({ meter: { facts: other } }) => other.pid !== facts.pid && other.placement?.path === path,
    )
  }

  #sayWhatLacks({ legacyCgroup, placement }: ProcessFacts): void {
    if (legacyCgroup) this.#sayOnce(LEGACY)
    else if (placement?.kind === 'outside') this.#sayOnce(OUTSIDE)
  }

  #sayOnce(message: string): void {
    if (this.#said.has(message)) return
    this.#said.add(message)
    this.#log.warn(message)
  }
}
