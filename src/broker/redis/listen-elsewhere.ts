import type { Cancel, CeleriacError, Clock } from '../../base/index.ts'
import { escapeGlob, type RedisNames } from '../../celery/index.ts'
import { Elsewhere } from '../elsewhere.ts'
import { openConnection } from './connection.ts'
import { isReply, redisError } from './errors.ts'
import type { LocatedTarget } from './locate.ts'

/**
 * See `Broker.listenElsewhere`: on a connection of its own, since it hears every event of every fleet. `signal` ends it early.
 * Rejects with a CeleriacError when the connection is lost.
 */
export async function listenElsewhere(
  target: LocatedTarget,
  names: RedisNames,
  clock: Clock,
  ms: number,
  signal: AbortSignal,
): Promise<readonly string[] | null> {
  const elsewhere = new Elsewhere(names)
  let end: (error?: CeleriacError) => void = () => {}
  const ended = new Promise<CeleriacError | undefined>(resolve => (end = resolve))
  const stop = (): void => end()
  signal.addEventListener('abort', stop)
  let cancel: Cancel = () => {}
  const connection = await openConnection(target, clock, end)
  try {
    const patterns = elsewhere.exchanges.map(exchange => `*${escapeGlob(exchange)}*`)
    await connection.pSubscribe(patterns, (_, channel) => elsewhere.hear(channel))
    cancel = clock.after(ms, stop)
    if (signal.aborted) stop()
    const error = await ended
    if (error !== undefined) throw error
    return elsewhere.places()
  } catch (error) {
    // An access list may name the channels that this user may hear.
    if (isReply(error)) return null
    throw redisError(error, target, true)
  } finally {
    cancel()
    signal.removeEventListener('abort', stop)
    connection.destroy()
  }
}
