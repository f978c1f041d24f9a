import { CeleriacError, redactUrl, Secret } from '../base/index.ts'
import { TLS_PARAMETERS, type TlsTarget, tlsTarget } from './tls.ts'
import {
  hostAndPath,
  type HostAndPort,
  type Invalid,
  percentDecoded,
  splitUrl,
  type UrlParts,
} from './url-parts.ts'

/** Schemes a broker URL may have. */
const SUPPORTED_SCHEMES: readonly string[] = [
  'redis',
  'rediss',
  'redis+socket',
  'sentinel',
  'amqp',
  'amqps',
  'pyamqp',
  'memory',
]

/** Schemes of Celery that this program knows and does not speak. */
const KNOWN_ELSEWHERE: Readonly<Record<string, string>> = {
  sqs: 'Amazon SQS',
  kafka: 'Kafka',
}

/** Where a server listens. */
export type RedisPlace =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'socket'; readonly path: string }

export interface RedisTarget {
  readonly transport: 'redis'
  /** Or whom to ask where it listens. */
  readonly at: RedisPlace | { readonly kind: 'sentinel'; readonly sentinels: readonly HostAndPort[] }
  readonly tls: TlsTarget | undefined
  readonly username: string | undefined
  readonly password: Secret | undefined
  readonly database: number
  /** The URL, redacted. */
  readonly address: string
}

export interface AmqpTarget {
  readonly transport: 'amqp'
  readonly host: string
  readonly port: number
  readonly tls: TlsTarget | undefined
  readonly username: string
  readonly password: Secret
  readonly vhost: string
  /** Both sides say something at least so often; 0 turns that off. */
  readonly heartbeatSeconds: number
  /** The URL, redacted. */
  readonly address: string
}

export interface MemoryTarget {
  readonly transport: 'memory'
  readonly address: string
}

export type BrokerTarget = RedisTarget | AmqpTarget | MemoryTarget

const REDIS_EXAMPLE = 'redis://:password@host:6379/0'
const SENTINEL_EXAMPLE = 'sentinel://:password@host1:26379/0;sentinel://host2:26379/0'
const AMQP_EXAMPLE = 'amqp://user:password@host:5672/vhost'

/** Query parameters of Redis URLs; those that kombu and redis-py know and that do not change what a monitor does are ignored. */
const REDIS_PARAMETERS: ReadonlySet<string> = new Set([
  ...TLS_PARAMETERS,
  'db',
  'health_check_interval',
  'max_connections',
  'protocol',
  'retry_on_timeout',
  'socket_connect_timeout',
  'socket_keepalive',
  'socket_timeout',
  'virtual_host',
  'visibility_timeout',
])

/** The same of RabbitMQ URLs, by the names of py-amqp and pika. */
const AMQP_PARAMETERS: ReadonlySet<string> = new Set([
  ...TLS_PARAMETERS,
  'blocked_connection_timeout',
  'channel_max',
  'confirm_publish',
  'connect_timeout',
  'connection_attempts',
  'connection_timeout',
  'frame_max',
  'heartbeat',
  'login_method',
  'read_timeout',
  'retry_delay',
  'socket_timeout',
  'write_timeout',
])

const DEFAULT_HEARTBEAT_SECONDS = 10
const MAX_HEARTBEAT_SECONDS = 65_535

/**
 * Reads a broker URL as Celery users write it: passwords may hold `/`, `@` and `#` bare, percent-encoding is honoured; the path is
 * the database number on Redis (celery-wire.md section 2) and the vhost on RabbitMQ, where none stands for `/` (kombu
 * `utils/url.py`, `transport/pyamqp.py`). `encrypted` says that TLS is spoken whatever the scheme, which changes RabbitMQ's default
 * port. Throws BROKER_URL_INVALID; the text never holds the password.
 */
export function parseBrokerUrl(url: string, encrypted = false): BrokerTarget {
  const text = url.trim()
  const address = redactUrl(text)
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) {
    // Without a scheme nothing tells what in the text is secret.
    throw new CeleriacError('BROKER_URL_INVALID', 'A broker URL must begin with a scheme.', {
      hint: `Supported: ${schemeList()}. Write it as ${REDIS_EXAMPLE} or ${AMQP_EXAMPLE}.`,
    })
  }
  const isAmqp = ['amqp', 'amqps', 'pyamqp'].includes(scheme)
  const example = isAmqp ? AMQP_EXAMPLE : REDIS_EXAMPLE
  const invalid = (why: string, hint = `Write it as ${example}.`): CeleriacError =>
    new CeleriacError('BROKER_URL_INVALID', `The broker URL ${address} cannot be used: ${why}.`, { hint })
  if (!SUPPORTED_SCHEMES.includes(scheme)) {
    const known = KNOWN_ELSEWHERE[scheme]
    throw invalid(
      known === undefined
        ? `the scheme "${scheme}" is not known`
        : `${known} ("${scheme}") is not supported yet`,
      `Supported: ${schemeList()}.`,
    )
  }
  if (scheme === 'memory') return { transport: 'memory', address: 'memory://' }
  if (scheme === 'sentinel') return sentinelTarget(text)
  const rest = text.slice(text.indexOf('://') + 3)
  const severalBrokers = (): CeleriacError =>
    invalid('it names several brokers', 'Give one URL; repeat --broker to watch several.')
  if (/;\s*[a-z][a-z0-9+.-]*:\/\//i.test(rest)) throw severalBrokers()
  const known = isAmqp ? AMQP_PARAMETERS : REDIS_PARAMETERS
  const parts = splitUrl(rest, name => known.has(name), invalid)
  if (/^[^/]*;/.test(parts.place)) throw severalBrokers()
  return isAmqp
    ? amqpTarget(encrypted || scheme === 'amqps', parts, address, invalid)
    : redisTarget(scheme, parts, address, invalid)
}

