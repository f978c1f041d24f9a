import { inspect } from 'node:util'
import { CeleriacError, redactSecrets, Secret } from '../base/index.ts'
import type { TlsOptions } from '../broker/index.ts'
import type { BrokerEntry } from './schema.ts'

/** One broker to watch, complete. */
export interface BrokerConfig {
  /** The value of the label `broker`. */
  readonly name: string
  readonly url: Secret
  /** By Celery's names, `event_exchange` and `control_exchange` among them. Prints without the secrets it may hold. */
  readonly transportOptions: Readonly<Record<string, unknown>>
  /** Queues to read besides those that are found. */
  readonly queues: readonly string[]
  /** RabbitMQ's management API, credentials included. */
  readonly managementUrl: Secret | undefined
  /** What is said of TLS besides the URL; undefined leaves it to the URL. */
  readonly tls: TlsOptions | undefined
  /** Ask workers that send no task events to send them. */
  readonly enableEvents: boolean
}

/** What is said for all brokers. */
export interface ForAllBrokers {
  /** By flags and variables: over those of each broker. */
  readonly transportOptions: Readonly<Record<string, unknown>>
  readonly queues: readonly string[]
  /** By a flag or variable; wins over what a broker's entry says. */
  readonly enableEvents: boolean | undefined
  /** By the configuration file; for brokers that say nothing. */
  readonly enableEventsDefault: boolean | undefined
}

const NAMED = /^([A-Za-z0-9._-]{1,64})=(.+)$/s

/** `name=redis://…` gives a name; a URL alone is the default broker, further ones are numbered. */
export const namedEntries = (urls: readonly string[]): BrokerEntry[] =>
  urls.map((text, i) => {
    const match = NAMED.exec(text)
    return {
      name: match?.[1] ?? (i === 0 ? 'default' : `broker-${i + 1}`),
      url: match?.[2] ?? text,
      transportOptions: {},
    }
  })

/** Comma-separated URLs, each perhaps with its name. A comma inside a password separates nothing: what follows is no URL. */
export const splitUrls = (text: string): string[] =>
  text
    .split(/,(?=\s*(?:[A-Za-z0-9._-]{1,64}=)?[a-z][a-z0-9+.-]*:\/\/)/i)
    .map(part => part.trim())
    .filter(part => part !== '')

/** Brokers as they will be opened. Throws CONFIG_INVALID: a name twice, a password twice, a management URL without RabbitMQ. */
export function brokerConfigs(entries: readonly BrokerEntry[], all: ForAllBrokers): BrokerConfig[] {
  const twice = entries.find((entry, i) => entries.findIndex(other => other.name === entry.name) !== i)
  if (twice !== undefined) {
    throw new CeleriacError('CONFIG_INVALID', `Two brokers are named ${JSON.stringify(twice.name)}.`, {
      hint: 'Give each a name of its own: --broker NAME=URL.',
    })
  }
  return entries.map(entry => brokerConfig(entry, all))
}

function brokerConfig(entry: BrokerEntry, all: ForAllBrokers): BrokerConfig {
  const transportOptions = {
    ...(entry.eventExchange === undefined ? {} : { event_exchange: entry.eventExchange }),
    ...(entry.controlExchange === undefined ? {} : { control_exchange: entry.controlExchange }),
    ...entry.transportOptions,
    ...all.transportOptions,
  }
  if (entry.managementUrl !== undefined && !/^(py)?amqps?:/i.test(entry.url.trim())) {
    throw new CeleriacError(
      'CONFIG_INVALID',
      `The broker ${JSON.stringify(entry.name)} has a managementUrl and is no RabbitMQ.`,
      { hint: 'Remove it, or write a URL that begins with amqp://.' },
    )
  }
  return {
    name: entry.name,
    url: new Secret(
      entry.password === undefined ? entry.url : withPassword(entry.url, entry.password, entry.name),
    ),
    transportOptions: printable(transportOptions),
    queues: [...new Set([...all.queues, ...(entry.queues ?? [])])],
    managementUrl: entry.managementUrl === undefined ? undefined : new Secret(entry.managementUrl),
    tls: entry.tls === undefined ? undefined : tlsOptions(entry.tls),
    enableEvents: all.enableEvents ?? entry.enableEvents ?? all.enableEventsDefault ?? false,
  }
}

const tlsOptions = (tls: NonNullable<BrokerEntry['tls']>): TlsOptions =>
  tls === true
    ? {}
    : {
        ...(tls.verify === undefined ? {} : { verify: tls.verify }),
        ...(tls.checkHostname === undefined ? {} : { checkHostname: tls.checkHostname }),
        ...(tls.ca === undefined ? {} : { caFile: tls.ca }),
        ...(tls.cert === undefined ? {} : { certFile: tls.cert }),
        ...(tls.key === undefined ? {} : { keyFile: tls.key }),
      }

/** Puts a password that stands apart into the URL. */
function withPassword(url: string, password: string, name: string): string {
  const scheme = /^\s*[a-z][a-z0-9+.-]*:\/\//i.exec(url)?.[0]
  // Refused by whoever reads the URL, with better words.
  if (scheme === undefined) return url
  const rest = url.slice(scheme.length)
  const at = rest.lastIndexOf('@')
  const user = at < 0 ? '' : rest.slice(0, at)
  if (user.includes(':')) {
    throw new CeleriacError(
      'CONFIG_INVALID',
      `The broker ${JSON.stringify(name)} has a password in its URL and another beside it.`,
      { hint: 'Keep one of them.' },
    )
  }
  return `${scheme}${user}:${encodeURIComponent(password)}@${rest.slice(at + 1)}`
}

/** The same options, which print without passwords (`sentinel_kwargs` holds one). */
function printable(options: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const shown = (): unknown => redactSecrets(options)
  return Object.defineProperties(
    { ...options },
    { toJSON: { value: shown, enumerable: false }, [inspect.custom]: { value: shown, enumerable: false } },
  )
}
