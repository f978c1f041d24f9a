import { CeleriacError, type Clock, type Log } from '../base/index.ts'
import { createAmqpBroker } from './amqp/broker.ts'
import { createAmqpLink } from './amqp/link.ts'
import { parseManagementUrl } from './amqp/management-url.ts'
import type { Broker, FleetLink } from './broker.ts'
import { createMemoryBroker } from './memory/broker.ts'
import { createMemoryLink } from './memory/link.ts'
import type { MemoryServer } from './memory/server.ts'
import { createRedisBroker } from './redis/broker.ts'
import { createRedisLink } from './redis/link.ts'
import { parseTransportOptions } from './transport-options.ts'
import type { TlsTarget } from './tls.ts'
import { type BrokerTarget, parseBrokerUrl } from './url.ts'

/** What is said of TLS besides the URL; what is left out is the URL's, else the default. */
export type TlsOptions = Partial<TlsTarget>

export interface BrokerOptions {
  /** The configured name: the `broker` label. */
  readonly name: string
  readonly url: string
  /** By their names in Celery's settings; see `parseTransportOptions`. */
  readonly transportOptions?: Readonly<Record<string, unknown>>
  /** Given, even empty: TLS is spoken, whatever the scheme, as Celery does with `broker_use_ssl`. */
  readonly tls?: TlsOptions
  /** RabbitMQ's management API. */
  readonly managementUrl?: string
  readonly clock: Clock
  readonly log: Log
  /** What `memory://` stands for. */
  readonly memoryServer?: MemoryServer
}

/** The Broker that a URL asks for, not yet started. Throws BROKER_URL_INVALID or CONFIG_INVALID. */
export function createBroker(options: BrokerOptions): Broker {
  const { name, clock, log } = options
  const target = targetOf(options)
  const transportOptions = parseTransportOptions(options.transportOptions ?? {})
  if (target.transport === 'memory')
    return createMemoryBroker({ name, server: serverOf(options), clock, log, names: transportOptions })
  if (target.transport === 'redis') return createRedisBroker({ name, target, transportOptions, clock, log })
  const { managementUrl } = options
  return createAmqpBroker({
    name,
    target,
    transportOptions,
    ...(managementUrl === undefined ? {} : { management: parseManagementUrl(managementUrl, target) }),
    clock,
    log,
  })
}

/** The fleet's side of the same, not yet connected. Throws as `createBroker` does. */
export function createFleetLink(options: Omit<BrokerOptions, 'name'>): FleetLink {
  const { clock, log } = options
  const target = targetOf(options)
  const transportOptions = parseTransportOptions(options.transportOptions ?? {})
  if (target.transport === 'memory')
    return createMemoryLink({ server: serverOf(options), names: transportOptions, log })
  if (target.transport === 'redis') return createRedisLink({ target, transportOptions, clock, log })
  return createAmqpLink({ target, transportOptions, clock, log })
}

function targetOf({ url, tls }: Pick<BrokerOptions, 'url' | 'tls'>): BrokerTarget {
  const target = parseBrokerUrl(url, tls !== undefined)
  if (tls === undefined || target.transport === 'memory') return target
  const { verify = true, checkHostname = true, caFile, certFile, keyFile } = { ...target.tls, ...tls }
  return { ...target, tls: { verify, checkHostname, caFile, certFile, keyFile } }
}

function serverOf(options: Pick<BrokerOptions, 'memoryServer'>): MemoryServer {
  if (options.memoryServer !== undefined) return options.memoryServer
  throw new CeleriacError(
    'BROKER_URL_INVALID',
    'memory:// stands for a broker inside one process, and there is none here.',
    {
      hint: 'It serves `celeriac demo`; to watch a fleet, write redis://:password@host:6379/0.',
    },
  )
}
