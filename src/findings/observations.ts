import { BoundedMap, MINUTE } from '../base/index.ts'
import type {
  ControlKeys,
  FleetState,
  Gap,
  HeardBatch,
  NodeAnswers,
  ReadingKind,
  ReadingOutcome,
} from './contract.ts'
import { findHoarding, type Hoarding } from './hoarding.ts'
import { type SentVerdict, SentTally } from './sent-tally.ts'
import { WorkerMarks, type WorkerSeen } from './worker-marks.ts'

/** What happened once is told for so long. */
export const RECENT_MS = 15 * MINUTE

/** One round of questions by one control method. */
export interface Round {
  readonly method: string
  readonly askedAtMs: number
  /** Nodes that were known when it was asked. */
  readonly expected: Iterable<string>
  readonly replies: readonly {
    readonly node: string
    readonly ok: boolean
    readonly error?: string
    /** The content type of an answer that could not be read. */
    readonly serializer?: string
  }[]
}

/** How often something was seen since the start, and when last; NaN: never. */
export interface Counted {
  readonly count: number
  readonly atMs: number
}

const NEVER: Counted = { count: 0, atMs: Number.NaN }
const MAX_NODES = 5_000
const MAX_GAPS = 100
/** Looks further apart than this are not compared. */
const LOOK_GAP_MS = MINUTE

/**
 * What a watch gathers for findings besides the fleet's state: batches, rounds of questions, readings, gaps. Pure and bounded.
 * `look` must be called after each reading of the broker, once a second or so while checking.
 */
export class Observations {
  readonly #sent = new SentTally()
  readonly #marks = new WorkerMarks()
  readonly #nodes = new BoundedMap<string, NodeAnswers>(MAX_NODES)
  readonly #readings = new Map<ReadingKind, ReadingOutcome>()
  readonly #skipped = new Map<string, Counted>()
  #gaps: Gap[] = []
  #events = 0
  #taskEvents = 0
  #dropped: Counted = NEVER
  #rounds = 0
  #connectedAtMs = Number.NaN
  #lookedAtMs = Number.NaN
  #controlKeys: readonly ControlKeys[] | null = null
  #elsewhere: readonly string[] = []
  #evictedTotal: number | null = null
  #evicted: Counted = NEVER
  #hoarding: ReadonlyMap<string, Hoarding> = new Map()

  connected(atMs: number): void {
    this.#connectedAtMs = atMs
    this.#forgetCourses()
  }

  lost(): void {
    this.#connectedAtMs = Number.NaN
    this.#forgetCourses()
    this.#controlKeys = null
  }

  heard({ events, problems, changes }: HeardBatch, atMs: number): void {
    this.#events += events
    for (const { reason } of problems)
      this.#skipped.set(reason, { count: (this.#skipped.get(reason)?.count ?? 0) + 1, atMs })
    for (const change of changes) {
      if (change.kind === 'task') {
        this.#taskEvents++
        this.#sent.count(change, atMs)
        if (change.event !== 'sent') this.#marks.heard(change.worker)
      } else if (change.kind === 'redelivered') this.#sent.redelivered(change.task)
      else if (change.kind === 'events-lost') this.#marks.lost(change.worker, change.count)
    }
  }

  /** Messages dropped undecoded. */
  dropped(count: number, atMs: number): void {
    this.#dropped = { count: this.#dropped.count + count, atMs }
  }

