import { HOUR, MINUTE, SECOND } from '../base/index.ts'
import type { AlertNotice, Decision, LogSnapshot, Route, Told } from './contract.ts'
import { needsNotification } from './dedup.ts'
import {
  channelKey,
  compose,
  type Group,
  groupKey,
  groupLabels,
  isResolved,
  member,
  type Member,
} from './group.ts'
import { NotificationLog } from './notification-log.ts'

export interface DispatcherOptions extends Partial<Omit<Route, 'key'>> {
  /** Where people reach Celeriac, asked for each notification; '' when nobody knows. */
  readonly externalURL?: () => string
  /** Alerts held at once; further ones are refused and counted. Default 10 000. */
  readonly maxAlerts?: number
}

/** What Alertmanager does without being told otherwise, except for grouping: one message for an alert rule on one broker. */
const ROUTE_DEFAULTS = {
  groupBy: ['alertname', 'broker'],
  groupWaitMs: 30 * SECOND,
  groupIntervalMs: 5 * MINUTE,
  repeatIntervalMs: 4 * HOUR,
} as const

/** A send whose end was never reported counts as failed after this many group intervals, and not before this time: a channel that fails is left alone for up to a minute. */
const LOST_AFTER_INTERVALS = 2
const LOST_AFTER_MS = 2 * MINUTE

/**
 * Decides who is told what and when; sends nothing itself. Times are epoch ms and must not run backwards.
 *
 * Alertmanager's dispatcher (dispatch/dispatch.go) for one route: a group is first flushed `groupWait` after its first alert (at
 * once when that alert is older than the wait), then every `groupInterval`. A flush looks at members, then asks the log
 * (`needsNotification`). Inhibition, silences and mute times belong between the two: before de-duplication, as upstream.
 */
export interface Dispatcher {
  /** Takes alerts that fire, and those lately resolved, again and again; the same alert given twice changes nothing. */
  receive(notices: readonly AlertNotice[], atMs: number): void
  /** What is to be done now. Every `notify` must be answered by one call of `delivered`. */
  due(atMs: number): readonly Decision[]
  /** A notification arrived, or was given up. What was given up is decided anew at the next group interval. */
  delivered(told: Told, ok: boolean, atMs: number): void
  /** When `due` will next have something to decide; undefined while no alert is held. */
  nextDueMs(): number | undefined
  /** The notification log, to be kept over a restart. */
  snapshot(): LogSnapshot
  /** Takes a log over; throws FILE_UNREADABLE when it is not understood. */
  restore(data: unknown): void
  readonly stats: { readonly groups: number; readonly alerts: number; readonly refused: number }
}

