import { BoundedMap, MINUTE } from '../base/index.ts'
import type { FleetChange } from '../fleet/index.ts'

type TaskChange = Extract<FleetChange, { kind: 'task' }>

/** What was counted of one task name, or of all. */
interface Count {
  sent: number
  /** First deliveries: received, less retries and redeliveries. */
  delivered: number
}

/** One stretch of time, begun when it was known how many tasks waited. */
interface Stretch {
  readonly sinceMs: number
  /** Tasks that waited at its beginning: so many deliveries need no `task-sent`. null: it could not be known. */
  readonly backlog: number | null
  /** Tasks that wait now. */
  waiting: number | null
  readonly all: Count
  /** When the first delivery came; NaN before. */
  firstMs: number
  readonly names: BoundedMap<string, Count>
  readonly hosts: BoundedMap<string, true>
}

/** What can be said of `task-sent` events. */
export interface SentVerdict {
  readonly state: 'none' | 'some'
  /** Deliveries for which a `task-sent` should have been heard, and was not. */
  readonly unsent: number
  readonly delivered: number
  /** Names of tasks that came without any `task-sent`, sorted; empty when it cannot be told by name. */
  readonly names: readonly string[]
  /** Hosts that do send them, sorted. */
  readonly hosts: readonly string[]
  /** False when an unknown backlog may be the reason. */
  readonly proven: boolean
}

const STRETCH_MS = 10 * MINUTE
/** A `task-sent` follows its task by milliseconds, and one may be lost now and then: so much is no proof. */
const SLACK = 3
const SLACK_RATIO = 0.05
/** Without a known backlog, so many deliveries within so long without a single `task-sent` are told, as not proven. */
const UNPROVEN_DELIVERIES = 10
const UNPROVEN_MS = 10_000
/** A `task-sent` may come a moment after the delivery: nothing is said of deliveries younger than this. */
const PATIENCE_MS = 3_000

/**
 * Whether senders send `task-sent` (`task_send_sent_event`), by balance: whatever is received beyond the tasks that waited when we
 * began to listen was sent while we listened. Counts start anew every ten minutes, whenever queues become known, and after every
 * gap; the last full stretch speaks until the new one can.
 */
export class SentTally {
  #now: Stretch | undefined
  #before: Stretch | undefined
  #queues = 0

  /** Events could not be heard, or the connection is new: nothing counted so far balances. */
  interrupt(): void {
    this.#now = undefined
    this.#before = undefined
  }

  /** Called with every reading: how many tasks wait, null when that cannot be known, and how many queues are known. */
  look(waiting: number | null, queues: number, atMs: number): void {
    const grown = queues > this.#queues
    this.#queues = Math.max(queues, this.#queues)
    if (this.#now !== undefined && !grown && atMs - this.#now.sinceMs < STRETCH_MS) {
      this.#now.waiting = waiting
      return
    }
    // What became known late had waited unseen: that stretch proves nothing.
    if (!grown && this.#now !== undefined) this.#before = this.#now
    this.#now = {
      sinceMs: atMs,
      backlog: waiting,
      waiting,
      all: { sent: 0, delivered: 0 },
      firstMs: Number.NaN,
      names: new BoundedMap(2_000),
      hosts: new BoundedMap(200),
    }
  }

  count(change: TaskChange, atMs: number): void {
    const stretch = this.#now
    if (stretch === undefined) return
    if (change.event === 'sent') {
      this.#add(change.task, 1, 0)
      const host = hostOf(change.worker)
      if (!stretch.hosts.has(host)) stretch.hosts.set(host, true)
    } else if (change.event === 'received') {
      if (Number.isNaN(stretch.firstMs)) stretch.firstMs = atMs
      this.#add(change.task, 0, 1)
    } else if (change.event === 'retried') this.#add(change.task, 0, -1)
  }

  redelivered(task: string): void {
    this.#add(task, 0, -1)
  }

  /** Undefined when `task-sent` events come, or when nothing can be said. */
  verdict(nowMs: number): SentVerdict | undefined {
    const now = this.#now === undefined ? undefined : judge(this.#now, nowMs)
    if (now !== undefined || this.#before === undefined) return now
    const spoken = (this.#now?.all.sent ?? 0) > 0 || (this.#now?.all.delivered ?? 0) >= UNPROVEN_DELIVERIES
    return spoken ? undefined : judge(this.#before, nowMs)
  }

  /**
   * Tasks that left the queues and of which no `task-received` told, as far as it is known; 0 when the balance is within what
   * the moment of a reading explains.
   */
  untold(nowMs: number): number {
    const stretch = this.#now
    if (stretch === undefined || nowMs - stretch.sinceMs < PATIENCE_MS) return 0
    const { backlog, waiting, all } = stretch
    if (backlog === null || waiting === null) return 0
    const untold = backlog + all.sent - waiting - Math.max(0, all.delivered)
    return untold > Math.max(SLACK, all.sent * SLACK_RATIO) ? untold : 0
  }

  #add(task: string, sent: number, delivered: number): void {
    const stretch = this.#now
    if (stretch === undefined) return
    stretch.all.sent += sent
    stretch.all.delivered += delivered
    let count = stretch.names.get(task)
    if (count === undefined) stretch.names.set(task, (count = { sent: 0, delivered: 0 }))
    count.sent += sent
    count.delivered += delivered
  }
}

function judge(stretch: Stretch, nowMs: number): SentVerdict | undefined {
  const { all, backlog, names, hosts, sinceMs, firstMs } = stretch
  if (!(nowMs - firstMs >= PATIENCE_MS)) return undefined
  const told = (state: SentVerdict['state'], proven: boolean): SentVerdict => ({
    state,
    unsent: all.delivered - all.sent - (backlog ?? 0),
    delivered: all.delivered,
    names: withoutSent(names, backlog ?? 0),
    hosts: [...hosts.keys()].sort(),
    proven,
  })
  if (backlog === null)
    return all.sent === 0 && all.delivered >= UNPROVEN_DELIVERIES && nowMs - sinceMs >= UNPROVEN_MS
      ? told('none', false)
      : undefined
  if (all.sent === 0) return all.delivered - backlog > 0 ? told('none', true) : undefined
  const slack = Math.max(SLACK, all.delivered * SLACK_RATIO)
  return all.delivered - all.sent - backlog > slack ? told('some', true) : undefined
}

/** Names that came without any `task-sent`, more often than the backlog explains. */
const withoutSent = (names: BoundedMap<string, Count>, backlog: number): string[] =>
  [...names.entries()]
    .filter(([name, count]) => name !== 'unknown' && count.sent === 0 && count.delivered > backlog)
    .map(([name]) => name)
    .sort()

/** `web-1` of the client `gen4711@web-1`. */
const hostOf = (client: string): string => client.slice(client.indexOf('@') + 1)
