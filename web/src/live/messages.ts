/** What a tab tells the stream that all tabs share. */
export type ToHub =
  /** The tab is visible and wants events; sent again every `PING_MS` as a sign of life. */
  | { readonly kind: 'join'; readonly url: string }
  /** The tab is hidden, paused or closing. */
  | { readonly kind: 'leave' }

/** What the shared stream tells its tabs. */
export type FromHub =
  | { readonly kind: 'overview'; readonly text: string }
  | { readonly kind: 'open' }
  /** The stream broke; the next attempt is at `retryAtMs`. */
  | { readonly kind: 'lost'; readonly retryAtMs: number }

/** A member that was silent for three of these is taken for closed: a tab may die without saying so. */
export const PING_MS = 20_000
export const RETRY_MS = 5_000
/** An open connection that says nothing for this long is opened anew: half-open connections never report an error. */
export const SILENCE_MS = 60_000
