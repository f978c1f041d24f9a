import { fingerprint, Labels } from '../base/index.ts'
import type { AlertNotice, Notification, NotifiedAlert, Route, Told } from './contract.ts'

/** One alert inside a group. */
export interface Member {
  readonly fingerprint: string
  readonly notice: AlertNotice
}

/** A notification on its way: what is to be written into the log once it has arrived. */
export interface InFlight {
  readonly sinceMs: number
  readonly firing: readonly string[]
  readonly resolved: readonly string[]
  /** A flush fell due meanwhile and waits for the end of this one. */
  owed: boolean
}

/** Alerts of one route that share the values of its `groupBy` labels. */
export interface Group {
  readonly key: string
  readonly route: Route
  readonly labels: Labels
  /** By fingerprint. */
  readonly members: Map<string, Member>
  /** By channel, see `channelKey`. */
  readonly inFlight: Map<string, InFlight>
  nextFlushMs: number
  flushed: boolean
}

export const channelKey = (told: Pick<Told, 'receiver' | 'integration'>): string =>
  JSON.stringify([told.receiver, told.integration])

/** The labels that name a group: those of `groupBy` that the alert has (Alertmanager `dispatch.getGroupLabels`). */
export function groupLabels(route: Route, labels: Labels): Labels {
  return route.groupBy.includes('...') ? labels : labels.only(new Set(route.groupBy))
}

/** As Alertmanager writes it: `{}:{alertname="CeleryNoWorkers", broker="default"}`. */
export const groupKey = (route: Route, labels: Labels): string => `${route.key}:${labels.toString()}`

export const member = (notice: AlertNotice): Member => ({ notice, fingerprint: fingerprint(notice.labels) })

export const isResolved = (notice: AlertNotice, atMs: number): boolean =>
  notice.resolvedAtMs !== undefined && notice.resolvedAtMs <= atMs

/** Puts together what a channel is told. `members` are those to tell, at least one. */
export function compose(
  group: Group,
  told: Told,
  members: readonly Member[],
  options: { readonly atMs: number; readonly externalURL: string; readonly reason: string },
): Notification {
  const alerts = members
    .map((each): NotifiedAlert => {
      const resolved = isResolved(each.notice, options.atMs)
      return {
        status: resolved ? 'resolved' : 'firing',
        labels: each.notice.labels,
        annotations: each.notice.annotations,
        startsAtMs: each.notice.startsAtMs,
        endsAtMs: resolved ? each.notice.resolvedAtMs : undefined,
        generatorURL: each.notice.generatorURL,
        fingerprint: each.fingerprint,
        value: each.notice.value,
        valueText: each.notice.valueText,
      }
    })
    .sort(firingFirst)
  return {
    ...told,
    status: alerts.some(alert => alert.status === 'firing') ? 'firing' : 'resolved',
    groupLabels: group.labels,
    commonLabels: Labels.fromEntries(common(alerts.map(alert => [...alert.labels]))),
    commonAnnotations: Object.fromEntries(common(alerts.map(alert => Object.entries(alert.annotations)))),
    alerts,
    externalURL: options.externalURL,
    truncatedAlerts: 0,
    reason: options.reason,
  }
}

/** What still fires comes first, then the oldest. */
function firingFirst(a: NotifiedAlert, b: NotifiedAlert): number {
  if (a.status !== b.status) return a.status === 'firing' ? -1 : 1
  return a.startsAtMs - b.startsAtMs || Labels.compare(a.labels, b.labels)
}

/** Pairs that all sets have. */
function common(
  sets: readonly (readonly (readonly [string, string])[])[],
): readonly (readonly [string, string])[] {
  const [first = [], ...rest] = sets
  const others = rest.map(set => new Map(set))
  return first.filter(([name, value]) => others.every(other => other.get(name) === value))
}
