/** The states that are ever shown. Each has its own shape (parts/Icons), colour (tokens.css) and, always, a word beside it. */
export type Status = 'critical' | 'warning' | 'pending' | 'ok' | 'info' | 'unknown' | 'stopped'

/** A status in words: what a pill shows. */
export interface Mark {
  readonly status: Status
  readonly word: string
}
