import { wordNumber } from '../base/index.ts'
import type { Overview } from '../contract/index.ts'
import type { FleetChange } from '../fleet/index.ts'
import type { ActiveAlert } from '../rules/index.ts'
import type { BrokerStatus } from './input.ts'

export type ChangeRow = Overview['changes'][number]

/** What happened lately, for people; newest first, bounded. */
export interface ChangeLog {
  /** Takes a fleet's changes; only workers' are told. */
  fleet(broker: string, changes: readonly FleetChange[]): void
  /** Takes the alerts of one evaluation of a group, named so that no other is: firing ones, and those lately resolved. */
  alerts(groupId: string, alerts: readonly ActiveAlert[]): void
  /** Takes every state of a connection. */
  broker(name: string, state: BrokerStatus['state']): void
  rows(): readonly ChangeRow[]
}

/** Workers that change alike within this time become one row. */
const TOGETHER_MS = 10_000
const NAMES_SHOWN = 3

interface Entry {
  atMs: number
  readonly kind: ChangeRow['kind']
  readonly broker: string
  readonly names: string[]
  count: number
  readonly text: (entry: Entry) => string
}

export function createChangeLog(limit = 200): ChangeLog {
  const entries: Entry[] = []
  /** By group, what fires, by the key of its labels. */
  const firing = new Map<string, Set<string>>()
  const connections = new Map<string, { connected: boolean; lostAtMs: number | undefined }>()

  function add(entry: Omit<Entry, 'count'>): void {
    entries.unshift({ ...entry, count: entry.names.length })
    if (entries.length > limit) entries.length = limit
  }

  function addWorker(broker: string, change: FleetChange & { kind: 'worker' }): void {
    const how = workerChange(change)
    if (how === undefined) return
    const same = entries.find(
      entry =>
        entry.kind === how.kind &&
        entry.broker === broker &&
        Math.abs(entry.atMs - change.atMs) <= TOGETHER_MS &&
        entry.text === how.text,
    )
    if (same === undefined) {
      add({ atMs: change.atMs, kind: how.kind, broker, names: [change.worker], text: how.text })
      return
    }
    if (same.names.includes(change.worker)) return
    same.count++
    if (same.names.length < NAMES_SHOWN) same.names.push(change.worker)
  }

  return {
    fleet(broker, changes) {
      for (const change of changes) if (change.kind === 'worker') addWorker(broker, change)
    },

    alerts(groupId, alerts) {
      const before = firing.get(groupId) ?? new Set<string>()
      const now = new Set<string>()
      for (const alert of alerts) {
        const { key } = alert.labels
        const name = alert.labels.get('alertname')
        const summary = alert.annotations['summary'] ?? alert.labels.toString()
        if (alert.state === 'firing') {
          now.add(key)
          if (!before.has(key))
            add({
              atMs: alert.firedAtMs ?? alert.activeAtMs,
              kind: 'firing',
              broker: alert.labels.get('broker'),
              names: [name],
              text: () => summary,
            })
        } else if (alert.resolvedAtMs !== undefined && before.has(key)) {
          add({
            atMs: alert.resolvedAtMs,
            kind: 'resolved',
            broker: alert.labels.get('broker'),
            names: [name],
            text: () => summary,
          })
        }
      }
      if (now.size > 0) firing.set(groupId, now)
      else firing.delete(groupId)
    },

    broker(name, { state, sinceMs, error }) {
      const before = connections.get(name)
      if (state === 'connected') {
        if (before?.lostAtMs !== undefined)
          add({
            atMs: sinceMs,
            kind: 'broker-back',
            broker: name,
            names: [name],
            text: () => `Broker ${name} is connected again`,
          })
        connections.set(name, { connected: true, lostAtMs: undefined })
      } else if (state === 'connecting' && before?.connected === true) {
        const why = error === undefined ? '' : `: ${error.message}`
        add({
          atMs: sinceMs,
          kind: 'broker-lost',
          broker: name,
          names: [name],
          text: () => `The connection to broker ${name} is lost${why}`,
        })
        connections.set(name, { connected: false, lostAtMs: sinceMs })
      }
    },

    rows: () =>
      entries.map(entry => ({
        atMs: entry.atMs,
        kind: entry.kind,
        subject:
          entry.names.join(', ') +
          (entry.count > entry.names.length
            ? ` and ${wordNumber(entry.count - entry.names.length)} more`
            : ''),
        text: entry.text(entry),
      })),
  }
}

const workers = ({ count }: Entry): string => (count === 1 ? '1 worker' : `${wordNumber(count)} workers`)

const vanished = (entry: Entry): string =>
  `${workers(entry)} of ${entry.broker} fell silent without a goodbye`
const stopped = (entry: Entry): string => `${workers(entry)} of ${entry.broker} stopped`
const found = (entry: Entry): string => `${workers(entry)} of ${entry.broker} found`
const back = (entry: Entry): string => `${workers(entry)} of ${entry.broker} came back`

function workerChange({
  from,
  to,
}: FleetChange & { kind: 'worker' }): Pick<Entry, 'kind' | 'text'> | undefined {
  if (to === 'vanished') return { kind: 'worker-lost', text: vanished }
  if (to === 'stopped') return { kind: 'worker-stopped', text: stopped }
  if (to === 'up' && from === undefined) return { kind: 'worker-found', text: found }
  if (to === 'up' && (from === 'vanished' || from === 'stopped')) return { kind: 'worker-found', text: back }
  return undefined
}
