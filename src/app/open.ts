import type { Clock, Log } from '../base/index.ts'
import { type Broker, createBroker, parseBrokerUrl, parseTransportOptions } from '../broker/index.ts'
import { redisNames } from '../celery/index.ts'
import type { BrokerConfig, Config } from '../config/index.ts'
import { createFleet, type Fleet } from '../fleet/index.ts'

/** How often queues and server are read, and samples are taken: the grid of the store. */
export const COLLECT_INTERVAL_MS = 5000

/** The connection for one configured broker, not yet started. Throws BROKER_URL_INVALID or CONFIG_INVALID. */
export const openBroker = (
  entry: BrokerConfig,
  world: { readonly clock: Clock; readonly log: Log },
): Broker =>
  createBroker({
    name: entry.name,
    url: entry.url.reveal(),
    transportOptions: entry.transportOptions,
    ...(entry.tls === undefined ? {} : { tls: entry.tls }),
    ...(entry.managementUrl === undefined ? {} : { managementUrl: entry.managementUrl.reveal() }),
    ...world,
  })

/**
 * Where the events of the other configured brokers are published, as `Broker.listenElsewhere` tells places: they are no sign of a
 * wrong database number or prefix.
 */
export function placesOfOthers(entry: BrokerConfig, config: Config): ReadonlySet<string> {
  return new Set(
    config.brokers.flatMap(other => {
      const target = other === entry ? undefined : parseBrokerUrl(other.url.reveal())
      if (target?.transport !== 'redis') return []
      const names = redisNames({
        ...parseTransportOptions(other.transportOptions),
        database: target.database,
      })
      // With a routing key the channel ends in it; what stands before is the place.
      return [names.eventChannel('x').replace(/\/x$/, '/')]
    }),
  )
}

/** The state of one broker's fleet, empty. */
export const openFleet = (entry: Pick<BrokerConfig, 'name' | 'queues'>, config: Config): Fleet =>
  createFleet({
    broker: entry.name,
    queues: entry.queues,
    workerTimeoutMs: config.workerTimeoutMs,
    collectIntervalMs: COLLECT_INTERVAL_MS,
    inspectIntervalMs: config.inspectIntervalMs,
    maxBytes: config.fleetBytes,
  })
