import type { Secret } from '../base/index.ts'

/** The code of an error of the operating system or of Node; '' when it has none. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nothing listens there',
  ENOTFOUND: 'The host name is not known',
  EAI_AGAIN: 'The host name could not be looked up',
  EHOSTUNREACH: 'There is no way to the host',
  ENETUNREACH: 'There is no way to the network',
  ETIMEDOUT: 'The host does not answer',
  ENOENT: 'There is no such socket',
  EACCES: 'The socket may not be opened by this user',
  EPERM: 'The connection is not permitted',
}

/** Where to look when an address cannot be reached, by what the operating system said; undefined when it said something else. */
export const unreachable = (code: string): string | undefined => UNREACHABLE[code]

/** True for a code that tells of a failed TLS handshake. */
export const isTlsCode = (code: string): boolean =>
  /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO)/.test(code)

/** A server's text on one line, short, without the password. */
export function cleanText(text: string, password: Secret | undefined): string {
  const secret = password?.reveal()
  const safe = secret === undefined || secret === '' ? text : text.replaceAll(secret, '***')
  return safe
    .replace(/[^\x20-\x7e]+/g, ' ')
    .slice(0, 200)
    .replace(/[.\s]+$/, '')
}
