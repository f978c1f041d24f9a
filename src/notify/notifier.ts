import { BoundedMap, type Cancel, type Clock, type Log, MINUTE, SECOND } from '../base/index.ts'
import type { Notification } from '../alerts/index.ts'
import { currentCorrelationId, newCorrelationId, withCorrelationId } from '../correlation/index.ts'
import type { Channel, DeliveryRecord, DeliveryResult, Receiver } from './contract.ts'
import { createTroubleLog, type TroubleLog } from './trouble-log.ts'

export interface NotifierOptions {
  readonly receivers: readonly Receiver[]
  readonly clock: Clock
  readonly log: Log
  /** A notification has arrived or was given up; called exactly once for each `send`. Must not throw. */
  readonly onResult?: (notification: Notification, record: DeliveryRecord) => void
  /** Every attempt, and every refusal without one: what the counters count. Must not throw. */
  readonly onAttempt?: (attempt: Pick<DeliveryRecord, 'receiver' | 'channel' | 'result'>) => void
  /** When to give up, from `send` on: the group interval, after which the dispatcher decides anew. Default 5 min. */
  readonly deadlineMs?: number
  /** For one attempt. Default 10 s. */
  readonly timeoutMs?: number
  /** Waits between attempts for a group double from the first to the longest, also over notifications given up. Default 1 s to 1 min. */
  readonly backoffMs?: { readonly first: number; readonly longest: number }
  /** Notifications that wait for one channel. Default 100. */
  readonly queueLimit?: number
  /** Records kept. Default 200. */
  readonly recordLimit?: number
}

/**
 * Sends notifications: one at a time on each channel, those of one group in order, with retry until the deadline. Channels do
 * not wait for each other. While a notification waits for its next attempt, other groups of the channel go ahead.
 */
export interface Notifier {
  /**
   * Takes a notification and returns; the end of it arrives at `onResult`. Its attempts and log lines run under the correlation id
   * of the caller, or under a new one. Never throws.
   */
  send(notification: Notification): void
  /** As the dispatcher wants them. */
  readonly receivers: readonly { readonly name: string; readonly integrations: readonly string[] }[]
  /** The delivery log, newest first. */
  deliveries(): readonly DeliveryRecord[]
  /** Makes one last attempt for what waits, for at most `withinMs`, then gives up the rest. Never rejects. */
  stop(withinMs: number): Promise<void>
}

/** Groups whose failures in a row are remembered for one channel. */
const REMEMBERED_GROUPS = 1000

interface Waiting {
  readonly notification: Notification
  readonly correlationId: string
  readonly deadlineAtMs: number
  attempts: number
  notBeforeMs: number
  last: DeliveryResult | undefined
}

interface Lane {
  readonly receiver: string
  readonly channel: Channel
  queue: Waiting[]
  /** The attempt under way. */
  abort: AbortController | undefined
  /** Until when the server asked to be left alone. */
  pausedUntilMs: number
  /** By group: failed attempts in a row, and when the next may be made. */
  readonly failing: BoundedMap<string, { readonly attempts: number; readonly notBeforeMs: number }>
  readonly trouble: TroubleLog
  cancelTimer: Cancel | undefined
}

