import type { RedisNames } from '../celery/index.ts'

/** More places than this are not told. */
const MOST_PLACES = 20

/** Gathers where events are published that a fleet's own names do not cover. */
export class Elsewhere {
  readonly #names: RedisNames
  readonly #exchanges: readonly string[]
  readonly #places = new Set<string>()

  constructor(names: RedisNames) {
    this.#names = names
    this.#exchanges = [...new Set([names.eventExchange, 'celeryev'])]
  }

  /** Parts of channel names of which an event's has one. */
  get exchanges(): readonly string[] {
    return this.#exchanges
  }

  /** Takes the channel of one message. */
  hear(channel: string): void {
    if (this.#places.size >= MOST_PLACES || this.#names.isEventChannel(channel)) return
    const place = this.#placeOf(channel)
    if (place !== undefined) this.#places.add(place)
  }

  /** See `Broker.listenElsewhere`. */
  places(): readonly string[] {
    return [...this.#places].sort()
  }

  /** `/3.celeryev/` for `/3.celeryev/worker.heartbeat`; without a slash where channels carry no routing key. */
  #placeOf(channel: string): string | undefined {
    for (const exchange of this.#exchanges) {
      const slash = channel.indexOf(`${exchange}/`)
      if (slash >= 0) return channel.slice(0, slash + exchange.length + 1)
      if (channel.endsWith(exchange)) return channel
    }
    return undefined
  }
}
