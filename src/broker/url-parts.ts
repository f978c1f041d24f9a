import { type CeleriacError, Secret } from '../base/index.ts'

/** Makes the error that says why a URL cannot be used, without its secrets. */
export type Invalid = (why: string, hint?: string) => CeleriacError

export interface UrlParts {
  readonly username: string | undefined
  readonly password: Secret | undefined
  /** Host, port and path. */
  readonly place: string
  readonly parameters: ReadonlyMap<string, string>
}

/** A query counts as one only when it reads `name=value&...` to the end, since a password may hold a question mark too. */
const QUERY = /\?((?:[a-z_]+=[^?&@]*)(?:&[a-z_]+=[^?&@]*)*)?$/i

/**
 * What follows `scheme://`, taken apart as Celery users write it: everything before the last `@` is user and password, which may
 * hold `/`, `@` and `#` bare or percent-encoded. A parameter that `isParameter` does not know is refused.
 */
export function splitUrl(rest: string, isParameter: (name: string) => boolean, invalid: Invalid): UrlParts {
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
  if (at < 0) return { username: undefined, password: undefined, place: body, parameters }
  const userinfo = body.slice(0, at)
  const colon = userinfo.indexOf(':')
  const username = percentDecoded(colon < 0 ? userinfo : userinfo.slice(0, colon))
  const password = colon < 0 ? '' : percentDecoded(userinfo.slice(colon + 1))
  return {
    username: username === '' ? undefined : username,
    password: password === '' ? undefined : new Secret(password),
    place: body.slice(at + 1),
    parameters,
  }
}

export interface HostAndPort {
  readonly host: string
  readonly port: number
}

export interface HostAndPath extends HostAndPort {
  /** What follows the slash after host and port, as it is written; '' without a slash. */
  readonly path: string
}

/** Host (localhost when there is none), port and path of a place. */
export function hostAndPath(place: string, defaultPort: number, invalid: Invalid): HostAndPath {
  const match = /^(\[[0-9a-f:.%]+\]|[^/:?#@[\]\s]*)(?::([^/]*))?(?:\/(.*))?$/i.exec(place)
  if (match === null) throw invalid('host and port cannot be told apart')
  const host = (match[1] ?? '').replace(/^\[|\]$/g, '')
  const portText = match[2]
  const port = portText === undefined || portText === '' ? defaultPort : Number(portText)
  if (portText !== undefined && !/^\d*$/.test(portText)) throw invalid('the port is not a number')
  if (port < 1 || port > 65_535) throw invalid('the port must be between 1 and 65535')
  return { host: host === '' ? 'localhost' : percentDecoded(host), port, path: match[3] ?? '' }
}

/** Percent-encoding undone; text that is not percent-encoded (a bare `%` in a password) stays as it is. */
export function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
