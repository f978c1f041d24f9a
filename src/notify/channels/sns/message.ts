import type { NotifiedAlert, Notification } from '../../../alerts/index.ts'
import { wordDuration, wordNumber } from '../../../base/index.ts'

/** Limits of Publish (SNS API reference): a subject of 100 ASCII characters without line breaks, a message of 256 KiB. */
export const MAX_SUBJECT = 100
export const MAX_MESSAGE_BYTES = 200_000

/** What SNS is given; mail and SMS show it as it is. */
export interface SnsMessage {
  readonly subject: string
  readonly message: string
  /** For filter policies of subscriptions. */
  readonly attributes: Readonly<Record<string, string>>
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim()

/** Its end becomes three dots. */
const fit = (text: string, limit: number): string =>
  text.length <= limit ? text : `${text.slice(0, limit - 3)}...`

/** One message for one group: every alert by itself, marked firing or resolved, as plain text. */
export function snsMessage(notification: Notification, nowMs: number): SnsMessage {
  const { groupLabels, commonAnnotations, alerts, externalURL, truncatedAlerts, status } = notification
  const firing = alerts.filter(alert => alert.status === 'firing').length
  const resolved = alerts.length - firing
  const state = [
    ...(firing > 0 ? [`FIRING${firing > 1 ? ` ${firing}` : ''}`] : []),
    ...(resolved > 0 ? [`RESOLVED${resolved > 1 ? ` ${resolved}` : ''}`] : []),
  ].join(', ')
  const place = [...groupLabels]
    .filter(([label]) => label !== 'alertname')
    .map(([label, value]) => `${label} ${value}`)
    .join(', ')
  const name = groupLabels.get('alertname') || 'alerts'
  const heading = oneLine(`[${state}] ${name}${place === '' ? '' : ` (${place})`}`)
  const lines: string[] = [heading]
  let bytes = Buffer.byteLength(heading)
  let told = 0
  for (const alert of alerts) {
    const text = describe(alert, nowMs)
    bytes += Buffer.byteLength(text) + 2
    if (bytes > MAX_MESSAGE_BYTES) break
    lines.push('', text)
    told++
  }
  const hidden = alerts.length - told + truncatedAlerts
  if (hidden > 0) lines.push('', `and ${hidden} more`)
  const { runbook_url: runbook } = commonAnnotations
  lines.push(
    '',
    ...(runbook === undefined ? [] : [`Runbook: ${fit(runbook, 2000)}`]),
    ...(externalURL === '' ? [] : [`Celeriac: ${externalURL}`]),
  )
  const severity = alerts[0]?.labels.get('severity') ?? ''
  return {
    subject: fit(heading.replace(/[^ -~]/g, '?'), MAX_SUBJECT),
    message: lines.join('\n').trimEnd(),
    // An empty attribute is refused.
    attributes: { status, ...(severity === '' ? {} : { severity }) },
  }
}

function describe(alert: NotifiedAlert, nowMs: number): string {
  const firing = alert.status === 'firing'
  const { summary, description, value } = alert.annotations
  return [
    `${firing ? 'Firing' : 'Resolved'}: ${fit(oneLine(summary ?? alert.labels.get('alertname')), 1000)}`,
    ...(firing && description !== undefined ? [fit(oneLine(description), 2000)] : []),
    firing
      ? `Value ${value ?? alert.valueText ?? wordNumber(alert.value)}, for ${wordDuration(nowMs - alert.startsAtMs)}`
      : `Lasted ${wordDuration((alert.endsAtMs ?? nowMs) - alert.startsAtMs)}`,
    fit([...alert.labels].map(([label, text]) => `${label}=${oneLine(text)}`).join(' '), 2000),
  ].join('\n')
}