  gapEnded(gap: Gap): void {
    this.#gaps.push(gap)
    if (this.#gaps.length > MAX_GAPS) this.#gaps.shift()
    this.#forgetCourses()
  }

  reading(kind: ReadingKind, outcome: ReadingOutcome): void {
    this.#readings.set(kind, outcome)
  }

  controlKeys(keys: readonly ControlKeys[] | null): void {
    this.#controlKeys = keys
  }

  /** Where events were heard that are not this fleet's: see `Broker.listenElsewhere`. */
  elsewhere(places: readonly string[]): void {
    this.#elsewhere = places
  }

  round({ method, askedAtMs, expected, replies }: Round): void {
    this.#rounds++
    const unanswered = new Set(expected)
    for (const { node, ok, error, serializer } of replies) {
      unanswered.delete(node)
      const before = this.#nodes.get(node)
      const failed = before?.error ?? null
      this.#nodes.set(node, {
        firstAskedMs: before?.firstAskedMs ?? askedAtMs,
        lastAskedMs: askedAtMs,
        answeredMs: askedAtMs,
        missed: 0,
        serializer: serializer ?? null,
        error: !ok ? { method, text: error ?? '' } : failed?.method === method ? null : failed,
      })
    }
    for (const node of unanswered) {
      const before = this.#nodes.get(node)
      this.#nodes.set(node, {
        firstAskedMs: before?.firstAskedMs ?? askedAtMs,
        lastAskedMs: askedAtMs,
        answeredMs: before?.answeredMs ?? null,
        missed: (before?.missed ?? 0) + 1,
        serializer: before?.serializer ?? null,
        error: before?.error ?? null,
      })
    }
  }

  /** Compares the fleet with what was seen at the last look. */
  look(fleet: Pick<FleetState, 'workers' | 'queues' | 'server'>, atMs: number): void {
    if (!(atMs - this.#lookedAtMs <= LOOK_GAP_MS)) this.#forgetCourses()
    this.#lookedAtMs = atMs
    const workers = fleet.workers(atMs)
    this.#marks.look(workers)
    this.#hoarding = findHoarding(workers, this.#hoarding, atMs)
    const depths = fleet.queues(atMs).map(queue => queue.depth)
    const waiting =
      depths.length === 0 || depths.includes(null)
        ? null
        : depths.reduce<number>((sum, depth) => sum + (depth ?? 0), 0)
    this.#sent.look(waiting, depths.length, atMs)
    const evicted = fleet.server(atMs)?.evictedKeysTotal ?? null
    // A restarted server counts from 0.
    if (evicted !== null && this.#evictedTotal !== null && evicted > this.#evictedTotal)
      this.#evicted = { count: this.#evicted.count + evicted - this.#evictedTotal, atMs }
    this.#evictedTotal = evicted ?? this.#evictedTotal
  }

  get events(): number {
    return this.#events
  }

  get taskEvents(): number {
    return this.#taskEvents
  }

  get droppedMessages(): Counted {
    return this.#dropped
  }

  /** Rounds of questions that ended. */
  get rounds(): number {
    return this.#rounds
  }

  /** Since when the broker is connected; NaN while it is not. */
  get connectedAtMs(): number {
    return this.#connectedAtMs
  }

  /** Events or messages skipped, by reason. */
  get skipped(): ReadonlyMap<string, Counted> {
    return this.#skipped
  }

  get keys(): readonly ControlKeys[] | null {
    return this.#controlKeys
  }

  get places(): readonly string[] {
    return this.#elsewhere
  }

  /** Keys evicted since the first reading. */
  get evicted(): Counted {
    return this.#evicted
  }

  get hoarding(): readonly Hoarding[] {
    return [...this.#hoarding.values()]
  }

  outcome(kind: ReadingKind): ReadingOutcome {
    return this.#readings.get(kind)
  }

  answers(node: string): NodeAnswers | undefined {
    return this.#nodes.get(node)
  }

  /** Gaps that ended within `RECENT_MS`, oldest first. */
  gaps(nowMs: number): readonly Gap[] {
    return this.#gaps.filter(gap => nowMs - gap.toMs <= RECENT_MS)
  }

  sentVerdict(nowMs: number): SentVerdict | undefined {
    return this.#sent.verdict(nowMs)
  }

  /** Tasks that left the queues and of which no event told. */
  untoldTasks(nowMs: number): number {
    return this.#sent.untold(nowMs)
  }

  worker(name: string): WorkerSeen | undefined {
    return this.#marks.seen(name)
  }

  /** What compares one look with the next begins anew. */
  #forgetCourses(): void {
    this.#marks.clear()
    this.#hoarding = new Map()
    this.#sent.interrupt()
    this.#lookedAtMs = Number.NaN
  }
}
