import { MINUTE } from '../base/index.ts'
import type { ServerState, SourceName, SourceView } from './contract.ts'
import type { FleetSettings } from './options.ts'
import { isPresent, type WorkerRecord } from './worker-record.ts'

/** What the state of the sources is judged by. */
export interface SourceFacts {
  readonly connected: boolean
  readonly connectedAtMs: number
  /** Last event, last round of questions that somebody answered, last reading of the broker; NaN before the first. */
  readonly lastMs: Readonly<Record<SourceName, number>>
  readonly workers: Iterable<WorkerRecord>
  /** The number of workers told; 0 is a proven 0. */
  readonly workerCount: number | null
  readonly seen: { readonly sent: number; readonly runs: number }
  readonly server: ServerState | null
}

/** Heartbeats come every 2 s, so ten seconds without any event is an interval missed. */
const EVENT_INTERVAL_MS = 10_000

/** How the three sources stand, and for people: what is missing, and which setting brings it. */
export function sourceViews(
  facts: SourceFacts,
  settings: FleetSettings,
  nowMs: number,
): readonly SourceView[] {
  const workers = [...facts.workers].filter(isPresent)
  const intervals = {
    events: EVENT_INTERVAL_MS,
    inspect: settings.inspectIntervalMs,
    broker: settings.collectIntervalMs,
  }
  const details = {
    events: eventsDetail(facts, workers),
    inspect: inspectDetail(workers, settings, nowMs),
    broker: brokerDetail(facts.server),
  }
  return (['events', 'inspect', 'broker'] as const).map(source => {
    const lastMs = facts.lastMs[source]
    const lastSuccessMs = Number.isNaN(lastMs) ? null : lastMs
    const give = (state: SourceView['state'], detail: string | null): SourceView => ({
      source,
      state,
      lastSuccessMs,
      detail,
    })
    if (!facts.connected)
      return lastSuccessMs === null && Number.isNaN(facts.connectedAtMs)
        ? give('waiting', 'not connected to the broker yet')
        : give('blind', 'the connection to the broker is lost')
    const sinceMs = Math.max(lastSuccessMs ?? facts.connectedAtMs, facts.connectedAtMs)
    const detail = details[source]
    if (nowMs - sinceMs <= 3 * intervals[source])
      return lastSuccessMs !== null && lastSuccessMs >= facts.connectedAtMs
        ? give('ok', detail)
        : give('waiting', detail)
    // Nobody there to speak or to answer is no fault of the source.
    if (source !== 'broker' && facts.workerCount === 0)
      return give(
        'ok',
        source === 'events' ? 'no worker is up, so none sends events' : 'no worker is up to answer',
      )
    return give('stale', detail ?? silence(source, workers.length))
  })
}

function silence(source: SourceName, workers: number): string {
  if (source === 'broker') return 'the broker is connected but could not be read'
  const who = workers === 0 ? 'no worker' : `none of ${workers} workers`
  return source === 'events'
    ? `${who} sends events: workers started with --without-heartbeat and without -E send none; also check that the database number and key prefix are those of the fleet`
    : `${who} answers remote control: check that worker_enable_remote_control is on and accept_content contains json`
}

function eventsDetail({ seen }: SourceFacts, workers: readonly WorkerRecord[]): string | null {
  const mute = workers.filter(worker => worker.life.silentRises >= 2).length
  if (mute > 0) {
    const verb = mute === 1 ? 'sends' : 'send'
    return `${mute} of ${workers.length} workers ${verb} no task events: start them with -E or set worker_send_task_events=True`
  }
  return seen.runs > 0 && seen.sent === 0
    ? 'no task-sent events, so neither wait times nor queues of tasks are known: set task_send_sent_event=True in the sender'
    : null
}

function inspectDetail(
  workers: readonly WorkerRecord[],
  settings: FleetSettings,
  nowMs: number,
): string | null {
  const patienceMs = Math.max(3 * settings.inspectIntervalMs, MINUTE)
  const deaf = workers.filter(worker => {
    const lastMs = Math.max(worker.answeredAtMs, worker.sinceMs)
    return nowMs - lastMs > patienceMs
  })
  if (deaf.length === 0 || deaf.length === workers.length) return null
  return `${deaf.length} of ${workers.length} workers do not answer remote control: ${deaf
    .slice(0, 3)
    .map(worker => worker.name)
    .join(', ')}${deaf.length > 3 ? ', …' : ''}`
}

function brokerDetail(server: ServerState | null): string | null {
  const policy = server?.maxmemoryPolicy
  if (policy === undefined || policy === null || policy === 'noeviction') return null
  return (server?.memoryMaxBytes ?? 0) > 0
    ? `maxmemory-policy is ${policy}: Redis may drop queues when memory is full; set it to noeviction`
    : null
}
