import type { RedisNames } from '../celery/index.ts'

/** More queues than this are not looked at: a monitor cannot show them, and names may be invented by whoever can write. */
export const MAX_QUEUES = 5_000

/** True for an exchange whose bindings are task queues: not events, not remote control, not replies. */
export const isTaskExchange = (exchange: string, names: RedisNames): boolean =>
  exchange !== '' && exchange !== names.eventExchange && !exchange.endsWith('.pidbox')

/** The queues that binding tables (exchange, members) name, sorted, without those that belong to a worker or a reply. */
export function queuesOf(
  tables: Iterable<readonly [exchange: string, members: readonly string[]]>,
  names: RedisNames,
): readonly string[] {
  const queues = new Set<string>()
  for (const [exchange, members] of tables) {
    if (!isTaskExchange(exchange, names)) continue
    for (const member of members) {
      const queue = names.parseBinding(member)?.queue
      if (queue !== undefined && !queue.endsWith('.pidbox') && queues.size < MAX_QUEUES) queues.add(queue)
    }
  }
  return [...queues].sort()
}
