/** What stands where a secret stood. */
export const REDACTED = '***'

/**
 * A broker URL fit to print: user name kept, password and query values replaced. Works on text that no URL parser accepts
 * (a password may hold `/`, `@` or `#`), because everything between the scheme and the last `@` is taken for credentials. Without an
 * `@` the text is shown only as far as it looks like a place: whoever forgot or lost the `@` wrote a password where a port, a
 * database or a host is expected.
 */
export function redactUrl(url: string): string {
  const match = /^([a-z][a-z0-9+.-]*:\/\/)([\s\S]*)$/i.exec(url)
  if (match === null) return url.includes('@') ? `${REDACTED}@${url.slice(url.lastIndexOf('@') + 1)}` : url
  const scheme = match[1] ?? ''
  const rest = match[2] ?? ''
  const at = rest.lastIndexOf('@')
  if (at < 0) return scheme + redactPlace(scheme, rest)
  const credentials = rest.slice(0, at)
  const colon = credentials.indexOf(':')
  const user = colon < 0 ? credentials : credentials.slice(0, colon)
  return `${scheme}${colon < 0 ? user : `${user}:${REDACTED}`}@${redactPlace(scheme, rest.slice(at + 1))}`
}

/** `host:port/path?query` with its query values replaced, or as much of it as is nothing else. Several may stand with `;` between. */
function redactPlace(scheme: string, text: string): string {
  const question = text.indexOf('?')
  const place = question < 0 ? text : text.slice(0, question)
  const shown = place
    .split(';')
    .map(part => {
      const [, again = '', host, path = ''] = PLACE.exec(part) ?? []
      if (host === undefined) return REDACTED
      // A database is a number; any other word there may be the end of a password.
      const mayShow = !/^(rediss?|sentinel):/i.test(scheme) || /^\/?\d*\/?$/.test(path)
      return again + host + (mayShow ? path : `/${REDACTED}`)
    })
    .join(';')
  return shown + redactQuery(question < 0 ? '' : text.slice(question))
}

const PLACE =
  /^([a-z][a-z0-9+.-]*:\/\/)?((?:\[[0-9a-f:.%]+\]|[a-z0-9_.%-]*)(?::\d{1,5})?)(?=$|\/)(\/[^;]*)?$/i

function redactQuery(text: string): string {
  const question = text.indexOf('?')
  if (question < 0) return text
  return `${text.slice(0, question)}?${text.slice(question + 1).replace(/=([^&]*)/g, `=${REDACTED}`)}`
}

/** A value that prints as `***` everywhere (string, JSON, inspection) and is read only by `reveal()`. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return REDACTED
  }

  toJSON(): string {
    return REDACTED
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return REDACTED
  }
}

/** Names under which secrets stand, in any spelling: `password`, `api_key`, `AWSSecretAccessKey`, `authToken`. */
const SECRET_NAME =
  /passw|passphrase|secret|token|credential|api_?-?key|private_?-?key|authori[sz]ation|cookie/i

/** A copy of plain data in which every value under a name that holds a secret is `***`, at any depth. */
export function redactSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redactSecrets)
  if (typeof value !== 'object' || value === null || value instanceof Secret) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      SECRET_NAME.test(name) ? REDACTED : redactSecrets(each),
    ]),
  )
}
