import { wordDuration, wordNumber } from '../base/index.ts'
import type { WorkerView } from '../fleet/index.ts'
import { counted, type Found, listed, PATIENCE_MS, type Rule, type Scene, share } from './facts.ts'

const ENABLE_EVENTS = 'celery -A yourapp control enable_events'

/** True when a worker answers and never beat although it had the time to. */
export const isWithoutHeartbeat = (worker: WorkerView): boolean => worker.heartbeats === false

const heardNothing = ({ fleet, nowMs, seen }: Scene): boolean => {
  const events = fleet.sources(nowMs).find(({ source }) => source === 'events')
  return !((events?.lastSuccessMs ?? Number.NaN) >= seen.connectedAtMs)
}

/** What events do not tell, and which setting would make them. */
export const eventRules: Rule = scene => {
  const { present, connectedMs } = scene
  if (present.length === 0 || connectedMs < PATIENCE_MS) return accidents(scene)
  if (heardNothing(scene)) return [...noEvents(scene), ...accidents(scene)]
  return [...taskEvents(scene), ...sentEvents(scene), ...heartbeats(scene), ...accidents(scene)]
}

function noEvents({ present, connectedMs, seen }: Scene): readonly Found[] {
  // Messages that came and could not be read are told by themselves.
  if (seen.skipped.has('unsupported_content_type')) return []
  return [
    {
      code: 'no-events',
      level: 'missing',
      source: 'events',
      title: `${counted(present.length, 'worker')} answered, and no event was heard in ${wordDuration(connectedMs)}.`,
      cost: 'Rates, run times, waits, failures and retries of tasks are not known, and a lost worker is noticed only when it does not answer.',
      fix: `Start workers with -E and without --without-heartbeat; enable_events does not help a worker that sends no event at all. If they are started so, name their event_exchange: --broker-transport-option event_exchange=NAME.`,
      ...(seen.places.length > 0
        ? { evidence: `Events are heard elsewhere on this server: ${listed(seen.places)}.` }
        : {}),
    },
  ]
}

function taskEvents(scene: Scene): readonly Found[] {
  const { present, seen, connection } = scene
  const mute = muteWorkers(scene)
  if (mute.workers.length > 0) {
    const now = mute.dispatcherOff
      ? ''
      : ` At once, until they restart: ${ENABLE_EVENTS}${connection.enableEvents ? '' : ', or let Celeriac ask with --enable-events'}.`
    return [
      {
        code: 'task-events-off',
        level: 'missing',
        source: 'events',
        title: `${share(mute.workers.length, present.length)} ${mute.workers.length === 1 ? 'sends' : 'send'} no task events: ${listed(mute.workers)}.`,
        cost: 'Rates, run times, failures and retries of what they run are not known.',
        fix: `Start them with -E, or set worker_send_task_events = True.${now}`,
        evidence: mute.evidence,
      },
    ]
  }
  if (seen.taskEvents > 0) return []
  return [
    {
      code: 'task-events-unproven',
      level: 'info',
      source: 'events',
      title: 'No task ran yet, so it is not known whether workers send task events.',
      fix: 'Run a task, and look again.',
    },
  ]
}

/** Who sends no task events: by its heartbeats, which count tasks; else, when it beats not, because tasks vanish untold. */
function muteWorkers({ present, seen, nowMs }: Scene): {
  readonly workers: readonly string[]
  readonly evidence: string
  /** None of them sends anything, and so none can be told to. */
  readonly dispatcherOff: boolean
} {
  const silent = present.flatMap(({ worker }) => {
    const tasks = seen.worker(worker)?.silentTasks ?? null
    return tasks === null ? [] : [{ worker, tasks }]
  })
  const untold = seen.untoldTasks(nowMs)
  const dark =
    untold === 0
      ? []
      : present.filter(
          worker => isWithoutHeartbeat(worker) && seen.worker(worker.worker)?.sendsTaskEvents === false,
        )
  const counts = silent.reduce((sum, { tasks }) => sum + tasks, 0)
  return {
    workers: [...silent.map(({ worker }) => worker), ...dark.map(({ worker }) => worker)],
    evidence: [
      counts > 0 ? `Their heartbeats count ${counted(counts, 'task')} of which no event told.` : '',
      dark.length > 0 ? `${counted(untold, 'task')} left the queues, and no event told who took them.` : '',
    ]
      .filter(text => text !== '')
      .join(' '),
    dispatcherOff: silent.length === 0,
  }
}

