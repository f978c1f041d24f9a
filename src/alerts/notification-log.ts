import { CeleriacError, HOUR } from '../base/index.ts'
import { z } from 'zod'
import type { LogEntry, LogSnapshot, Told } from './contract.ts'

/** Alertmanager's retention of its log (`--data.retention`). */
const MAX_RETENTION_MS = 120 * HOUR

const snapshotSchema = z.object({
  version: z.literal(1),
  entries: z.array(
    z.object({
      groupKey: z.string(),
      receiver: z.string(),
      integration: z.string(),
      firing: z.array(z.string()),
      resolved: z.array(z.string()),
      atMs: z.number(),
    }),
  ),
})

const keyOf = (told: Told): string => JSON.stringify([told.groupKey, told.receiver, told.integration])

/** Remembers what each channel was last told of each group. Entries of dead groups are forgotten by `purge`. */
export class NotificationLog {
  readonly #entries = new Map<string, LogEntry>()

  get size(): number {
    return this.#entries.size
  }

  get(told: Told): LogEntry | undefined {
    return this.#entries.get(keyOf(told))
  }

  set(entry: LogEntry): void {
    this.#entries.set(keyOf(entry), entry)
  }

  /** True when anyone was told that this alert fires and not yet that it is over. */
  hasTold(groupKey: string, fingerprint: string): boolean {
    for (const entry of this.#entries.values())
      if (entry.groupKey === groupKey && entry.firing.includes(fingerprint)) return true
    return false
  }

  /** Forgets entries older than twice the repeat interval (at most 120 h) whose group is not alive. */
  purge(atMs: number, repeatIntervalMs: number, isAlive: (groupKey: string) => boolean): void {
    const retentionMs = Math.min(2 * repeatIntervalMs, MAX_RETENTION_MS)
    for (const [key, entry] of this.#entries)
      if (atMs - entry.atMs > retentionMs && !isAlive(entry.groupKey)) this.#entries.delete(key)
  }

  snapshot(): LogSnapshot {
    return { version: 1, entries: [...this.#entries.values()] }
  }

  /** Takes over what `snapshot` gave. Throws FILE_UNREADABLE when the data is of another shape; the log then stays as it was. */
  restore(data: unknown): void {
    const parsed = snapshotSchema.safeParse(data)
    if (!parsed.success)
      throw new CeleriacError(
        'FILE_UNREADABLE',
        `The saved notification log is not understood: ${z.prettifyError(parsed.error)}`,
        {
          hint: 'Remove it; alerts that still fire will be told once more.',
        },
      )
    this.#entries.clear()
    for (const entry of parsed.data.entries) this.set(entry)
  }
}
