import type { Clock, Log } from '../base/index.ts'
import { type Broker, createBroker } from '../broker/index.ts'
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

/** The state of one broker's fleet, empty. */
export const openFleet = (entry: Pick<BrokerConfig, 'name' | 'queues'>, config: Config): Fleet =>
  createFleet({
    broker: entry.name,
    queues: entry.queues,
    workerTimeoutMs: config.workerTimeoutMs,
    collectIntervalMs: COLLECT_INTERVAL_MS,
    inspectIntervalMs: config.inspectIntervalMs,
  })
