import { escapeGlob, type RedisNames } from '../../celery/index.ts'
import { type Bindings, isTaskExchange, MAX_QUEUES } from '../discover.ts'
import type { RedisConnection } from './connection.ts'
import { unlessRefused } from './pipeline.ts'

const KEYS_A_STEP = 1_000
/** One discovery looks at about 50,000 keys of the database; the next goes on where it ended. */
const STEPS_A_CALL = 50
const MAX_EXCHANGES = 1_000

/**
 * Finds task queues in kombu's binding tables. The default exchange's table is always read; others are found by scanning the
 * keys, a bounded part at a time, and remembered.
 */
export class QueueDiscovery {
  readonly #names: RedisNames
  readonly #bindings: Bindings
  readonly #exchanges: Set<string>
  #cursor = '0'

  constructor(names: RedisNames, bindings: Bindings) {
    this.#names = names
    this.#bindings = bindings
    this.#exchanges = new Set([names.defaultQueue])
  }

  async discover(connection: RedisConnection): Promise<readonly string[]> {
    await this.#scan(connection)
    const tables = await Promise.all(
      [...this.#exchanges].map(
        async exchange => [exchange, await this.#members(connection, exchange)] as const,
      ),
    )
    return this.#bindings.replace(tables)
  }

  async #scan(connection: RedisConnection): Promise<void> {
    const MATCH = `${escapeGlob(this.#names.bindingPrefix)}*`
    for (let step = 0; step < STEPS_A_CALL; step++) {
      const { cursor, keys } = await connection.scan(this.#cursor, { MATCH, COUNT: KEYS_A_STEP })
      for (const key of keys) {
        const exchange = key.slice(this.#names.bindingPrefix.length)
        if (this.#exchanges.size < MAX_EXCHANGES && isTaskExchange(exchange, this.#names))
          this.#exchanges.add(exchange)
      }
      this.#cursor = cursor
      if (cursor === '0') return
    }
  }

  /** A key of that name that is no set is not kombu's. */
  async #members(connection: RedisConnection, exchange: string): Promise<readonly string[]> {
    const found = await unlessRefused(
      connection.sScan(this.#names.bindingKey(exchange), '0', { COUNT: MAX_QUEUES }),
    )
    return found?.members ?? []
  }
}
