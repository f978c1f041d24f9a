/**
 * Who is told what, once, for every form in which Alertmanager takes it: routes by severity, inhibition from the catalog, and
 * the watchdog. Critical alerts reach PagerDuty and Slack: a parent's receiver is used only where no child matches, so Slack is
 * a child of its own (guide-flaw 57).
 */
import { MINUTE } from '../../base/index.ts'
import { type AlertName, inhibitions, type LabelName, type Severity } from '../../catalog/index.ts'
import { WATCHDOG } from '../prometheus/meta.ts'
import type { EmitSettings } from '../settings.ts'

/** `name="value"` or `name=~"value"`. */
export interface AlertMatcher {
  readonly name: string
  readonly type: '=' | '=~'
  readonly value: string
}

export interface AlertRoute {
  readonly matchers: readonly AlertMatcher[]
  readonly receiver: ReceiverName
  /** Whether later siblings are asked as well. */
  readonly continue?: true
  readonly groupWaitMs?: number
  readonly groupIntervalMs?: number
  readonly repeatIntervalMs?: number
}

export type ReceiverName = 'pagerduty' | 'slack' | 'watchdog'

/** Names of the files, or keys of the Secret, that hold what must not stand in a configuration (guide-flaw 63). */
export const SECRET_KEYS = { slack: 'slack-webhook-url', pagerduty: 'pagerduty-routing-key' } as const

/** Labels that every alert of the catalog has: to group by one that none has is to group by name alone (guide-flaw 59). */
export const GROUP_BY: readonly string[] = ['alertname', 'broker']

/** Children of the root route, whose receiver is Slack, in their order. */
export const routes: readonly AlertRoute[] = [
  {
    matchers: [{ name: 'alertname', type: '=', value: WATCHDOG }],
    receiver: 'watchdog',
    groupWaitMs: 0,
    groupIntervalMs: MINUTE,
    repeatIntervalMs: MINUTE,
  },
  { matchers: [{ name: 'severity', type: '=', value: 'critical' }], receiver: 'pagerduty', continue: true },
  { matchers: [{ name: 'severity', type: '=', value: 'critical' }], receiver: 'slack' },
]

/** The root: whatever no child takes. */
export const ROOT_RECEIVER: ReceiverName = 'slack'

/** The receivers that an alert with these labels reaches, in the order of the routes. */
export function receiversOf(labels: Readonly<Record<string, string>>): readonly ReceiverName[] {
  const reached: ReceiverName[] = []
  for (const route of routes) {
    if (!route.matchers.every(({ name, value }) => labels[name] === value)) continue
    reached.push(route.receiver)
    if (route.continue === undefined) return reached
  }
  return reached.length === 0 ? [ROOT_RECEIVER] : reached
}

export interface InhibitRule {
  readonly source: readonly AlertMatcher[]
  readonly targets: readonly AlertName[]
  readonly equal: readonly LabelName[]
  readonly why: string
}

const RANK: Readonly<Record<Severity, number>> = { info: 0, warning: 1, critical: 2 }

/** The catalog's inhibitions among alerts that are on. Nothing hushes what is more severe than itself, for any queue or task. */
export function inhibitRules({ alerts }: Pick<EmitSettings, 'alerts'>): readonly InhibitRule[] {
  const ranks = new Map(
    alerts
      .filter(({ enabled }) => enabled)
      .map(configured => [
        configured.alert.name,
        [configured, ...Object.values(configured.queues), ...Object.values(configured.tasks)].flatMap(
          numbers => (numbers === null ? [] : [RANK[numbers.severity]]),
        ),
      ]),
  )
  return inhibitions.flatMap(({ source, where, targets, equal, why }) => {
    const of = ranks.get(source)
    if (of === undefined) return []
    const least = Math.min(...of)
    const hushed = targets.filter(name => Math.max(...(ranks.get(name) ?? [Infinity])) <= least)
    if (hushed.length === 0) return []
    const matchers = Object.entries({ alertname: source, ...where }).flatMap(
      ([name, value]): AlertMatcher[] => (value === undefined ? [] : [{ name, type: '=', value }]),
    )
    return [{ source: matchers, targets: hushed, equal, why }]
  })
}
