import type { ServerReading } from '../broker.ts'
import type { RedisConnection } from './connection.ts'
import { infoReading, parseInfo, snapshotFailed } from './info.ts'
import { unlessRefused } from './pipeline.ts'
import type { UnackedReader } from './unacked.ts'

/** Reads what a server says of itself: see `Broker.readServer`. What it forbids or does not know is null. */
export class ServerReader {
  readonly #unacked: UnackedReader
  #maxClients: number | null = null

  constructor(unacked: UnackedReader) {
    this.#unacked = unacked
  }

  /** The reading, and the fields of INFO it was made from. */
  async read(
    connection: RedisConnection,
  ): Promise<{ readonly reading: ServerReading; readonly info: ReadonlyMap<string, string> }> {
    const began = performance.now()
    const [roundTripSeconds, text, unacked] = await Promise.all([
      // A refusal is an answer too.
      unlessRefused(connection.ping()).then(() => (performance.now() - began) / 1000),
      unlessRefused(connection.info()),
      this.#unacked.totals(connection),
    ])
    const info = parseInfo(text ?? '')
    const reading = infoReading(info, roundTripSeconds)
    return {
      info,
      reading: {
        ...reading,
        ...unacked,
        maxClients: reading.maxClients ?? (await this.#askMaxClients(connection)),
        alarms:
          reading.alarms !== null && !reading.alarms.includes('disk') && (await stopsWrites(connection, info))
            ? [...reading.alarms, 'disk']
            : reading.alarms,
      },
    }
  }

  /** Before Redis 7 the limit is only in the configuration, which hosted servers may not show. */
  async #askMaxClients(connection: RedisConnection): Promise<number | null> {
    if (this.#maxClients !== null) return this.#maxClients
    const { maxclients } = (await unlessRefused(connection.configGet('maxclients'))) ?? {}
    this.#maxClients = maxclients !== undefined && /^\d{1,9}$/.test(maxclients) ? Number(maxclients) : null
    return this.#maxClients
  }
}

/**
 * Whether a failed snapshot keeps the server from writing (MISCONF): only when snapshots are configured and writes are to stop
 * then, which both are the default. A server that does not show its configuration is not accused.
 */
async function stopsWrites(connection: RedisConnection, info: ReadonlyMap<string, string>): Promise<boolean> {
  if (!snapshotFailed(info)) return false
  const settings = await unlessRefused(connection.configGet(['save', 'stop-writes-on-bgsave-error']))
  return settings !== null && settings['stop-writes-on-bgsave-error'] === 'yes' && settings['save'] !== ''
}
