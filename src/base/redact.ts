/** What stands where a secret stood. */
export const REDACTED = '***'

/**
 * A broker URL fit to print: user name kept, password and query values replaced. Works on text that no URL parser accepts
 * (a password may hold `/`, `@` or `#`), because everything between the scheme and the last `@` is taken for credentials.
 */
export function redactUrl(url: string): string {
  const match = /^([a-z][a-z0-9+.-]*:\/\/)([\s\S]*)$/i.exec(url)
  if (match === null) return url.includes('@') ? `${REDACTED}@${url.slice(url.lastIndexOf('@') + 1)}` : url
  const scheme = match[1] ?? ''
  const redactHost = (part: string): string => {
    const at = part.lastIndexOf('@')
    if (at < 0) return redactQuery(part)
    const credentials = part.slice(0, at)
    const colon = credentials.indexOf(':')
    const user = colon < 0 ? credentials : credentials.slice(0, colon)
    return `${colon < 0 ? user : `${user}:${REDACTED}`}@${redactQuery(part.slice(at + 1))}`
  }
  return scheme + redactHost(match[2] ?? '')
}

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
