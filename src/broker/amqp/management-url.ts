import { CeleriacError, redactUrl, type Secret } from '../../base/index.ts'
import { TLS_PARAMETERS, type TlsTarget, tlsTarget } from '../tls.ts'
import { hostAndPath, splitUrl } from '../url-parts.ts'
import type { AmqpTarget } from '../url.ts'

/** Where the management API of a RabbitMQ is. */
export interface ManagementTarget {
  readonly host: string
  readonly port: number
  readonly tls: TlsTarget | undefined
  readonly username: string
  readonly password: Secret
  /** What stands before `/api`: '' or `/prefix`. */
  readonly prefix: string
  readonly vhost: string
  /** The URL, redacted. */
  readonly address: string
}

/**
 * Reads the URL of the management API, such as `http://user:password@host:15672`; user and password are those of the broker URL when
 * it has none, and so are the TLS files. Throws BROKER_URL_INVALID, without the password.
 */
export function parseManagementUrl(url: string, broker: AmqpTarget): ManagementTarget {
  const text = url.trim()
  const scheme = /^(https?):\/\//i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) {
    throw new CeleriacError('BROKER_URL_INVALID', 'The management URL must begin with http:// or https://.', {
      hint: 'Write it as http://user:password@host:15672.',
    })
  }
  const address = redactUrl(text)
  const invalid = (why: string, hint = 'Write it as http://user:password@host:15672.'): CeleriacError =>
    new CeleriacError('BROKER_URL_INVALID', `The management URL ${address} cannot be used: ${why}.`, { hint })
  const parts = splitUrl(text.slice(text.indexOf('://') + 3), name => TLS_PARAMETERS.has(name), invalid)
  const { host, port, path } = hostAndPath(parts.place, scheme === 'https' ? 443 : 80, invalid)
  const prefix = path.replace(/\/+$/, '')
  const own = scheme === 'https' && parts.parameters.size > 0
  return {
    host,
    port,
    tls:
      scheme === 'https'
        ? own || broker.tls === undefined
          ? tlsTarget(parts.parameters, invalid)
          : broker.tls
        : undefined,
    // One without the other belongs to nobody.
    ...(parts.username === undefined
      ? { username: broker.username, password: broker.password }
      : { username: parts.username, password: parts.password ?? broker.password }),
    prefix: prefix === '' ? '' : `/${prefix}`,
    vhost: broker.vhost,
    address,
  }
}
