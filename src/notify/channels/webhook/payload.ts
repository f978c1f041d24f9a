import type { Notification } from '../../../alerts/index.ts'
import { compareText, rfc3339 } from '../../../base/index.ts'

/** Keys in the order in which Go prints a map. */
const ordered = (texts: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(texts).sort(([a], [b]) => compareText(a, b)))

/**
 * The body of Alertmanager's webhook, version "4" (notify/webhook/webhook.go, template/template.go `Data`), so that whatever
 * receives from Alertmanager receives from Celeriac. `maxAlerts` 0 sends all; others are counted in `truncatedAlerts`.
 */
export function webhookPayload(notification: Notification, maxAlerts: number) {
  const { alerts } = notification
  const kept = maxAlerts === 0 ? alerts : alerts.slice(0, maxAlerts)
  return {
    receiver: notification.receiver,
    status: notification.status,
    alerts: kept.map(alert => ({
      status: alert.status,
      labels: alert.labels.toJSON(),
      annotations: ordered(alert.annotations),
      startsAt: rfc3339(alert.startsAtMs),
      endsAt: rfc3339(alert.endsAtMs),
      generatorURL: alert.generatorURL,
      fingerprint: alert.fingerprint,
    })),
    groupLabels: notification.groupLabels.toJSON(),
    commonLabels: notification.commonLabels.toJSON(),
    commonAnnotations: ordered(notification.commonAnnotations),
    externalURL: notification.externalURL,
    version: '4',
    groupKey: notification.groupKey,
    truncatedAlerts: notification.truncatedAlerts + alerts.length - kept.length,
  }
}
