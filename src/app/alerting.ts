import type { AlertNotice, Dispatcher, Notification } from '../alerts/index.ts'
import { type Cancel, type Clock, errorText, type Log } from '../base/index.ts'
import type { DeliveryRecord, Notifier } from '../notify/index.ts'
import type { ActiveAlert } from '../rules/index.ts'

export interface AlertingOptions {
  readonly clock: Clock
  readonly log: Log
  readonly dispatcher: Dispatcher
  readonly notifier: () => Notifier
  /** A link that shows an alert. */
  readonly generatorURL: (alert: ActiveAlert) => string
  /** Its value for people; undefined when its unit is not known. */
  readonly valueText: (alert: ActiveAlert) => string | undefined
}

/** Carries alerts from the rules to the dispatcher and its decisions to the notifier; keeps the dispatcher's time. */
export function createAlerting({
  clock,
  log,
  dispatcher,
  notifier,
  generatorURL,
  valueText,
}: AlertingOptions): {
  receive(alerts: readonly ActiveAlert[]): void
  /** The notifier's answer to a notification. */
  delivered(notification: Notification, record: DeliveryRecord): void
  stop(): void
} {
  let cancel: Cancel | undefined
  let stopped = false

  const notice = (alert: ActiveAlert): AlertNotice => ({
    labels: alert.labels,
    annotations: alert.annotations,
    startsAtMs: alert.firedAtMs ?? alert.activeAtMs,
    resolvedAtMs: alert.resolvedAtMs,
    generatorURL: generatorURL(alert),
    value: alert.value,
    valueText: valueText(alert),
  })

  const decide = (): void => {
    cancel?.()
    cancel = undefined
    if (stopped) return
    for (const decision of dispatcher.due(clock.now())) {
      if (decision.kind === 'notify') notifier().send(decision.notification)
      else
        log.debug('Nothing to tell.', {
          receiver: decision.receiver,
          group: decision.groupKey,
          reason: decision.reason,
        })
    }
    const nextMs = dispatcher.nextDueMs()
    if (nextMs !== undefined) cancel = clock.after(Math.max(1, nextMs - clock.now()), decide)
  }

  return {
    receive(alerts) {
      try {
        dispatcher.receive(alerts.map(notice), clock.now())
        decide()
      } catch (error) {
        log.error('Deciding whom to tell failed.', { error: errorText(error) })
      }
    },
    delivered(notification, record) {
      dispatcher.delivered(notification, record.result.ok, clock.now())
      decide()
    },
    stop() {
      stopped = true
      cancel?.()
    },
  }
}
