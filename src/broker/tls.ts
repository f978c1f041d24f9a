import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { CeleriacError } from '../base/index.ts'
import type { Invalid } from './url-parts.ts'

export interface TlsTarget {
  /** False accepts any certificate (`ssl_cert_reqs=none`). */
  readonly verify: boolean
  /** False accepts a certificate that was made for another host (`ssl_check_hostname=false`). */
  readonly checkHostname: boolean
  /** File names. */
  readonly caFile: string | undefined
  readonly certFile: string | undefined
  readonly keyFile: string | undefined
}

/** The URL parameters that `tlsTarget` reads. */
export const TLS_PARAMETERS: ReadonlySet<string> = new Set([
  'ssl_ca_certs',
  'ssl_cert_reqs',
  'ssl_certfile',
  'ssl_check_hostname',
  'ssl_keyfile',
])

const VERIFY: Readonly<Record<string, boolean>> = {
  required: true,
  cert_required: true,
  optional: true,
  cert_optional: true,
  none: false,
  cert_none: false,
}

/** What the parameters of a URL say of TLS, by redis-py's names, which kombu takes for RabbitMQ as well. */
export function tlsTarget(parameters: ReadonlyMap<string, string>, invalid: Invalid): TlsTarget {
  const wanted = parameters.get('ssl_cert_reqs') ?? 'required'
  const verify = VERIFY[wanted.toLowerCase()]
  if (verify === undefined)
    throw invalid(
      'ssl_cert_reqs must be one of required, optional, none',
      'See the documentation of redis-py.',
    )
  const checkHostname = (parameters.get('ssl_check_hostname') ?? 'true').toLowerCase()
  if (checkHostname !== 'true' && checkHostname !== 'false')
    throw invalid('ssl_check_hostname must be true or false', 'See the documentation of redis-py.')
  return {
    verify,
    checkHostname: checkHostname === 'true',
    caFile: parameters.get('ssl_ca_certs'),
    certFile: parameters.get('ssl_certfile'),
    keyFile: parameters.get('ssl_keyfile'),
  }
}

export interface TlsSocketOptions {
  /** Asked for by name; a certificate cannot be asked for by address. */
  readonly servername?: string
  readonly rejectUnauthorized: boolean
  readonly checkServerIdentity?: () => undefined
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

/** The same for `node:tls`, its files read. Throws FILE_UNREADABLE. */
export function tlsSocketOptions(tls: TlsTarget, host: string): TlsSocketOptions {
  const { caFile, certFile, checkHostname, keyFile, verify } = tls
  return {
    ...(isIP(host) === 0 ? { servername: host } : {}),
    rejectUnauthorized: verify,
    ...(checkHostname ? {} : { checkServerIdentity: () => undefined }),
    ...(caFile === undefined ? {} : { ca: readPem(caFile) }),
    ...(certFile === undefined ? {} : { cert: readPem(certFile) }),
    ...(keyFile === undefined ? {} : { key: readPem(keyFile) }),
  }
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new CeleriacError('FILE_UNREADABLE', `The TLS file ${file} of the broker URL cannot be read.`, {
      hint: 'Check ssl_ca_certs, ssl_certfile and ssl_keyfile.',
      cause: error,
    })
  }
}
