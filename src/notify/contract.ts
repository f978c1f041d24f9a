import type { Notification } from '../alerts/index.ts'

/** The reason is a label value of `celeriac_notifications_failed_total`. */
export type DeliveryFailure =
  | 'timeout'
  | 'unreachable'
  | 'client_error'
  | 'server_error'
  | 'rate_limited'
  | 'invalid'
  /** The queue of the channel was full; nothing was attempted. */
  | 'overflow'
  /** Celeriac is stopping. */
  | 'stopped'

/** What one attempt came to. `detail` never holds a secret (URLs of webhooks are secrets). */
export type DeliveryResult =
  | { readonly ok: true }
  | {
      readonly ok: false
      readonly retry: boolean
      readonly reason: DeliveryFailure
      readonly detail: string
      readonly retryAfterMs?: number
    }

/** One way to tell people. Stateless; retry is the notifier's. */
export interface Channel {
  readonly kind: string
  /** One attempt. Never rejects; after `signal` aborts it soon answers `timeout`. */
  send(notification: Notification, signal: AbortSignal): Promise<DeliveryResult>
}

/** Whom to tell, and how. */
export interface Receiver {
  readonly name: string
  /** Kinds differ: the kind names the channel in log, metrics and dispatcher (`integration`). */
  readonly channels: readonly Channel[]
}

/** One line of the delivery log. */
export interface DeliveryRecord {
  readonly atMs: number
  readonly receiver: string
  readonly channel: string
  readonly groupKey: string
  readonly status: 'firing' | 'resolved'
  readonly alerts: number
  readonly attempts: number
  readonly result: DeliveryResult
  /** Joins this record, its log lines and the request that was sent (`X-Correlation-ID`). */
  readonly correlationId: string
}
