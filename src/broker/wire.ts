/**
 * The few things Celery does with a Redis, as a port: a real server and the in-process one stand behind it, and everything that
 * is not about connections is written once above it.
 */
export interface Wire {
  publish(channel: string, payload: string): Promise<void>
  /** Hears one channel until `close`. */
  subscribe(channel: string, hear: (payload: string) => void): Promise<void>
  /** Adds at the young end (LPUSH). */
  push(list: string, payload: string): Promise<void>
  /** Takes from the old end (RPOP) of the first list that is not empty. */
  takeFirst(
    lists: readonly string[],
  ): Promise<{ readonly list: string; readonly payload: string } | undefined>
  addMember(key: string, member: string): Promise<void>
  members(key: string): Promise<readonly string[]>
  connect(): Promise<void>
  close(): Promise<void>
}
