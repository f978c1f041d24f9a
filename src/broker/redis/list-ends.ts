import type { Clock } from '../../base/index.ts'
import { taskIdOf } from '../../celery/index.ts'
import type { RedisConnection } from './connection.ts'
import { inParts, unlessRefused } from './pipeline.ts'

/** A list that holds messages. */
export interface FilledList {
  readonly list: string
  readonly length: number
}

/** Ids of the messages at both ends of a list; `''` for one without a readable id. */
export interface ListEnds {
  readonly oldest: string
  readonly newest: string
}

/** The most that one turn fetches, about, and the most that one write asks for. */
const TURN_BYTES = 16 * 1024 * 1024
const PART_BYTES = 2 * 1024 * 1024
const PART_LISTS = 250
/** Assumed where the server does not tell. */
const ORDINARY_BYTES = 4_096
/** A list whose messages are larger is looked at so rarely that it costs no more than this a second. */
const LIST_BYTES_A_SECOND = 64 * 1024

interface Known {
  /** Size of the larger end when it was last fetched; before that an estimate. */
  readonly bytes: number
  /** Not fetched again before. */
  readonly dueMs: number
}

/**
 * Reads which messages stand at the ends of lists. Redis can only hand over whole messages (LINDEX takes no range), so what is
 * fetched is bounded: a message of 10 MB is looked at every 160 s, one of up to 320 kB every 5 s, and never more than 16 MB in one
 * turn. A list that is passed over has no answer, since nothing else tells whether its ends are still the same.
 */
export class ListEndReader {
  readonly #clock: Clock
  #known = new Map<string, Known>()
  /** Where the next turn begins, so that a turn that is too short passes over other lists than the last. */
  #first = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Ends by list. `lists` are all that hold messages: others are forgotten. */
  async read(
    connection: RedisConnection,
    lists: readonly FilledList[],
  ): Promise<ReadonlyMap<string, ListEnds>> {
    await this.#estimate(connection, lists)
    const ends = new Map<string, ListEnds>()
    const nowMs = this.#clock.now()
    const rotated = [...lists.slice(this.#first), ...lists.slice(0, this.#first)]
    let spent = 0
    let part: FilledList[] = []
    let partBytes = 0
    const fetch = async (): Promise<void> => {
      for (const [list, found] of await this.#fetch(connection, part)) ends.set(list, found)
      part = []
      partBytes = 0
    }
    for (const [at, filled] of rotated.entries()) {
      const known = this.#known.get(filled.list)
      if (known === undefined || nowMs < known.dueMs) continue
      const cost = known.bytes * Math.min(2, filled.length)
      if (spent > 0 && spent + cost > TURN_BYTES) {
        this.#first = (this.#first + at) % lists.length
        break
      }
      spent += cost
      if (part.length > 0 && (partBytes + cost > PART_BYTES || part.length >= PART_LISTS)) await fetch()
      part.push(filled)
      partBytes += cost
    }
    if (part.length > 0) await fetch()
    return ends
  }

  /** Of a list never seen the server tells how large its messages are about. */
  async #estimate(connection: RedisConnection, lists: readonly FilledList[]): Promise<void> {
    const known = new Map<string, Known>()
    const unseen: FilledList[] = []
    for (const filled of lists) {
      const before = this.#known.get(filled.list)
      if (before === undefined) unseen.push(filled)
      else known.set(filled.list, before)
    }
    this.#known = known
    if (this.#first >= lists.length) this.#first = 0
    await inParts(unseen, PART_LISTS, async ({ list, length }) => {
      const bytes = await unlessRefused(connection.memoryUsage(list))
      known.set(list, { bytes: bytes === null ? ORDINARY_BYTES : bytes / length, dueMs: 0 })
    })
  }

  async #fetch(
    connection: RedisConnection,
    lists: readonly FilledList[],
  ): Promise<readonly (readonly [string, ListEnds])[]> {
    const found = await Promise.all(
      lists.map(async ({ list, length }) => {
        const [oldest, newest] = await Promise.all([
          unlessRefused(connection.lIndex(list, -1)),
          length > 1 ? unlessRefused(connection.lIndex(list, 0)) : undefined,
        ])
        // Emptied meanwhile.
        if (oldest === null || newest === null) return undefined
        const bytes = Math.max(oldest.length, newest?.length ?? 0)
        const pauseMs = (bytes / LIST_BYTES_A_SECOND) * 1_000
        this.#known.set(list, { bytes, dueMs: pauseMs < 1_000 ? 0 : this.#clock.now() + pauseMs })
        const id = taskIdOf(oldest)
        return [list, { oldest: id, newest: newest === undefined ? id : taskIdOf(newest) }] as const
      }),
    )
    return found.filter(ends => ends !== undefined)
  }
}