function sentEvents({ seen, nowMs }: Scene): readonly Found[] {
  const verdict = seen.sentVerdict(nowMs)
  if (verdict === undefined) return []
  const { state, unsent, delivered, names, hosts, proven } = verdict
  const setting = 'Set task_send_sent_event = True in every program that sends tasks'
  const base = {
    code: 'sent-events-off',
    level: 'missing',
    source: 'events',
    cost: 'How long tasks wait is not known, nor the queue of a task whose worker reads several.',
  } as const
  if (state === 'none')
    return [
      {
        ...base,
        title: 'No sender tells what it sends: no task-sent event was heard.',
        fix: `${setting}; the workers' own settings do not do it.`,
        evidence: proven
          ? `${counted(delivered, 'task')} came to workers.`
          : `${counted(delivered, 'task')} came to workers; how many of them had been sent before we listened is not known.`,
      },
    ]
  return [
    {
      ...base,
      title:
        names.length > 0
          ? `Some senders do not tell what they send: no task-sent event for ${listed(names)}.`
          : `Some senders do not tell what they send: ${wordNumber(unsent)} of ${counted(delivered, 'task')} came without a task-sent event.`,
      fix: `${setting}. These do already: ${listed(hosts)}.`,
      evidence: `${counted(delivered, 'task')} came to workers, ${wordNumber(Math.max(0, unsent))} without a task-sent event.`,
    },
  ]
}

function heartbeats({ present }: Scene): readonly Found[] {
  const silent = present.filter(isWithoutHeartbeat)
  if (silent.length === 0) return []
  return [
    {
      code: 'heartbeats-off',
      level: 'missing',
      source: 'events',
      title: `${share(silent.length, present.length)} ${silent.length === 1 ? 'sends' : 'send'} no heartbeats: ${listed(silent.map(({ worker }) => worker))}.`,
      cost: 'A lost worker is noticed only after it left several questions unanswered, and lost events cannot be counted.',
      fix: 'Start them without --without-heartbeat. --without-gossip costs nothing and may stay.',
    },
  ]
}

const SERIALIZER = 'unsupported_content_type'
/** Programs may send events of their own through the same exchange. */
const HARMLESS = 'unknown_type'

/** What went wrong on the way here. */
function accidents(scene: Scene): readonly Found[] {
  const { seen, nowMs, recent, present } = scene
  const found: Found[] = []
  const pickled = seen.skipped.get(SERIALIZER)
  if (pickled !== undefined && recent(pickled))
    found.push({
      code: 'events-serializer',
      level: 'missing',
      source: 'events',
      title: `${counted(pickled.count, 'event message')} came in another serializer than JSON and could not be read.`,
      cost: 'What they tell is not known.',
      fix: "Set event_serializer = 'json' in workers and senders.",
    })
  const cut = seen.gaps(nowMs).filter(({ reason }) => reason === 'cut_off')
  if (cut.length > 0)
    found.push({
      code: 'events-cut-off',
      level: 'wrong',
      source: 'events',
      title: `Redis cut our subscription off ${counted(cut.length, 'time')} in a quarter of an hour, since events came faster than they could be taken.`,
      cost: `What happened in ${wordDuration(lengthMs(cut))} is in no counter.`,
      fix: 'redis-cli CONFIG SET client-output-buffer-limit "pubsub 256mb 64mb 60", and give Celeriac more CPU.',
    })
  const full = seen.gaps(nowMs).filter(({ reason }) => reason === 'overflow')
  if (full.length > 0)
    found.push({
      code: 'events-overflow',
      level: 'wrong',
      source: 'events',
      title: `The queue in which events wait for us was full ${counted(full.length, 'time')} in a quarter of an hour, and the oldest were dropped.`,
      cost: 'What they told is in no counter.',
      fix: 'Give Celeriac more CPU, or a shorter way to the broker.',
    })
  const gaps = seen.gaps(nowMs).filter(({ reason }) => reason === 'connection_lost')
  if (gaps.length > 0)
    found.push({
      code: 'events-gap',
      level: 'info',
      source: 'events',
      title: `Events could not be heard for ${wordDuration(lengthMs(gaps))} in the last quarter of an hour: the connection to the broker was lost ${counted(gaps.length, 'time')}.`,
      cost: 'What happened meanwhile is in no counter.',
      fix: 'When it comes back: look at the network and the log of the broker.',
    })
  if (recent(seen.droppedMessages))
    found.push({
      code: 'events-dropped',
      level: 'wrong',
      source: 'events',
      title: `${counted(seen.droppedMessages.count, 'event message')} were dropped because they came faster than they could be read.`,
      cost: 'Counters are too low by what they told.',
      fix: 'Give Celeriac more CPU, or watch each broker with a Celeriac of its own.',
    })
  const odd = [...seen.skipped].filter(
    ([reason, count]) => reason !== SERIALIZER && reason !== HARMLESS && recent(count),
  )
  if (odd.length > 0)
    found.push({
      code: 'events-skipped',
      level: 'missing',
      source: 'events',
      title: `${counted(
        odd.reduce((sum, [, { count }]) => sum + count, 0),
        'event',
      )} were not understood and skipped.`,
      cost: 'Counters are too low by what they told.',
      fix: 'The log says why, at level warn; find out who publishes them.',
      evidence: odd.map(([reason, { count }]) => `${reason} ${wordNumber(count)}`).join(', '),
    })
  return [...found, ...lost(scene, present)]
}

