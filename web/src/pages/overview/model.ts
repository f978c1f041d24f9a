import { alertKey, type Overview } from '../../../../src/contract/index.ts'
import { formatAge, formatCount, formatValue, plural } from '../../format.ts'
import type { QueueSort } from '../../links.ts'
import type { Freshness } from '../../live/freshness.ts'
import type { Mark, Status } from '../../status.ts'

/** What the Overview shows, decided without a browser. null is "not known" and never becomes 0 on the way. */

export type Tile = Overview['tiles'][number]
export type QueueRow = Overview['queues'][number]
export type WorkerCell = Overview['workers'][number]
export type AlertRow = Overview['alerts'][number]
export type ChangeRow = Overview['changes'][number]
export type Chart = Overview['charts'][number]

/** The status of an alert: firing by its severity, or pending. Severities other than critical and info warn. */
export function alertStatus(alert: Pick<AlertRow, 'state' | 'severity'>): Status {
  if (alert.state === 'pending') return 'pending'
  if (alert.severity === 'critical' || alert.severity === 'page') return 'critical'
  return alert.severity === 'info' ? 'info' : 'warning'
}

const SEVERITY: readonly Status[] = ['critical', 'warning', 'pending', 'info', 'unknown', 'stopped', 'ok']
const rank = (status: Status): number => SEVERITY.indexOf(status)

const urgency = ({ state, severity }: AlertRow): number =>
  (state === 'firing' ? 0 : 10) + rank(alertStatus({ state: 'firing', severity }))

/** Worst first, as the server ranks them: what fires before what waits, by severity, the one that is active longest, by name. */
export const sortAlerts = (alerts: readonly AlertRow[]): AlertRow[] =>
  [...alerts].sort(
    (a, b) =>
      urgency(a) - urgency(b) ||
      a.activeAtMs - b.activeAtMs ||
      (alertKey(a.name, a.labels) < alertKey(b.name, b.labels) ? -1 : 1),
  )

/** The alert that the verdict speaks of: the worst that fires and can be seen; without one, the worst. */
export function toldAlert(alerts: readonly AlertRow[]): AlertRow | undefined {
  const sorted = sortAlerts(alerts)
  return sorted.find(alert => alert.state === 'firing' && alert.heldSinceMs === null) ?? sorted[0]
}

/** How many alerts fire and how many wait; the server counts those it does not send. */
export function countAlerts(overview: Pick<Overview, 'alerts' | 'alertsTotal'> | undefined): {
  readonly firing: number
  readonly pending: number
} {
  if (overview?.alertsTotal !== undefined) return overview.alertsTotal
  const alerts = overview?.alerts ?? []
  const firing = alerts.filter(alert => alert.state === 'firing').length
  return { firing, pending: alerts.length - firing }
}

/** The title of the tab; what is wrong stands first, since tabs cut the end. */
export function pageTitle(overview: Overview | undefined, page: string): string {
  const { firing, pending } = countAlerts(overview)
  const state = firing > 0 ? `(${firing} firing) ` : pending > 0 ? `(${pending} pending) ` : ''
  return `${state}${page} - Celeriac`
}

/** Which favicon stands for the whole: its shape differs, not only its colour. */
export function favicon(
  overview: Overview | undefined,
  fresh: Freshness,
): 'firing' | 'warning' | 'pending' | 'ok' | 'unknown' {
  if (overview === undefined || fresh === 'gone' || fresh === 'never') return 'unknown'
  const worst = sortAlerts(overview.alerts)[0]
  if (worst !== undefined) {
    const status = alertStatus(worst)
    return status === 'critical' ? 'firing' : status === 'pending' ? 'pending' : 'warning'
  }
  const { level } = overview.verdict
  return level === 'critical' ? 'firing' : level
}

