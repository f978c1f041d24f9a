import { formatDuration } from '../base/index.ts'
import { type FleetProfile, queuesOf } from './profile.ts'
import { integerBetween, pickWeighted, type Random } from './random.ts'

interface IncidentBase {
  /** Epoch ms. */
  readonly beganAtMs: number
  /** When it is meant to be over. */
  readonly endsAtMs: number
}

/** What goes wrong in the simulated fleet, one at a time. */
export type Incident =
  | (IncidentBase & {
      readonly kind: 'workers-die'
      readonly queue: string
      readonly workers: readonly string[]
    })
  | (IncidentBase & {
      readonly kind: 'task-fails'
      readonly task: string
      readonly exception: string
      readonly probability: number
    })
  | (IncidentBase & { readonly kind: 'burst'; readonly queue: string; readonly messages: number })
  | (IncidentBase & { readonly kind: 'tasks-slow'; readonly queue: string; readonly factor: number })
  | (IncidentBase & { readonly kind: 'worker-restarts'; readonly worker: string })

export type IncidentKind = Incident['kind']

/**
 * The order in which they come round. The first makes a queue fall behind for longer than the five minutes of CeleryQueueDepthHigh,
 * so that whoever watches from the start sees an alert pending, firing and resolved.
 */
export const INCIDENT_KINDS: readonly IncidentKind[] = [
  'workers-die',
  'task-fails',
  'worker-restarts',
  'burst',
  'tasks-slow',
]

const DURATION_SECONDS: Readonly<Record<IncidentKind, number>> = {
  'workers-die': 390,
  'task-fails': 120,
  'worker-restarts': 15,
  burst: 60,
  'tasks-slow': 240,
}

/** Of the second visit on, other victims are picked: the first is the one that shows most. */
export function planIncident(
  kind: IncidentKind,
  round: number,
  profile: FleetProfile,
  random: Random,
  nowMs: number,
): Incident {
  const base = { beganAtMs: nowMs, endsAtMs: nowMs + DURATION_SECONDS[kind] * 1000 }
  switch (kind) {
    case 'workers-die': {
      const crews = crewsOf(profile).filter(crew => crew.workers.length >= 2)
      const crew = round === 0 ? crews[0] : crews[integerBetween(random, 0, crews.length - 1)]
      return {
        ...base,
        kind,
        queue: crew?.queue ?? '',
        workers: (crew?.workers ?? []).slice(0, 2),
      }
    }
    case 'task-fails': {
      const frequent = [...profile.tasks].sort((a, b) => b.weight - a.weight).slice(0, 3)
      const task = round === 0 ? frequent[0] : frequent[integerBetween(random, 0, frequent.length - 1)]
      return { ...base, kind, task: task?.name ?? '', exception: 'ConnectionRefusedError', probability: 0.85 }
    }
    case 'burst': {
      const queue = pickWeighted(random, queuesOf(profile), name => slotsOf(profile, name))
      // Enough for about two minutes of extra work.
      return { ...base, kind, queue, messages: Math.round(250 * Math.max(1, profile.tasksPerSecond / 30)) }
    }
    case 'tasks-slow': {
      const queue = pickWeighted(random, queuesOf(profile), name => slotsOf(profile, name))
      return { ...base, kind, queue, factor: 4 }
    }
    case 'worker-restarts': {
      const worker = profile.workers[integerBetween(random, 0, profile.workers.length - 1)]
      return { ...base, kind, worker: worker?.node ?? '' }
    }
  }
}

/** One sentence for the log and the list of changes; it always says that this is simulated. */
export function describeIncident(incident: Incident): string {
  const lasts = formatDuration(incident.endsAtMs - incident.beganAtMs)
  switch (incident.kind) {
    case 'workers-die':
      return `Simulated incident: ${incident.workers.join(' and ')} die without a word, and queue ${incident.queue} falls behind; they come back after ${lasts}.`
    case 'task-fails':
      return `Simulated incident: ${incident.task} fails with ${incident.exception} in ${Math.round(incident.probability * 100)} % of its runs for ${lasts}.`
    case 'burst':
      return `Simulated incident: ${incident.messages} tasks are sent to queue ${incident.queue} at once.`
    case 'tasks-slow':
      return `Simulated incident: tasks of queue ${incident.queue} take ${incident.factor} times as long for ${lasts}.`
    case 'worker-restarts':
      return `Simulated incident: ${incident.worker} is restarted and is away for ${lasts}.`
  }
}

/** Queues with the workers that consume them, the queue whose loss of two workers hurts most first. */
function crewsOf(profile: FleetProfile): { queue: string; workers: string[] }[] {
  return queuesOf(profile)
    .map(queue => {
      const crew = profile.workers
        .filter(worker => worker.queues.includes(queue))
        .sort((a, b) => b.concurrency - a.concurrency)
      const demand = profile.tasks
        .filter(task => task.queue === queue)
        .reduce((sum, task) => sum + task.weight * task.medianSeconds, 0)
      const left = crew.slice(2).reduce((sum, worker) => sum + worker.concurrency, 0)
      return { queue, workers: crew.map(worker => worker.node), hurts: left === 0 ? 0 : demand / left }
    })
    .sort((a, b) => b.hurts - a.hurts)
}

const slotsOf = (profile: FleetProfile, queue: string): number =>
  profile.workers
    .filter(worker => worker.queues.includes(queue))
    .reduce((sum, worker) => sum + worker.concurrency, 0)
