import { type Clock, type Log } from '../../base/index.ts'
import type { RedisNames } from '../../celery/index.ts'
import type { QueueReading } from '../broker.ts'
import type { RedisConnection } from './connection.ts'
import { type FilledList, ListEndReader, type ListEnds } from './list-ends.ts'
import { inParts, unlessRefused } from './pipeline.ts'
import type { UnackedReader } from './unacked.ts'

const QUEUES_A_PART = 250

/** Reads task queues: see `Broker.readQueues` and celery-wire.md section 10. */
export class QueueReader {
  readonly #names: RedisNames
  readonly #log: Log
  readonly #ends: ListEndReader
  readonly #unacked: UnackedReader
  /** Queues that were reported as unreadable. */
  readonly #unreadable = new Set<string>()

  constructor(names: RedisNames, unacked: UnackedReader, clock: Clock, log: Log) {
    this.#names = names
    this.#unacked = unacked
    this.#log = log
    this.#ends = new ListEndReader(clock)
  }

  async read(connection: RedisConnection, queues: readonly string[]): Promise<readonly QueueReading[]> {
    const unacked = await this.#unacked.byQueue(connection)
    const measured = await inParts(queues, QUEUES_A_PART, async queue => ({
      queue,
      lists: await Promise.all(
        this.#names
          .queueLists(queue)
          .map(async list => ({ list, length: await unlessRefused(connection.lLen(list)) })),
      ),
    }))
    const readable = measured.flatMap(({ queue, lists }) => {
      const known = lists.flatMap(({ list, length }) => (length === null ? [] : [{ list, length }]))
      return this.#isReadable(queue, known.length === lists.length) ? [{ queue, lists: known }] : []
    })
    const filled = (lists: readonly FilledList[]): readonly FilledList[] =>
      lists.filter(({ length }) => length > 0)
    const ends = await this.#ends.read(
      connection,
      readable.flatMap(({ lists }) => filled(lists)),
    )
    return readable.map(({ queue, lists }) => ({
      queue,
      depth: lists.reduce((sum, { length }) => sum + length, 0),
      ...endsOf(filled(lists), ends),
      deliveredTotal: null,
      unacked: unacked === null ? null : (unacked.get(queue) ?? 0),
      consumers: null,
    }))
  }

  /** A key of a queue's name that is no list is somebody else's; said once. */
  #isReadable(queue: string, readable: boolean): boolean {
    if (readable) this.#unreadable.delete(queue)
    else if (!this.#unreadable.has(queue)) {
      this.#unreadable.add(queue)
      this.#log.warn('A queue cannot be read: its key is no list, or the server forbids LLEN.', { queue })
    }
    return readable
  }
}

/** Null when one list was passed over: then it is not known which messages are at the ends. */
function endsOf(
  lists: readonly FilledList[],
  ends: ReadonlyMap<string, ListEnds>,
): Pick<QueueReading, 'heads' | 'newest'> {
  const found = lists.flatMap(({ list }) => ends.get(list) ?? [])
  if (found.length < lists.length) return { heads: null, newest: null }
  return { heads: found.map(end => end.oldest), newest: found.map(end => end.newest) }
}