const lengthMs = (gaps: readonly { readonly fromMs: number; readonly toMs: number }[]): number =>
  gaps.reduce((sum, { fromMs, toMs }) => sum + Math.max(0, toMs - fromMs), 0)

/** Celery's threads pool empties a list that its threads are appending to, up to and with this version (celery-wire.md section 13). */
const THREADS_FAULT_LAST = [5, 6, 3] as const

/** Events that were never published, or that got lost on the way. */
function lost({ seen }: Scene, present: readonly WorkerView[]): readonly Found[] {
  const found: Found[] = []
  const threads = present.filter(
    worker =>
      worker.pool === 'threads' &&
      worker.version !== null &&
      compareVersions(worker.version, THREADS_FAULT_LAST) <= 0 &&
      seen.worker(worker.worker)?.sendsTaskEvents === true,
  )
  if (threads.length > 0)
    found.push({
      code: 'threads-pool-loses-events',
      level: 'missing',
      source: 'events',
      title: `${counted(threads.length, 'worker')} with the threads pool of Celery ${threads[0]?.version ?? ''} lose task events: ${listed(threads.map(({ worker }) => worker))}.`,
      cost: 'Started, succeeded and failed tasks are counted too low; celery_worker_processed_total is exact.',
      fix: 'Use another pool (-P prefork or -P gevent), or a Celery newer than 5.6.3.',
    })
  const named = new Set(threads.map(({ worker }) => worker))
  const losers = present.flatMap(({ worker }) => {
    const count = seen.worker(worker)?.lostEvents ?? 0
    return count > 0 && !named.has(worker) ? [{ worker, count }] : []
  })
  const count = losers.reduce((sum, each) => sum + each.count, 0)
  if (count > 0)
    found.push({
      code: 'events-lost',
      level: 'missing',
      source: 'events',
      title: `${counted(count, 'task run')} were counted by workers and told by no event: ${listed(losers.map(({ worker }) => worker))}.`,
      cost: 'Counters of tasks are too low by as much.',
      fix: 'Compare celery_events_lost_total with celeriac_event_gaps_total; tasks with send_events = False are counted here too.',
    })
  return found
}

/** Negative when a version such as `5.6.3` or `5.3.0rc1` is older than the other. */
function compareVersions(version: string, other: readonly number[]): number {
  const parts = version.split('.').map(part => Number.parseInt(part, 10))
  for (const [i, wanted] of other.entries()) {
    const part = parts[i] ?? 0
    if (Number.isNaN(part)) return 1
    if (part !== wanted) return part - wanted
  }
  return 0
}