/** What a tile says about its number: a pill, or the limit in quiet words, or nothing. */
export function tileMark(
  tile: Tile,
  alerts: readonly AlertRow[],
): { mark: Mark | null; quiet: string | null } {
  const limit = tile.limit === null ? null : formatValue(tile.limit.value, tile.unit)
  const word = tile.limit?.bad === 'under' ? 'under' : 'over'
  switch (tile.state) {
    case 'over': {
      const named = sortAlerts(alerts).find(alert => alert.name === tile.limit?.alert)
      // The number is past its limit already, whether or not its alert still waits for its `for`.
      const status = named === undefined || named.state === 'pending' ? 'warning' : alertStatus(named)
      return { mark: { status, word: limit === null ? 'past its limit' : `${word} ${limit}` }, quiet: null }
    }
    case 'near':
      return {
        mark: { status: 'pending', word: limit === null ? 'near its limit' : `near ${limit}` },
        quiet: null,
      }
    case 'unknown':
      return { mark: { status: 'unknown', word: 'not known' }, quiet: null }
    case 'stale':
      return { mark: { status: 'unknown', word: 'stale' }, quiet: null }
    case 'ok':
      return { mark: null, quiet: limit === null ? 'no limit set' : `limit ${limit}` }
  }
}

/** The state of a queue. A queue with work and nobody to do it warns, whatever its rules say. */
export function queueMark(row: QueueRow): Mark {
  if (row.state === 'firing') return { status: 'critical', word: 'Firing' }
  if (row.state === 'pending') return { status: 'pending', word: 'Pending' }
  if (row.state === 'unknown') return { status: 'unknown', word: 'No data' }
  if (row.consumers === 0 && (row.depth ?? 0) > 0) return { status: 'warning', word: 'No consumer' }
  return { status: 'ok', word: 'OK' }
}

/** When a queue will be empty, or why that cannot be said. */
export function drainsIn(row: QueueRow): string {
  if (row.trend === 'draining') return formatValue(row.drainsInSeconds, 'seconds')
  return row.trend === 'unknown' ? '–' : row.trend
}

const queueValue: Readonly<
  Record<Exclude<QueueSort['column'], 'worst'>, (row: QueueRow) => number | string | null>
> = {
  queue: row => row.queue,
  waiting: row => row.depth,
  oldest: row => row.oldestSeconds,
  in: row => row.inPerSecond,
  out: row => row.outPerSecond,
  // Growing is worse than any finite time; empty and steady have nothing to wait for.
  drains: row =>
    row.trend === 'growing' ? Number.MAX_VALUE : row.trend === 'draining' ? row.drainsInSeconds : null,
  consumers: row => row.consumers,
}

/** Queues in the order asked for; unknown values stand last either way. Worst: state, then the oldest message, then depth. */
export function sortQueues(rows: readonly QueueRow[], sort: QueueSort): QueueRow[] {
  const name = (a: QueueRow, b: QueueRow): number =>
    a.queue < b.queue ? -1 : a.queue > b.queue ? 1 : a.broker < b.broker ? -1 : 1
  const worse = (a: number | null, b: number | null): number => (b ?? -1) - (a ?? -1)
  if (sort.column === 'worst')
    return [...rows].sort(
      (a, b) =>
        rank(queueMark(a).status) - rank(queueMark(b).status) ||
        worse(a.oldestSeconds, b.oldestSeconds) ||
        worse(a.depth, b.depth) ||
        name(a, b),
    )
  const value = queueValue[sort.column]
  const sign = sort.descending ? -1 : 1
  return [...rows].sort((a, b) => {
    const [x, y] = [value(a), value(b)]
    if (x === null || y === null) return x === y ? name(a, b) : x === null ? 1 : -1
    return (x < y ? -sign : x > y ? sign : 0) || name(a, b)
  })
}

/** The state of a worker in one word. */
export function workerMark(cell: WorkerCell): Mark {
  switch (cell.state) {
    case 'up':
      return { status: 'ok', word: 'up' }
    case 'suspect':
      return { status: 'warning', word: 'suspect' }
    case 'vanished':
      return { status: 'critical', word: 'lost' }
    case 'stopped':
      return { status: 'stopped', word: 'stopped' }
  }
}

const natural = new Intl.Collator('en', { numeric: true })

/** By name as people count (w2 before w10); when there are more than `most`, those in trouble come first. */
export function sortWorkers(cells: readonly WorkerCell[], most: number): WorkerCell[] {
  const byName = [...cells].sort(
    (a, b) => natural.compare(a.worker, b.worker) || natural.compare(a.broker, b.broker),
  )
  if (byName.length <= most) return byName
  return byName.sort((a, b) => rank(workerMark(a).status) - rank(workerMark(b).status))
}

/**
 * The shortest names that still tell workers apart: the part before the @ when those differ, the host when all parts before it are
 * the same (Celery's default is `celery@host`), otherwise the whole name.
 */
