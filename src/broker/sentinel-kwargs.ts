import { CeleriacError, didYouMean, Secret } from '../base/index.ts'
import { TLS_PARAMETERS, type TlsTarget, tlsTarget } from './tls.ts'

/** How sentinels are spoken to. */
export interface SentinelLogin {
  readonly username: string | undefined
  readonly password: Secret | undefined
  readonly tls: TlsTarget | undefined
}

export const NO_SENTINEL_LOGIN: SentinelLogin = { username: undefined, password: undefined, tls: undefined }

/** Arguments of redis-py's client that do not change what a monitor must do. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  'client_name',
  'db',
  'decode_responses',
  'encoding',
  'health_check_interval',
  'max_connections',
  'protocol',
  'retry_on_timeout',
  'socket_connect_timeout',
  'socket_keepalive',
  'socket_keepalive_options',
  'socket_timeout',
])

const invalid = (why: string, hint?: string): CeleriacError =>
  new CeleriacError(
    'CONFIG_INVALID',
    `The broker transport option "sentinel_kwargs" cannot be used: ${why}.`,
    hint === undefined ? {} : { hint },
  )

/**
 * `sentinel_kwargs`, which redis-py hands to the clients that ask sentinels: user and password, and TLS when `ssl` is true. Throws
 * CONFIG_INVALID that names the key and never shows a value.
 */
export function parseSentinelKwargs(kwargs: Readonly<Record<string, unknown>>): SentinelLogin {
  const tls = new Map<string, string>()
  for (const [name, value] of Object.entries(kwargs)) {
    if (value === null || value === undefined) continue
    if (TLS_PARAMETERS.has(name)) {
      if (typeof value !== 'string' && typeof value !== 'boolean')
        throw invalid(`"${name}" must be a text, true or false`)
      tls.set(name, String(value))
    } else if (!['username', 'password', 'ssl'].includes(name) && !WITHOUT_EFFECT.has(name)) {
      const known = ['username', 'password', 'ssl', ...TLS_PARAMETERS]
      throw invalid(`the key "${name}" is not known${didYouMean(name, known)}`, `Known: ${known.join(', ')}.`)
    }
  }
  const text = (name: string): string | undefined => {
    const value = kwargs[name] ?? undefined
    if (value !== undefined && typeof value !== 'string') throw invalid(`"${name}" must be a text`)
    return value === '' ? undefined : value
  }
  const ssl = kwargs['ssl'] ?? false
  if (typeof ssl !== 'boolean') throw invalid('"ssl" must be true or false')
  const password = text('password')
  return {
    username: text('username'),
    password: password === undefined ? undefined : new Secret(password),
    tls: ssl ? tlsTarget(tls, invalid) : undefined,
  }
}
