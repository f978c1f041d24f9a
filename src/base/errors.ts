/** One row an error: what a program may match on, what a process exits with, what HTTP answers. Codes are never reused. */
export const ERROR_CODES = {
  USAGE: { exit: 2, status: 400, meaning: 'The command line or a request was used wrongly.' },
  CONFIG_INVALID: {
    exit: 2,
    status: 400,
    meaning: 'A configuration file, variable or flag has a wrong value or an unknown name.',
  },
  BROKER_URL_INVALID: { exit: 2, status: 400, meaning: 'A broker URL could not be understood.' },
  BROKER_UNREACHABLE: { exit: 1, status: 503, meaning: 'Nothing answers at the broker address.' },
  BROKER_AUTH: { exit: 1, status: 503, meaning: 'The broker refused the user or the password.' },
  BROKER_LOST: { exit: 1, status: 503, meaning: 'The connection to the broker ended.' },
  BROKER_REFUSED: { exit: 1, status: 503, meaning: 'The broker answered with an error.' },
  CONTROL_TIMEOUT: {
    exit: 1,
    status: 503,
    meaning: 'Workers did not answer a remote control request in time.',
  },
  LISTEN_FAILED: { exit: 1, status: 500, meaning: 'The HTTP listener could not be opened.' },
  QUERY_INVALID: { exit: 1, status: 400, meaning: 'A PromQL expression does not parse or type-check.' },
  QUERY_FAILED: { exit: 1, status: 422, meaning: 'A PromQL expression failed while it was evaluated.' },
  QUERY_LIMIT: { exit: 1, status: 422, meaning: 'A PromQL expression asks for more than the limits allow.' },
  QUERY_TIMEOUT: { exit: 1, status: 503, meaning: 'A PromQL expression took longer than it may.' },
  STORE_UNREACHABLE: {
    exit: 1,
    status: 503,
    meaning: 'The server that holds the history does not answer as Prometheus does.',
  },
  RULES_INVALID: { exit: 1, status: 400, meaning: 'A rule file or rule test file is wrong.' },
  AWS_FAILED: { exit: 1, status: 503, meaning: 'AWS was not reached, or refused what was asked.' },
  FILE_UNREADABLE: { exit: 2, status: 500, meaning: 'A file that was named could not be read.' },
  FILE_UNWRITABLE: { exit: 1, status: 500, meaning: 'A file could not be written.' },
  INTERNAL: { exit: 1, status: 500, meaning: 'A fault of Celeriac itself.' },
} as const satisfies Readonly<Record<string, { exit: 0 | 1 | 2; status: number; meaning: string }>>

export type ErrorCode = keyof typeof ERROR_CODES

/**
 * An error that a person is meant to read. `message` says what happened and what was expected, `hint` says what to do.
 * Neither ever holds a secret: whoever makes one redacts first.
 */
export class CeleriacError extends Error {
  override readonly name = 'CeleriacError'
  readonly code: ErrorCode
  readonly hint: string | undefined

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly hint?: string; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
  }

  /** What the process exits with when this error ends it. */
  get exitCode(): 0 | 1 | 2 {
    return ERROR_CODES[this.code].exit
  }

  /** The HTTP status that reports it. */
  get status(): number {
    return ERROR_CODES[this.code].status
  }

  /** Message and hint on one line, as the command line and the log print it. */
  get line(): string {
    return this.hint === undefined ? this.message : `${this.message} ${this.hint}`
  }
}

/** Why a file cannot be used, in words that need no manual; for what the system says besides, its own. */
export function fileTrouble(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
    case 'ENOENT':
      return 'it does not exist'
    case 'EISDIR':
      return 'it is a folder'
    case 'ENOTDIR':
    case 'EEXIST':
      return 'a file stands where a folder is needed'
    case 'EACCES':
    case 'EPERM':
      return 'permission denied'
    default:
      return errorText(error)
  }
}

/** The text of anything thrown, without a stack. */
export const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error))