export function createDispatcher(options: DispatcherOptions = {}): Dispatcher {
  const route: Route = {
    key: '{}',
    groupBy: options.groupBy ?? ROUTE_DEFAULTS.groupBy,
    groupWaitMs: options.groupWaitMs ?? ROUTE_DEFAULTS.groupWaitMs,
    groupIntervalMs: options.groupIntervalMs ?? ROUTE_DEFAULTS.groupIntervalMs,
    repeatIntervalMs: options.repeatIntervalMs ?? ROUTE_DEFAULTS.repeatIntervalMs,
    receivers: options.receivers ?? [],
  }
  const externalURL = options.externalURL ?? (() => '')
  const maxAlerts = options.maxAlerts ?? 10_000
  const log = new NotificationLog()
  const groups = new Map<string, Group>()
  let alerts = 0
  let refused = 0

  const channelsOf = (group: Group): { told: Told; sendResolved: boolean }[] =>
    group.route.receivers.flatMap(receiver =>
      (receiver.integrations ?? ['']).map(integration => ({
        told: { groupKey: group.key, receiver: receiver.name, integration },
        sendResolved: receiver.sendResolved ?? true,
      })),
    )

  function take(notice: AlertNotice, atMs: number): void {
    const labels = groupLabels(route, notice.labels)
    const key = groupKey(route, labels)
    const incoming = member(notice)
    let group = groups.get(key)
    const known = group?.members.get(incoming.fingerprint)
    // Rules resend a resolved alert for 15 minutes: only who was told that it fired must still hear of it.
    if (known === undefined && isResolved(notice, atMs) && !log.hasTold(key, incoming.fingerprint)) return
    if (known !== undefined && known.notice.startsAtMs > notice.startsAtMs) return
    if (known === undefined && alerts >= maxAlerts) {
      refused++
      return
    }
    if (group === undefined) {
      group = {
        key,
        route,
        labels,
        members: new Map(),
        inFlight: new Map(),
        nextFlushMs: atMs + route.groupWaitMs,
        flushed: false,
      }
      groups.set(key, group)
    }
    if (known === undefined) alerts++
    group.members.set(incoming.fingerprint, incoming)
    if (!group.flushed && notice.startsAtMs + route.groupWaitMs < atMs) group.nextFlushMs = atMs
  }

  function decide(group: Group, told: Told, sendResolved: boolean, atMs: number): Decision {
    const skip = (reason: (Decision & { kind: 'skip' })['reason']): Decision => ({
      kind: 'skip',
      atMs,
      ...told,
      reason,
    })
    const channel = channelKey(told)
    const sending = group.inFlight.get(channel)
    if (sending !== undefined) {
      if (
        atMs - sending.sinceMs <
        Math.max(LOST_AFTER_INTERVALS * group.route.groupIntervalMs, LOST_AFTER_MS)
      ) {
        sending.owed = true
        return skip('still sending')
      }
      group.inFlight.delete(channel)
    }
    const firing: Member[] = []
    const resolved: Member[] = []
    for (const each of group.members.values()) (isResolved(each.notice, atMs) ? resolved : firing).push(each)
    const entry = log.get(told)
    const verdict = needsNotification(
      entry,
      {
        firing: firing.map(each => each.fingerprint),
        resolved: resolved.map(each => each.fingerprint),
      },
      { sendResolved, repeatIntervalMs: group.route.repeatIntervalMs, atMs },
    )
    const firingNow = firing.map(each => each.fingerprint).sort()
    if (!verdict.tell) {
      if (verdict.reason === 'resolved not wanted')
        log.set({ ...told, firing: firingNow, resolved: entry?.resolved ?? [], atMs: entry?.atMs ?? atMs })
      return skip(verdict.reason)
    }
    const over = new Set(verdict.resolved)
    group.inFlight.set(channel, {
      sinceMs: atMs,
      firing: firingNow,
      resolved: [...over].sort(),
      owed: false,
    })
    const members = [...firing, ...resolved.filter(each => over.has(each.fingerprint))]
    return {
      kind: 'notify',
      atMs,
      notification: compose(group, told, members, {
        atMs,
        externalURL: externalURL(),
        reason: verdict.reason,
      }),
    }
  }

  function flush(group: Group, atMs: number): Decision[] {
    group.flushed = true
    const onGrid = group.nextFlushMs + group.route.groupIntervalMs
    group.nextFlushMs = onGrid > atMs ? onGrid : atMs + group.route.groupIntervalMs
    const channels = channelsOf(group)
    const decisions: Decision[] =
      channels.length === 0
        ? [{ kind: 'skip', atMs, groupKey: group.key, receiver: '', integration: '', reason: 'no receiver' }]
        : channels.map(({ told, sendResolved }) => decide(group, told, sendResolved, atMs))
    sweep(group, atMs)
    return decisions
  }

  /** Drops members that are over and that nobody has to hear of any more; a group without members dies. */
  function sweep(group: Group, atMs: number): void {
    if (group.inFlight.size > 0) return
    const channels = channelsOf(group)
    for (const each of group.members.values()) {
      if (!isResolved(each.notice, atMs)) continue
      if (channels.some(({ told }) => log.get(told)?.firing.includes(each.fingerprint) === true)) continue
      group.members.delete(each.fingerprint)
      alerts--
    }
    if (group.members.size === 0) groups.delete(group.key)
  }

  return {
    receive(notices, atMs) {
      for (const notice of notices) take(notice, atMs)
    },

    due(atMs) {
      log.purge(atMs, route.repeatIntervalMs, key => groups.has(key))
      return [...groups.values()]
        .filter(group => group.nextFlushMs <= atMs)
        .flatMap(group => flush(group, atMs))
    },

    delivered(told, ok, atMs) {
      const group = groups.get(told.groupKey)
      const channel = channelKey(told)
      const sent = group?.inFlight.get(channel)
      if (group === undefined || sent === undefined) return
      group.inFlight.delete(channel)
      if (ok)
        log.set({
          groupKey: told.groupKey,
          receiver: told.receiver,
          integration: told.integration,
          firing: sent.firing,
          resolved: sent.resolved,
          atMs,
        })
      if (sent.owed) group.nextFlushMs = Math.min(group.nextFlushMs, atMs)
      sweep(group, atMs)
    },

    nextDueMs() {
      let next: number | undefined
      for (const group of groups.values())
        if (next === undefined || group.nextFlushMs < next) next = group.nextFlushMs
      return next
    },

    snapshot: () => log.snapshot(),
    restore: data => log.restore(data),

    get stats() {
      return { groups: groups.size, alerts, refused }
    },
  }
}
