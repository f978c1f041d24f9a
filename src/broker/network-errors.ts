import { CeleriacError, type Secret } from '../base/index.ts'

/** The code of an error of the operating system or of Node; '' when it has none. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

/** What every broker's errors are made of. */
export interface Trouble {
  /** Redacted. */
  readonly address: string
  /** Tells a loss from a failed attempt. */
  readonly wasConnected: boolean
}

export const credentialsRefused = (
  { address }: Trouble,
  hint = 'Check the credentials in the broker URL; characters such as / @ # % may be percent-encoded.',
): CeleriacError =>
  new CeleriacError('BROKER_AUTH', `The broker ${address} refuses the user or the password.`, { hint })

/** What the operating system or the TLS handshake said; undefined when it was neither. */
export function networkError(
  error: unknown,
  { address }: Trouble,
  hints: { readonly unreachable: string; readonly tls: (code: string) => string },
): CeleriacError | undefined {
  const code = codeOf(error)
  const why = unreachable(code)
  if (why !== undefined)
    return new CeleriacError('BROKER_UNREACHABLE', `The broker ${address} cannot be reached. ${why}.`, {
      hint: hints.unreachable,
    })
  if (!isTlsCode(code)) return undefined
  return new CeleriacError(
    'BROKER_UNREACHABLE',
    `The broker ${address} and we do not agree on TLS (${code}).`,
    {
      hint: hints.tls(code),
    },
  )
}

/** Nothing came in time. `hint`: where to look when nothing ever came. */
export const silent = ({ address, wasConnected }: Trouble, hint: string): CeleriacError =>
  wasConnected
    ? new CeleriacError('BROKER_LOST', `The broker ${address} stopped answering.`, {
        hint: 'It is tried again until it answers.',
      })
    : new CeleriacError('BROKER_UNREACHABLE', `The broker ${address} does not answer in time.`, { hint })

/** The connection ended without a word. `hint`: where to look when it never held. */
export const ended = ({ address, wasConnected }: Trouble, hint: string): CeleriacError =>
  wasConnected
    ? new CeleriacError('BROKER_LOST', `The connection to the broker ${address} ended.`, {
        hint: 'It is opened again until it holds.',
      })
    : new CeleriacError('BROKER_UNREACHABLE', `The broker ${address} closes the connection at once.`, {
        hint,
      })

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
