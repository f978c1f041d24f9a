import type { RedisNames } from '../../celery/index.ts'
import type { ControlKeysReading } from '../broker.ts'
import type { MemoryServer } from './server.ts'

/** See `Broker.readControlKeys`: all keys at once, since they are few; nothing expires here, so what nobody reads is an orphan. */
export function readControlKeys(server: MemoryServer, names: RedisNames): readonly ControlKeysReading[] {
  const bound = new Set(
    [names.eventExchange, names.controlExchange, names.replyExchange]
      .flatMap(exchange => server.members(names.bindingKey(exchange)))
      .flatMap(member => names.parseBinding(member)?.queue ?? []),
  )
  const found = server.keys().flatMap(key => {
    const control = names.controlKey(key)
    if (control === undefined) return []
    const kind = control.kind === 'own' ? 'reply' : control.kind
    const orphan = !bound.has(control.queue) && !server.hasConsumer(key)
    return [{ kind, orphan, bytes: server.bytes(key) }]
  })
  return (['event', 'control', 'reply'] as const).flatMap(kind =>
    [false, true].map(orphan => {
      const rows = found.filter(row => row.kind === kind && row.orphan === orphan)
      return { kind, orphan, keys: rows.length, bytes: rows.reduce((sum, row) => sum + row.bytes, 0) }
    }),
  )
}