export function createNotifier(options: NotifierOptions): Notifier {
  const { clock, log } = options
  const deadlineMs = options.deadlineMs ?? 5 * MINUTE
  const timeoutMs = options.timeoutMs ?? 10 * SECOND
  const backoffMs = options.backoffMs ?? { first: SECOND, longest: MINUTE }
  const queueLimit = options.queueLimit ?? 100
  const recordLimit = options.recordLimit ?? 200
  const lanes: readonly Lane[] = options.receivers.flatMap(receiver =>
    receiver.channels.map(channel => ({
      receiver: receiver.name,
      channel,
      queue: [],
      abort: undefined,
      pausedUntilMs: 0,
      failing: new BoundedMap(REMEMBERED_GROUPS),
      trouble: createTroubleLog(log, { receiver: receiver.name, channel: channel.kind }),
      cancelTimer: undefined,
    })),
  )
  const records: DeliveryRecord[] = []
  let stopping = false
  let idle: (() => void) | undefined

  function finish(
    notification: Notification,
    channel: string,
    attempts: number,
    result: DeliveryResult,
    trouble?: TroubleLog,
  ): void {
    const correlationId = currentCorrelationId() ?? newCorrelationId()
    const record: DeliveryRecord = {
      atMs: clock.now(),
      receiver: notification.receiver,
      channel,
      groupKey: notification.groupKey,
      status: notification.status,
      alerts: notification.alerts.length,
      attempts,
      result,
      correlationId,
    }
    records.unshift(record)
    if (records.length > recordLimit) records.length = recordLimit
    const { receiver, groupKey, status, alerts } = record
    const fields = { receiver, channel, groupKey, status, alerts, attempts }
    if (result.ok) log.info('notification delivered', fields)
    else if (trouble === undefined)
      log.error('notification given up', { ...fields, reason: result.reason, detail: result.detail })
    else trouble.givenUp(record.atMs, result, fields)
    options.onResult?.(notification, record)
  }

  function refuse(
    notification: Notification,
    channel: string,
    result: DeliveryResult,
    trouble?: TroubleLog,
  ): void {
    options.onAttempt?.({ receiver: notification.receiver, channel, result })
    finish(notification, channel, 0, result, trouble)
  }

  function drop(lane: Lane, waiting: Waiting, result: DeliveryResult): void {
    if (!lane.queue.includes(waiting)) return
    lane.queue = lane.queue.filter(other => other !== waiting)
    withCorrelationId(waiting.correlationId, () => {
      if (waiting.attempts === 0) refuse(waiting.notification, lane.channel.kind, result, lane.trouble)
      else finish(waiting.notification, lane.channel.kind, waiting.attempts, result, lane.trouble)
    })
  }

  /** Starts what may start now, or sets the timer for what may start later. */
  function pump(lane: Lane): void {
    if (lane.abort !== undefined) return
    lane.cancelTimer?.()
    lane.cancelTimer = undefined
    const now = clock.now()
    for (const waiting of lane.queue) {
      if (waiting.deadlineAtMs <= now) drop(lane, waiting, waiting.last ?? TOO_LATE)
      else if (stopping && (waiting.attempts > 0 || lane.pausedUntilMs > now))
        drop(lane, waiting, waiting.last ?? STOPPED)
    }
    // `onResult` may have sent something new, which then started.
    if (lane.abort !== undefined) return
    const groups = new Set<string>()
    let wakeAtMs = Number.POSITIVE_INFINITY
    for (const waiting of lane.queue) {
      const { groupKey } = waiting.notification
      // Behind an earlier one of its group.
      if (groups.has(groupKey)) continue
      groups.add(groupKey)
      const mayStartMs = Math.max(waiting.notBeforeMs, lane.pausedUntilMs)
      if (mayStartMs <= now) {
        void attempt(lane, waiting)
        return
      }
      wakeAtMs = Math.min(wakeAtMs, mayStartMs, waiting.deadlineAtMs)
    }
    if (wakeAtMs < Number.POSITIVE_INFINITY) lane.cancelTimer = clock.after(wakeAtMs - now, () => pump(lane))
    else if (lanes.every(each => each.queue.length === 0)) idle?.()
  }

  async function attempt(lane: Lane, waiting: Waiting): Promise<void> {
    const abort = new AbortController()
    lane.abort = abort
    waiting.attempts++
    const cancel = clock.after(Math.min(timeoutMs, waiting.deadlineAtMs - clock.now()), () => abort.abort())
    let result: DeliveryResult
    try {
      result = await withCorrelationId(waiting.correlationId, () =>
        lane.channel.send(waiting.notification, abort.signal),
      )
    } catch (error) {
      // A fault of ours. Its message may quote what is sent, so only its kind is told.
      const kind = error instanceof Error ? error.name : typeof error
      result = { ok: false, retry: false, reason: 'invalid', detail: `the channel failed with a ${kind}` }
    }
    cancel()
    lane.abort = undefined
    options.onAttempt?.({ receiver: lane.receiver, channel: lane.channel.kind, result })
    waiting.last = result
    const now = clock.now()
    const { groupKey } = waiting.notification
    if (result.ok) {
      lane.failing.delete(groupKey)
      lane.trouble.over(now)
    } else {
      if (result.retryAfterMs !== undefined) lane.pausedUntilMs = now + result.retryAfterMs
      const attempts = (lane.failing.get(groupKey)?.attempts ?? 0) + 1
      const backoff = Math.min(backoffMs.first * 2 ** (attempts - 1), backoffMs.longest)
      waiting.notBeforeMs = Math.max(now + backoff, lane.pausedUntilMs)
      lane.failing.set(groupKey, { attempts, notBeforeMs: now + backoff })
      withCorrelationId(waiting.correlationId, () =>
        lane.trouble.failed(now, result, { groupKey, waitMs: waiting.notBeforeMs - now }),
      )
    }
    if (result.ok || !result.retry || stopping || waiting.notBeforeMs >= waiting.deadlineAtMs)
      drop(lane, waiting, result)
    pump(lane)
  }

  return {
    send(notification) {
      const { receiver, integration } = notification
      const lane = lanes.find(
        each => each.receiver === receiver && (integration === '' || each.channel.kind === integration),
      )
      if (lane === undefined) {
        refuse(notification, integration, NO_RECEIVER)
        return
      }
      if (stopping || lane.queue.length >= queueLimit) {
        refuse(notification, lane.channel.kind, stopping ? STOPPED : OVERFLOW, lane.trouble)
        return
      }
      const now = clock.now()
      // What was given up is soon decided anew: the next attempt comes no earlier for that, but it does come.
      const notBeforeMs = Math.max(now, lane.failing.get(notification.groupKey)?.notBeforeMs ?? now)
      lane.queue.push({
        notification,
        correlationId: currentCorrelationId() ?? newCorrelationId(),
        deadlineAtMs: Math.max(now + deadlineMs, notBeforeMs + timeoutMs),
        attempts: 0,
        notBeforeMs,
        last: undefined,
      })
      pump(lane)
    },

    receivers: options.receivers.map(receiver => ({
      name: receiver.name,
      integrations: receiver.channels.map(channel => channel.kind),
    })),

    deliveries: () => [...records],

    async stop(withinMs) {
      stopping = true
      let cancel: Cancel | undefined
      await new Promise<void>(resolve => {
        idle = resolve
        cancel = clock.after(withinMs, () => {
          for (const lane of lanes) {
            lane.abort?.abort()
            for (const waiting of lane.queue) drop(lane, waiting, STOPPED)
          }
          resolve()
        })
        for (const lane of lanes) pump(lane)
        if (lanes.every(lane => lane.queue.length === 0)) resolve()
      })
      cancel?.()
      for (const lane of lanes) {
        lane.cancelTimer?.()
        lane.trouble.stop(clock.now())
      }
    },
  }
}

const TOO_LATE: DeliveryResult = {
  ok: false,
  retry: false,
  reason: 'timeout',
  detail: 'it waited too long behind others',
}
const STOPPED: DeliveryResult = {
  ok: false,
  retry: false,
  reason: 'stopped',
  detail: 'Celeriac stopped before it could be sent',
}
const OVERFLOW: DeliveryResult = {
  ok: false,
  retry: false,
  reason: 'overflow',
  detail: 'too many notifications wait for this channel',
}
const NO_RECEIVER: DeliveryResult = {
  ok: false,
  retry: false,
  reason: 'invalid',
  detail: 'no receiver with such a channel is configured',
}
