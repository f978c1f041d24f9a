import { SECOND, wordDuration, wordNumber } from '../base/index.ts'
import type { ClockFault, WorkerView } from '../fleet/index.ts'
import { counted, FIRST_SIGNS_MS, type Found, listed, type Rule, type Scene } from './facts.ts'

/** What is wrong with the workers themselves. */
export const workerRules: Rule = scene => [
  ...nobody(scene),
  ...idleConsumers(scene),
  ...twins(scene),
  ...clocks(scene),
  ...hoarding(scene),
]

function nobody(scene: Scene): readonly Found[] {
  const { present, connectedMs, seen, fleet, nowMs, connection } = scene
  if (present.length > 0 || connectedMs < FIRST_SIGNS_MS || seen.rounds === 0) return []
  if (seen.places.length > 0) {
    return [
      {
        code: 'wrong-namespace',
        level: 'wrong',
        title: `No worker was heard here, and events are heard elsewhere on this server: ${listed(seen.places)}.`,
        cost: 'Nothing of that fleet is seen.',
        fix: namespaceFix(seen.places),
      },
    ]
  }
  if (fleet.totals(nowMs).workers === null) {
    const speak = 'workers send events (-E) or answer questions (worker_enable_remote_control = True)'
    const nothing = fleet.queues(nowMs).length === 0
    return [
      {
        code: 'workers-silent',
        level: nothing ? 'wrong' : 'missing',
        title: `No worker was heard and none answered in ${wordDuration(connectedMs)}, which does not prove that there is none.`,
        cost: 'Workers, their slots, rates and failures of tasks are not known.',
        fix: nothing
          ? `Compare ${whereabouts(connection)} with that of the fleet. If it is the same, let ${speak}.`
          : `Let ${speak}. If they do, compare ${whereabouts(connection)} with theirs.`,
        evidence: 'Somebody waits for messages on this server, or the server may not be asked who does.',
      },
    ]
  }
  const before = fleet.workers(nowMs).length
  return [
    {
      code: 'no-workers',
      level: 'wrong',
      title:
        before > 0
          ? `No worker is up; ${counted(before, 'worker')} ${before === 1 ? 'was' : 'were'} seen before.`
          : `No worker was heard and none answered in ${wordDuration(connectedMs)}.`,
      cost: 'Tasks wait until a worker takes them.',
      fix: `Start one: celery -A yourapp worker -E. If some run, compare ${whereabouts(connection)} with theirs.`,
    },
  ]
}

const whereabouts = ({ transport }: Scene['connection']): string =>
  transport === 'amqp'
    ? 'the virtual host at the end of the broker URL'
    : 'the database number at the end of the broker URL and global_keyprefix'

/** What to write so that the first of the places is watched: `/3.celeryev/`, `app1:/0.celeryev/`, `celeryev/`. */
function namespaceFix(places: readonly string[]): string {
  const fixes = places.flatMap(place => {
    const usual = /^(.*?)\/(\d+)\.([^/]+)\/?$/s.exec(place)
    if (usual !== null) {
      const [, prefix = '', database = '', exchange = ''] = usual
      return [
        [
          `a broker URL that ends in /${database}`,
          prefix === '' ? '' : ` and --broker-transport-option global_keyprefix=${prefix}`,
          exchange === 'celeryev' ? '' : ` and --broker-transport-option event_exchange=${exchange}`,
        ].join(''),
      ]
    }
    return /^[^/.]+\/?$/.test(place) ? ['--broker-transport-option fanout_prefix=false'] : []
  })
  const [first] = fixes
  return first === undefined
    ? 'Take over broker_transport_options of that fleet: fanout_prefix, global_keyprefix.'
    : `Use ${first}${places.length > 1 ? '; or give several brokers, one for each' : ''}.`
}

function idleConsumers({ present }: Scene): readonly Found[] {
  const stuck = present.filter(worker => worker.consuming === false)
  const none = stuck.filter(worker => worker.queues?.length === 0)
  const deaf = stuck.filter(worker => worker.queues?.length !== 0)
  const found: Found[] = []
  if (none.length > 0)
    found.push({
      code: 'worker-not-consuming',
      level: 'wrong',
      title: `${counted(none.length, 'worker')} ${none.length === 1 ? 'consumes' : 'consume'} no queue: ${names(none)}.`,
      cost: 'They look alive and take no tasks.',
      fix: `Restart them, or: celery -A yourapp control add_consumer QUEUE -d ${none[0]?.worker ?? 'NODE'}`,
    })
  if (deaf.length > 0)
    found.push({
      code: 'worker-not-consuming',
      level: 'wrong',
      title: `${counted(deaf.length, 'worker')} ${deaf.length === 1 ? 'sends' : 'send'} heartbeats and ${deaf.length === 1 ? 'answers' : 'answer'} no more: ${names(deaf)}.`,
      cost: 'They may take no tasks.',
      fix: 'Restart them.',
    })
  return found
}

