import { type Log, type LogFields, MINUTE, SECOND } from '../base/index.ts'
import type { DeliveryResult } from './contract.ts'

type Failure = Extract<DeliveryResult, { readonly ok: false }>

/** How long a channel that fails is not spoken of again. */
const QUIET_MS = 5 * MINUTE

/**
 * Says how a channel fares, in few lines for any number of failures: the first failed attempt, the first notification given up,
 * then a count every five minutes, and the end. A channel that works and fails by turns is spoken of no more often.
 */
export interface TroubleLog {
  failed(atMs: number, result: Failure, fields: LogFields): void
  givenUp(atMs: number, result: Failure, fields: LogFields): void
  /** A notification arrived. */
  over(atMs: number): void
  /** Says what was not said yet. */
  stop(atMs: number): void
}

/** `channel`: the fields that name it in every line. */
export function createTroubleLog(log: Log, channel: LogFields): TroubleLog {
  /** Of the trouble under way. */
  let sinceMs: number | undefined
  let said = false
  let saidGivenUp = false
  /** Since the last line. */
  let attempts = 0
  let givenUp = 0
  let lineAtMs = Number.NEGATIVE_INFINITY
  let givenUpLineAtMs = Number.NEGATIVE_INFINITY

  function say(level: 'info' | 'warn' | 'error', atMs: number, message: string, fields: LogFields): void {
    log[level](message, { ...channel, ...fields })
    lineAtMs = atMs
    said = true
    attempts = 0
    givenUp = 0
  }

  const counts = (atMs: number): LogFields => ({
    failedAttempts: attempts,
    givenUp,
    forSeconds: Math.round((atMs - (sinceMs ?? atMs)) / SECOND),
  })

  const sayCounts = (atMs: number, { reason, detail }: Failure): void =>
    say(givenUp > 0 ? 'error' : 'warn', atMs, 'notifications still fail', { reason, detail, ...counts(atMs) })

  return {
    failed(atMs, result, fields) {
      sinceMs ??= atMs
      attempts++
      // What is not tried again is given up at once, and told as that.
      if (!result.retry || atMs - lineAtMs < QUIET_MS) return
      if (said) sayCounts(atMs, result)
      else
        say('warn', atMs, 'notification failed, will be tried again', {
          ...fields,
          reason: result.reason,
          detail: result.detail,
        })
    },

    givenUp(atMs, result, fields) {
      sinceMs ??= atMs
      givenUp++
      if (!saidGivenUp && atMs - givenUpLineAtMs >= QUIET_MS) {
        say('error', atMs, 'notification given up', {
          ...fields,
          reason: result.reason,
          detail: result.detail,
        })
        saidGivenUp = true
        givenUpLineAtMs = atMs
      } else if (atMs - lineAtMs >= QUIET_MS) sayCounts(atMs, result)
    },

    over(atMs) {
      if (said || givenUp > 0) say('info', atMs, 'notifications arrive again', counts(atMs))
      sinceMs = undefined
      said = false
      saidGivenUp = false
      attempts = 0
      givenUp = 0
    },

    stop(atMs) {
      if (givenUp > 0) say('error', atMs, 'notifications were not delivered', counts(atMs))
    },
  }
}