export function shortNames(names: readonly string[]): Map<string, string> {
  const unique = [...new Set(names)]
  const split = unique.map(name => {
    const at = name.indexOf('@')
    return at < 0 ? { node: name, host: name } : { node: name.slice(0, at), host: name.slice(at + 1) }
  })
  const differ = (parts: readonly string[]): boolean => new Set(parts).size === parts.length
  const nodes = split.map(part => part.node)
  const hosts = withoutDomain(split.map(part => part.host))
  const sameNode = new Set(nodes).size === 1 && unique.length > 1
  const short =
    differ(nodes) && !sameNode && !nodes.includes('celery')
      ? nodes
      : differ(hosts) && !hosts.includes('')
        ? hosts
        : unique
  return new Map(unique.map((name, i) => [name, short[i] ?? name]))
}

/** Host names without the domain that all of them share. */
function withoutDomain(hosts: readonly string[]): string[] {
  const first = hosts[0] ?? ''
  const dots = first.split('').flatMap((character, i) => (character === '.' && i > 0 ? [i] : []))
  const from = dots.find(i =>
    hosts.every(host => host.length > first.length - i && host.endsWith(first.slice(i))),
  )
  return from === undefined
    ? [...hosts]
    : hosts.map(host => host.slice(0, host.length - (first.length - from)))
}

/** What a change was, in a pill. */
export function changeMark(change: ChangeRow): Mark {
  switch (change.kind) {
    case 'firing':
      return { status: 'critical', word: 'Firing' }
    case 'resolved':
      return { status: 'ok', word: 'Resolved' }
    case 'worker-lost':
      return { status: 'critical', word: 'Worker lost' }
    case 'worker-found':
      return { status: 'ok', word: 'Worker found' }
    case 'worker-stopped':
      return { status: 'stopped', word: 'Worker stopped' }
    case 'broker-lost':
      return { status: 'critical', word: 'Broker lost' }
    case 'broker-back':
      return { status: 'ok', word: 'Broker back' }
  }
}

/** A list that is being read: known rows stay where they are (gone ones with their last values), new ones wait to be let in. */
export function holdRows<Row>(
  held: readonly Row[],
  current: readonly Row[],
  key: (row: Row) => string,
): { readonly rows: readonly Row[]; readonly waiting: number } {
  const now = new Map(current.map(row => [key(row), row]))
  const known = new Set(held.map(key))
  return {
    rows: held.map(row => now.get(key(row)) ?? row),
    waiting: current.filter(row => !known.has(key(row))).length,
  }
}

/** One thing that must be true before Celeriac can show a fleet. */
export interface Check {
  readonly met: boolean
  readonly title: string
  readonly detail: string
  /** A command that makes it true. */
  readonly command: string | null
}

/** The first run: what is there and what is missing, with the command that brings it. Empty once a fleet is seen. */
export function firstChecks(overview: Overview): Check[] {
  if (overview.queuesTotal > 0 && overview.workersTotal > 0) return []
  const brokers = overview.brokers
  const connected = brokers.filter(broker => broker.state === 'connected')
  const failed = brokers.find(broker => broker.error !== null)
  const events = overview.sources.filter(source => source.source === 'events')
  const heard = events.some(source => source.lastSuccessMs !== null)
  const quietReason = events.find(source => source.detail !== null)?.detail
  const reached = brokers.length > 0 && connected.length === brokers.length
  return [
    {
      met: reached,
      title: reached ? 'Broker reached' : 'Broker not reached yet',
      detail: reached
        ? connected.map(broker => `${broker.transport} at ${broker.address}`).join(', ')
        : (failed?.error ?? 'connecting'),
      command: null,
    },
    {
      met: overview.queuesTotal > 0,
      title:
        overview.queuesTotal > 0 ? `${plural(overview.queuesTotal, 'queue')} found` : 'No queue seen yet',
      detail:
        overview.queuesTotal > 0
          ? overview.queues
              .slice(0, 4)
              .map(row => row.queue)
              .join(', ')
          : 'A queue appears with its first message or its first consumer.',
      command: null,
    },
    {
      met: overview.workersTotal > 0,
      title:
        overview.workersTotal > 0
          ? `${plural(overview.workersTotal, 'worker')} seen`
          : 'No worker has answered yet',
      detail:
        overview.workersTotal > 0
          ? 'They answer inspection or send events.'
          : 'A worker appears within a few seconds of its start.',
      command: overview.workersTotal > 0 ? null : 'celery -A proj worker -E',
    },
    {
      met: heard,
      title: heard ? 'Task events arrive' : 'No task events yet',
      detail: heard
        ? 'Rates, run times and failures come from them.'
        : (quietReason ?? 'Rates, run times and failures need them. Turn them on now, no restart:'),
      command: heard ? null : 'celery -A proj control enable_events',
    },
  ]
}