const schemeList = (): string => SUPPORTED_SCHEMES.map(scheme => `${scheme}://`).join(', ')

function redisTarget(scheme: string, parts: UrlParts, address: string, invalid: Invalid): RedisTarget {
  const { username, password, place, parameters } = parts
  const target = scheme === 'redis+socket' ? socketPlace(place, invalid) : tcpPlace(place, invalid)
  const database = parameters.get('virtual_host') ?? parameters.get('db') ?? target.database
  return {
    transport: 'redis',
    at: target.at,
    tls: scheme === 'rediss' || namesTls(parameters) ? tlsTarget(parameters, invalid) : undefined,
    username,
    password,
    database: databaseNumber(database, invalid),
    address,
  }
}

/** kombu speaks TLS as soon as a parameter says something of it, whatever the scheme (`utils/url.py`, `parse_url`). */
const namesTls = (parameters: ReadonlyMap<string, string>): boolean =>
  [...parameters.keys()].some(name => TLS_PARAMETERS.has(name))

/**
 * Several URLs, one a sentinel, separated by semicolons. What concerns the server behind them (user, password, TLS) is taken from
 * the first that says it. The database is that of the first URL, as in kombu (`connection.py`), so one that another contradicts is
 * refused.
 */
function sentinelTarget(text: string): RedisTarget {
  const urls = text.split(/;(?=\s*[a-z][a-z0-9+.-]*:\/\/)/i).map(url => url.trim())
  const address = urls.map(redactUrl).join(';')
  const invalid = (why: string, hint = `Write it as ${SENTINEL_EXAMPLE}.`): CeleriacError =>
    new CeleriacError('BROKER_URL_INVALID', `The broker URL ${address} cannot be used: ${why}.`, { hint })
  const read = urls.map(url => {
    if (!/^sentinel:\/\//i.test(url)) throw invalid('it mixes sentinels with something else')
    const parts = splitUrl(url.slice('sentinel://'.length), name => REDIS_PARAMETERS.has(name), invalid)
    if (/[;,]/.test(parts.place)) throw invalid('each sentinel needs its scheme')
    const { host, port, path } = hostAndPath(parts.place, 26_379, invalid)
    return { parts, host, port, database: path === '' ? undefined : databaseNumber(path, invalid) }
  })
  const databases = new Set(read.flatMap(({ database }) => database ?? []))
  const [first] = read
  const database = first?.database ?? 0
  if (databases.size > 1 || (databases.size === 1 && !databases.has(database))) {
    throw invalid(
      'its parts name different databases',
      `Write the same number behind each. Celery takes that of the first, which is ${database}.`,
    )
  }
  // The first of several values wins.
  const parameters = new Map(read.toReversed().flatMap(({ parts }) => [...parts.parameters]))
  const login = read.find(({ parts }) => parts.password !== undefined)?.parts
  return {
    transport: 'redis',
    at: { kind: 'sentinel', sentinels: read.map(({ host, port }) => ({ host, port })) },
    tls: namesTls(parameters) ? tlsTarget(parameters, invalid) : undefined,
    username: login?.username,
    password: login?.password,
    database,
    address,
  }
}

type Place = { readonly at: RedisTarget['at']; readonly database: string }

function tcpPlace(place: string, invalid: Invalid): Place {
  const { host, port, path } = hostAndPath(place, 6379, invalid)
  return { at: { kind: 'tcp', host, port }, database: path }
}

function socketPlace(place: string, invalid: Invalid): Place {
  if (!place.startsWith('/') || place.length < 2)
    throw invalid('it names no socket', 'Write it as redis+socket:///path/to/redis.sock?virtual_host=0.')
  return { at: { kind: 'socket', path: percentDecoded(place) }, database: '' }
}

function databaseNumber(text: string, invalid: Invalid): number {
  const digits = text.replace(/^\/+|\/+$/g, '')
  if (digits === '') return 0
  if (!/^\d{1,6}$/.test(digits)) throw invalid('the database must be a number, as in /0')
  return Number(digits)
}

function amqpTarget(encrypted: boolean, parts: UrlParts, address: string, invalid: Invalid): AmqpTarget {
  const { host, port, path } = hostAndPath(parts.place, encrypted ? 5671 : 5672, invalid)
  const vhost = percentDecoded(path)
  return {
    transport: 'amqp',
    host,
    port,
    tls: encrypted ? tlsTarget(parts.parameters, invalid) : undefined,
    // Each has its default for itself, as in kombu.
    username: parts.username ?? 'guest',
    password: parts.password ?? new Secret('guest'),
    vhost: vhost === '' ? '/' : vhost,
    heartbeatSeconds: heartbeatSeconds(parts.parameters.get('heartbeat'), invalid),
    address,
  }
}

function heartbeatSeconds(text: string | undefined, invalid: Invalid): number {
  if (text === undefined || text === '') return DEFAULT_HEARTBEAT_SECONDS
  const seconds = Number(text)
  if (!/^\d{1,5}(\.\d+)?$/.test(text) || seconds > MAX_HEARTBEAT_SECONDS)
    throw invalid('heartbeat must be a number of seconds, or 0 for none')
  return Math.ceil(seconds)
}
