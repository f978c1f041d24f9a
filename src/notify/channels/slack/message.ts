import type { NotifiedAlert, Notification } from '../../../alerts/index.ts'
import { wordDuration, wordNumber } from '../../../base/index.ts'

/** Limits of Block Kit: https://docs.slack.dev/reference/block-kit/blocks */
export const MAX_BLOCKS = 50
export const MAX_TEXT = 3000

/** Alerts shown one by one; the rest is a count. Well under MAX_BLOCKS, and as much as anybody reads on a phone. */
const MAX_ALERTS = 20

/** Shares of a text block, so that an endless label cannot push out what matters. */
const MAX_LABELS = 600
const MAX_SENTENCE = 700

const ELLIPSIS = '…'

interface TextBlock {
  readonly type: 'section'
  readonly text: { readonly type: 'mrkdwn'; readonly text: string }
}

interface ContextBlock {
  readonly type: 'context'
  readonly elements: readonly { readonly type: 'mrkdwn'; readonly text: string }[]
}

/** The body of an incoming webhook. */
export interface SlackMessage {
  /** What notifications and screen readers say; never empty. */
  readonly text: string
  readonly channel?: string
  readonly attachments: readonly {
    readonly color: string
    readonly blocks: readonly (TextBlock | ContextBlock)[]
  }[]
}

/** Slack's three control characters (https://docs.slack.dev/messaging/formatting-message-text). */
export const escapeSlack = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** Escapes and shortens to `limit` characters, never inside an entity or a surrogate pair. */
export function fitSlack(text: string, limit: number): string {
  const escaped = escapeSlack(text)
  if (escaped.length <= limit) return escaped
  let fitted = ''
  for (const character of text) {
    const piece = escapeSlack(character)
    if (fitted.length + piece.length + ELLIPSIS.length > limit) break
    fitted += piece
  }
  return fitted + ELLIPSIS
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim()

/** `<url|text>`, or undefined for anything that is no http(s) address. */
function link(url: string | undefined, text: string): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined
  const parsed = new URL(url)
  if (!['http:', 'https:'].includes(parsed.protocol) || parsed.href.length > MAX_LABELS) return undefined
  return `<${escapeSlack(parsed.href).replaceAll('|', '%7C')}|${escapeSlack(text)}>`
}

/**
 * One message for one group: a heading with the state word, then every alert by itself, marked firing or resolved, with value
 * against limit and duration (annotations `value` and `limit` when a rule gives them formatted), then links.
 */
export function slackMessage(
  notification: Notification,
  options: { readonly channel?: string | undefined; readonly nowMs: number },
): SlackMessage {
  const firing = notification.alerts.filter(alert => alert.status === 'firing')
  const resolved = notification.alerts.length - firing.length
  const state =
    firing.length > 0
      ? `FIRING${firing.length > 1 ? ` ${firing.length}` : ''}${resolved > 0 ? `, RESOLVED ${resolved}` : ''}`
      : `RESOLVED${resolved > 1 ? ` ${resolved}` : ''}`
  const name = notification.groupLabels.get('alertname') || 'alerts'
  const place = [...notification.groupLabels]
    .filter(([label]) => label !== 'alertname')
    .map(([label, value]) => `${label} ${value}`)
    .join(', ')
  const heading = `[${state}] ${name}${place === '' ? '' : ` (${place})`}`
  const severity = firing[0]?.labels.get('severity')
  const shown = notification.alerts.slice(0, MAX_ALERTS)
  const hidden = notification.alerts.length - shown.length + notification.truncatedAlerts
  const blocks: (TextBlock | ContextBlock)[] = [
    section(`${mark(firing.length > 0)} *${fitSlack(heading, 500)}*`),
    ...shown.map(alert => section(describe(alert, notification, options.nowMs))),
  ]
  if (hidden > 0) blocks.push(section(`… and ${hidden} more.`))
  const links = linksOf(notification)
  if (links.length > 0)
    blocks.push({ type: 'context', elements: [{ type: 'mrkdwn', text: links.join('  ·  ') }] })
  return {
    text: fitSlack(heading, 500),
    ...(options.channel === undefined ? {} : { channel: options.channel }),
    attachments: [
      { color: firing.length === 0 ? 'good' : severity === 'critical' ? 'danger' : 'warning', blocks },
    ],
  }
}

const section = (text: string): TextBlock => ({ type: 'section', text: { type: 'mrkdwn', text } })

const mark = (firing: boolean): string => (firing ? ':red_circle:' : ':white_check_mark:')

function describe(alert: NotifiedAlert, notification: Notification, nowMs: number): string {
  const firing = alert.status === 'firing'
  const { summary, description, value, limit } = alert.annotations
  const common = new Set([...notification.groupLabels].map(([label]) => label))
  const labels = [...alert.labels]
    .filter(([label]) => !common.has(label))
    .map(([label, text]) => `${label}=${text}`)
    .join(' ')
  const title = oneLine(summary ?? alert.labels.get('alertname'))
  const facts = [
    firing ? `value ${value ?? alert.valueText ?? wordNumber(alert.value)}` : undefined,
    limit === undefined ? undefined : `limit ${limit}`,
    firing
      ? `for ${wordDuration(nowMs - alert.startsAtMs)}`
      : `lasted ${wordDuration((alert.endsAtMs ?? nowMs) - alert.startsAtMs)}`,
  ].filter(fact => fact !== undefined)
  return [
    `${mark(firing)} *${firing ? 'Firing' : 'Resolved'}*: ${fitSlack(title, MAX_SENTENCE)}`,
    // The end of an alert needs no explanation of what it meant.
    firing && description !== undefined && oneLine(description) !== title
      ? fitSlack(oneLine(description), MAX_SENTENCE)
      : undefined,
    fitSlack(facts.join(' · '), MAX_LABELS),
    labels === '' ? undefined : fitSlack(labels, MAX_LABELS),
  ]
    .filter(line => line !== undefined)
    .join('\n')
}

function linksOf(notification: Notification): readonly string[] {
  const { runbook_url, dashboard_url } = notification.commonAnnotations
  const generator = notification.alerts[0]?.generatorURL
  return [
    link(notification.externalURL === '' ? undefined : notification.externalURL, 'Celeriac'),
    link(runbook_url, 'Runbook'),
    link(dashboard_url, 'Dashboard'),
    link(generator === '' ? undefined : generator, 'Alert'),
  ].filter(each => each !== undefined)
}
