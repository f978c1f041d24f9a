import type { RedisNames, UnackedOrigin } from '../celery/index.ts'

/** More queues than this are not looked at: a monitor cannot show them, and names may be invented by whoever can write. */
export const MAX_QUEUES = 5_000

/** True for an exchange whose bindings are task queues: not events, not remote control, not replies. */
export const isTaskExchange = (exchange: string, names: RedisNames): boolean =>
  exchange !== '' && exchange !== names.eventExchange && !exchange.endsWith('.pidbox')

/** What the binding tables of task exchanges say; tables that were not read yet say nothing. */
export class Bindings {
  readonly #names: RedisNames
  /** By exchange, then routing key. */
  #routes: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>> = new Map()

  constructor(names: RedisNames) {
    this.#names = names
  }

  /** Takes the tables as they are now, by exchange, and tells the queues they name, sorted, without those of a worker or a reply. */
  replace(tables: Iterable<readonly [exchange: string, members: readonly string[]]>): readonly string[] {
    const queues = new Set<string>()
    const routes = new Map<string, Map<string, readonly string[]>>()
    for (const [exchange, members] of tables) {
      if (!isTaskExchange(exchange, this.#names)) continue
      const keys = new Map<string, readonly string[]>()
      routes.set(exchange, keys)
      for (const member of members) {
        const binding = this.#names.parseBinding(member)
        if (binding === undefined || queues.size >= MAX_QUEUES) continue
        const { queue, routingKey } = binding
        if (queue.endsWith('.pidbox') || this.#names.controlKey(this.#names.prefix + queue) !== undefined)
          continue
        queues.add(queue)
        keys.set(routingKey, [...(keys.get(routingKey) ?? []), queue])
      }
    }
    this.#routes = routes
    return [...queues].sort()
  }

  /** The queues that a message of this origin lies in or came from; undefined when that is not known. */
  route({ exchange, routingKey }: UnackedOrigin): readonly string[] | undefined {
    // The default exchange leads to the queue of that name (AMQP 0-9-1, 3.1.3.1).
    return exchange === '' ? [routingKey] : this.#routes.get(exchange)?.get(routingKey)
  }
}