/** One return may be a word that came late. */
const TWIN_RETURNS = 2

function twins({ present }: Scene): readonly Found[] {
  const doubled = present.filter(({ returns }) => returns >= TWIN_RETURNS)
  if (doubled.length === 0) return []
  return [
    {
      code: 'duplicate-node-names',
      level: 'wrong',
      title: `Several workers share one node name: ${names(doubled)}.`,
      cost: 'They count as one: workers, slots and active tasks are too low, and the loss of one goes unseen.',
      fix: 'Give each a name of its own: celery -A yourapp worker -n worker1@%h',
      evidence: 'Heartbeats go back and forth between two processes.',
    },
  ]
}

const CLOCKS: Readonly<
  Record<Exclude<ClockFault, 'none'>, Pick<Found, 'code' | 'level' | 'cost' | 'fix'> & { what: string }>
> = {
  timezone: {
    code: 'clock-timezone',
    level: 'missing',
    what: 'by whole quarters of an hour, as a wrong time zone does',
    cost: 'Waits of their tasks are wrong by as much, and tasks with an ETA run too early or too late.',
    fix: 'Set the clock of these hosts to UTC and the time zone beside it (timedatectl), not the clock to local time.',
  },
  drift: {
    code: 'clock-drift',
    level: 'missing',
    what: '',
    cost: 'Waits of their tasks are wrong by as much, and tasks with an ETA run too early or too late.',
    fix: 'Let NTP set the clock of these hosts: timedatectl set-ntp true',
  },
  delayed: {
    code: 'events-late',
    level: 'missing',
    what: 'and ever more: their events arrive late',
    cost: 'What is shown of them is as old.',
    fix: 'Look at the load of these hosts and of the broker, and at celeriac_event_loop_lag_seconds.',
  },
}

function clocks({ present }: Scene): readonly Found[] {
  return (['timezone', 'drift', 'delayed'] as const).flatMap(fault => {
    const wrong = present.filter(worker => worker.clockFault === fault)
    const [first] = wrong
    if (first === undefined) return []
    const { what, ...rest } = CLOCKS[fault]
    const worst = wrong.reduce(
      (most, { clockSkewSeconds }) =>
        Math.abs(clockSkewSeconds ?? 0) > Math.abs(most) ? (clockSkewSeconds ?? 0) : most,
      0,
    )
    const side = fault === 'delayed' ? 'late' : worst > 0 ? 'behind' : 'ahead'
    return [
      {
        ...rest,
        source: 'events' as const,
        title:
          `${counted(wrong.length, 'worker')} ${wrong.length === 1 ? 'is' : 'are'} up to ${wordDuration(Math.abs(worst) * SECOND)} ${side} ${what}`.trim() +
          `: ${names(wrong)}.`,
      },
    ]
  })
}

const HOARDING_ROUNDS = 2.5
const HOARDING_LEAST_MS = 15 * SECOND

function hoarding({ seen, nowMs, inspectIntervalMs }: Scene): readonly Found[] {
  const longMs = Math.max(HOARDING_LEAST_MS, HOARDING_ROUNDS * inspectIntervalMs)
  const lasting = seen.hoarding.filter(({ sinceMs }) => nowMs - sinceMs >= longMs)
  const [first] = lasting
  if (first === undefined) return []
  return [
    {
      code: 'prefetch-hoarding',
      level: 'missing',
      title: `${first.worker} holds ${counted(first.reserved, 'task')} it cannot start, and ${listed(first.idle, 2)} on the same queue ${first.queue} ${first.idle.length === 1 ? 'idles' : 'idle'}.`,
      cost: `Tasks wait although there are free slots, for ${wordDuration(nowMs - first.sinceMs)} now${lasting.length > 1 ? `; ${wordNumber(lasting.length)} workers do so` : ''}.`,
      fix: 'For long tasks set worker_prefetch_multiplier = 1 and task_acks_late = True.',
    },
  ]
}

const names = (workers: readonly WorkerView[]): string => listed(workers.map(({ worker }) => worker))
