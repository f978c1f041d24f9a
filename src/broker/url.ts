import { CeleriacError, redactUrl, Secret } from '../base/index.ts'

/** Schemes a broker URL may have. */
const SUPPORTED_SCHEMES: readonly string[] = ['redis', 'rediss', 'redis+socket', 'memory']

/** Schemes of Celery that this program knows and does not speak. */
const KNOWN_ELSEWHERE: Readonly<Record<string, string>> = {
  amqp: 'RabbitMQ',
  amqps: 'RabbitMQ',
  pyamqp: 'RabbitMQ',
  sentinel: 'Redis Sentinel',
  sqs: 'Amazon SQS',
  kafka: 'Kafka',
}

export interface TlsTarget {
  /** False accepts any certificate (`ssl_cert_reqs=none`). */
  readonly verify: boolean
  /** File names. */
  readonly caFile: string | undefined
  readonly certFile: string | undefined
  readonly keyFile: string | undefined
}

export interface RedisTarget {
  readonly transport: 'redis'
  readonly at:
    | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
    | { readonly kind: 'socket'; readonly path: string }
  readonly tls: TlsTarget | undefined
  readonly username: string | undefined
  readonly password: Secret | undefined
  readonly database: number
  /** The URL, redacted. */
  readonly address: string
}

export interface MemoryTarget {
  readonly transport: 'memory'
  readonly address: string
}

export type BrokerTarget = RedisTarget | MemoryTarget

const EXAMPLE = 'redis://:password@host:6379/0'

/** Query parameters that kombu and redis-py know and that do not change what a monitor does. */
const IGNORED_PARAMETERS: ReadonlySet<string> = new Set([
  'health_check_interval',
  'max_connections',
  'protocol',
  'retry_on_timeout',
  'socket_connect_timeout',
  'socket_keepalive',
  'socket_timeout',
  'ssl_check_hostname',
  'visibility_timeout',
])

/**
 * Reads a broker URL as Celery users write it: passwords may hold `/`, `@` and `#` bare, percent-encoding is honoured, the last
 * path segment is the database number (celery-wire.md section 2). Throws BROKER_URL_INVALID; the text never holds the password.
 */
export function parseBrokerUrl(url: string): BrokerTarget {
  const text = url.trim()
  const address = redactUrl(text)
  const invalid = (why: string, hint = `Write it as ${EXAMPLE}.`): CeleriacError =>
    new CeleriacError('BROKER_URL_INVALID', `The broker URL ${address} cannot be used: ${why}.`, { hint })
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) {
    // Without a scheme nothing tells what in the text is secret.
    throw new CeleriacError('BROKER_URL_INVALID', 'A broker URL must begin with a scheme.', {
      hint: `Supported: ${schemeList()}. Write it as ${EXAMPLE}.`,
    })
  }
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
  const rest = text.slice(text.indexOf('://') + 3)
  if (/;\s*[a-z][a-z0-9+.-]*:\/\//i.test(rest))
    throw invalid('it names several brokers', 'Give one URL; repeat --broker to watch several.')
  const { credentials, place, parameters } = split(rest, invalid)
  const target = scheme === 'redis+socket' ? socketPlace(place, invalid) : tcpPlace(place, invalid)
  const database = databaseNumber(
    parameters.get('virtual_host') ?? parameters.get('db') ?? target.database,
    invalid,
  )
  return {
    transport: 'redis',
    at: target.at,
    tls: scheme === 'rediss' ? tlsTarget(parameters, invalid) : undefined,
    ...credentials,
    database,
    address,
  }
}

const schemeList = (): string => SUPPORTED_SCHEMES.map(scheme => `${scheme}://`).join(', ')

type Invalid = (why: string, hint?: string) => CeleriacError

interface Split {
  readonly credentials: { readonly username: string | undefined; readonly password: Secret | undefined }
  /** Host, port and path. */
  readonly place: string
  readonly parameters: ReadonlyMap<string, string>
}

/** A query counts as one only when it reads `name=value&...` to the end, since a password may hold a question mark too. */
const QUERY = /\?((?:[a-z_]+=[^?&@]*)(?:&[a-z_]+=[^?&@]*)*)?$/i

function split(rest: string, invalid: Invalid): Split {
  const query = QUERY.exec(rest)
  const body = query === null ? rest : rest.slice(0, query.index)
  const parameters = new Map<string, string>()
  for (const pair of (query?.[1] ?? '').split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = pair.slice(0, equals)
    if (!isParameter(name)) throw invalid(`the parameter "${name}" is not known`, 'Remove it from the URL.')
    parameters.set(name, percentDecoded(pair.slice(equals + 1)))
  }
  const at = body.lastIndexOf('@')
  if (at < 0) return { credentials: { username: undefined, password: undefined }, place: body, parameters }
  const userinfo = body.slice(0, at)
  const colon = userinfo.indexOf(':')
  const username = percentDecoded(colon < 0 ? userinfo : userinfo.slice(0, colon))
  const password = colon < 0 ? '' : percentDecoded(userinfo.slice(colon + 1))
  return {
    credentials: {
      username: username === '' ? undefined : username,
      password: password === '' ? undefined : new Secret(password),
    },
    place: body.slice(at + 1),
    parameters,
  }
}

const isParameter = (name: string): boolean =>
  name === 'virtual_host' ||
  name === 'db' ||
  IGNORED_PARAMETERS.has(name) ||
  ['ssl_cert_reqs', 'ssl_ca_certs', 'ssl_certfile', 'ssl_keyfile'].includes(name)

type Place = { readonly at: RedisTarget['at']; readonly database: string }

function tcpPlace(place: string, invalid: Invalid): Place {
  const match = /^(\[[0-9a-f:.%]+\]|[^/:?#@[\]\s]*)(?::([^/]*))?(?:\/(.*))?$/i.exec(place)
  if (match === null) throw invalid('host and port cannot be told apart')
  const host = (match[1] ?? '').replace(/^\[|\]$/g, '')
  const portText = match[2]
  const port = portText === undefined || portText === '' ? 6379 : Number(portText)
  if (portText !== undefined && !/^\d*$/.test(portText)) throw invalid('the port is not a number')
  if (port < 1 || port > 65_535) throw invalid('the port must be between 1 and 65535')
  return {
    at: { kind: 'tcp', host: host === '' ? 'localhost' : percentDecoded(host), port },
    database: match[3] ?? '',
  }
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

const VERIFY: Readonly<Record<string, boolean>> = {
  required: true,
  cert_required: true,
  optional: true,
  cert_optional: true,
  none: false,
  cert_none: false,
}

function tlsTarget(parameters: ReadonlyMap<string, string>, invalid: Invalid): TlsTarget {
  const wanted = parameters.get('ssl_cert_reqs') ?? 'required'
  const verify = VERIFY[wanted.toLowerCase()]
  if (verify === undefined)
    throw invalid(
      'ssl_cert_reqs must be one of required, optional, none',
      'See the documentation of redis-py.',
    )
  return {
    verify,
    caFile: parameters.get('ssl_ca_certs'),
    certFile: parameters.get('ssl_certfile'),
    keyFile: parameters.get('ssl_keyfile'),
  }
}

/** Percent-encoding undone; text that is not percent-encoded (a bare `%` in a password) stays as it is. */
function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