/** A bar over the page: a source that is blind, a broker that is away, something that is wrong or missing. */
export interface Notice {
  readonly key: string
  readonly status: Status
  readonly title: string
  readonly text: string
  /** The exact setting or command that mends it. */
  readonly fix: string | null
}

type Finding = Overview['findings'][number]

const SOURCE_WORDS = {
  events: 'Task events',
  inspect: 'Worker inspection',
  broker: 'Queue lengths',
  host: 'CPU and memory of workers',
} as const

/** Findings that say why a source is silent: its bar tells them, so that the same is not told twice. */
const SILENCE: readonly string[] = [
  'no-workers',
  'wrong-namespace',
  'no-events',
  'remote-control-off',
  'remote-control-refused',
  'queues-unreadable',
  'server-unreadable',
]

/** Everything that makes numbers on the page unknown or wrong, worst first. With several brokers each bar names its own. */
export function notices(overview: Overview, nowMs: number): Notice[] {
  const several = overview.brokers.length > 1
  const of = (broker: string): string => (several ? ` (${broker})` : '')
  const found: Notice[] = []
  const away = new Set<string>()
  for (const broker of overview.brokers) {
    if (broker.state === 'connected') continue
    away.add(broker.name)
    // The verdict says it already.
    if (overview.verdict.about === `broker ${broker.name}`) continue
    const word = broker.state === 'stopped' ? 'stopped' : 'not reached'
    found.push({
      key: `broker ${broker.name}`,
      status: 'critical',
      title: `Broker ${broker.name} ${word} for ${formatAge(nowMs - broker.sinceMs)}.`,
      text: `${broker.error === null ? '' : `${broker.error.replace(/\.?$/, '.')} `}What it would tell is not known; nothing is taken for 0 or for resolved.`,
      fix: null,
    })
  }
  // The bar of the broker says it all while that is away.
  const findings = overview.findings.filter(
    ({ level, broker }) => (level === 'wrong' || level === 'missing') && !away.has(broker),
  )
  const told = new Set<Finding>()
  for (const source of overview.sources) {
    if ((source.state !== 'blind' && source.state !== 'stale') || away.has(source.broker)) continue
    const last =
      source.lastSuccessMs === null ? 'never seen' : `last ${formatAge(nowMs - source.lastSuccessMs)} ago`
    const reason = findings.find(
      finding =>
        finding.broker === source.broker &&
        SILENCE.includes(finding.code) &&
        (finding.source ?? source.source) === source.source,
    )
    if (reason !== undefined) told.add(reason)
    found.push({
      key: `source ${source.broker} ${source.source}`,
      status: source.state === 'blind' ? 'warning' : 'unknown',
      title: `${SOURCE_WORDS[source.source]} ${source.state === 'blind' ? 'missing' : 'late'}${of(source.broker)}, ${last}.`,
      text: reason === undefined ? (source.detail ?? '') : reason.title,
      fix: reason?.fix ?? null,
    })
  }
  if (overview.rulesEvaluated.failing > 0 && overview.verdict.about !== 'rules')
    found.push({
      key: 'rules',
      status: 'warning',
      title: `${formatCount(overview.rulesEvaluated.failing)} of ${plural(overview.rulesEvaluated.rules, 'rule')} cannot be evaluated.`,
      text: 'Their alerts neither fire nor resolve. See api/v1/rules for the errors.',
      fix: null,
    })
  for (const finding of findings)
    if (!told.has(finding))
      found.push({
        key: `finding ${finding.broker} ${finding.code} ${finding.title}`,
        status: finding.level === 'wrong' ? 'warning' : 'unknown',
        title: several ? `${finding.broker}: ${finding.title}` : finding.title,
        text: finding.cost ?? '',
        fix: finding.fix,
      })
  return found
}

/** Bars shown at once: more would push the page out of sight, so the rest is behind a line that counts them. */
export const MAX_BARS = 3
