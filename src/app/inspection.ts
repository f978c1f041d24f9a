import { CeleriacError, errorText, type Log, SECOND } from '../base/index.ts'
import type { Broker, ControlReply, ControlRequest } from '../broker/index.ts'
import type { Observations } from '../findings/index.ts'
import type { Fleet, InspectMethod } from '../fleet/index.ts'

/** Asked in this order each round; `stats` first, because it says how large pools are, and who answers at all. */
const FURTHER_METHODS = [
  'active_queues',
  'active',
  'reserved',
  'scheduled',
] as const satisfies readonly InspectMethod[]

const TIMEOUT_MS = SECOND
/** Workers asked to send events with one request. */
const MAX_DESTINATIONS = 500
/** What `reply.node` is when the name could not be read. */
const NAMELESS = 'unknown'

export interface InspectionOptions {
  readonly broker: Broker
  readonly fleet: Fleet
  readonly observations: Observations
  readonly now: () => number
  readonly log: Log
  /** Ask every worker that comes up, once, to send task events. */
  readonly enableEvents: boolean
}

/**
 * Asks the workers, one round a call. Each question ends as soon as all who are known to answer have answered; only the first of a
 * round waits for those that did not answer last time, so a deaf worker costs one time-out a round, and a worker that comes back to
 * its senses is noticed. Rejects when the broker refuses or is lost.
 */
export function createInspection(options: InspectionOptions): { round(): Promise<void> } {
  const { broker, fleet, observations, now, log } = options
  /** Process ids of workers that were asked to send events; null while the id is not known. */
  const enabled = new Map<string, number | null>()

  const ask = async (
    method: InspectMethod,
    expected: readonly string[] | undefined,
    more: Pick<ControlRequest, 'arguments' | 'destination'> = {},
  ): Promise<readonly ControlReply[]> => {
    const askedAtMs = now()
    let replies: readonly ControlReply[]
    try {
      replies = await broker.control(
        { method, ...more },
        // Before anyone is known the whole time-out is waited: only then "nobody answered" means something.
        { timeoutMs: TIMEOUT_MS, ...(expected === undefined ? {} : { expect: new Set(expected) }) },
      )
    } catch (error) {
      fleet.observe({ kind: 'inspect-failed', method }, now())
      throw error
    }
    noteErrors(replies)
    observations.round({ method, askedAtMs, expected: expected ?? [], replies })
    const values = new Map<string, unknown>()
    // A node that answered with an error is there all the same; what it would have said is not known.
    for (const reply of replies)
      if (reply.node !== NAMELESS) values.set(reply.node, reply.ok ? reply.value : undefined)
    fleet.observe({ kind: 'inspect', method, askedAtMs, replies: values }, now())
    return replies
  }

  const noteErrors = (replies: readonly ControlReply[]): void => {
    for (const reply of replies) {
      if (reply.ok || (observations.answers(reply.node)?.error ?? null) !== null) continue
      log.warn('A worker answered with an error.', {
        broker: broker.name,
        worker: reply.node,
        error: reply.error,
      })
    }
  }

  const askActive = async (answering: readonly string[]): Promise<void> => {
    const replies = await ask('active', answering, { arguments: { safe: true } })
    // Celery before 5.2 knows no `safe`; the arguments of tasks that come without it are dropped as they are read.
    const old = replies.flatMap(reply => (!reply.ok && /'safe'/.test(reply.error) ? [reply.node] : []))
    if (old.length > 0) await ask('active', old, { destination: old.slice(0, MAX_DESTINATIONS) })
  }

  const enableEvents = async (): Promise<void> => {
    const workers = fleet.workers(now())
    const newcomers: string[] = []
    for (const { worker, state, pid } of workers) {
      if (state !== 'up') continue
      const before = enabled.get(worker)
      if (before === undefined || (before !== null && pid !== null && before !== pid)) newcomers.push(worker)
      if (before === undefined || pid !== null) enabled.set(worker, pid)
    }
    const known = new Set(workers.map(({ worker }) => worker))
    for (const worker of enabled.keys()) if (!known.has(worker)) enabled.delete(worker)
    for (let i = 0; i < newcomers.length; i += MAX_DESTINATIONS) {
      const destination = newcomers.slice(i, i + MAX_DESTINATIONS)
      log.info('Asking workers to send task events.', {
        broker: broker.name,
        workers: destination.slice(0, 10),
      })
      const replies = await broker.control(
        { method: 'enable_events', destination },
        { timeoutMs: TIMEOUT_MS },
      )
      for (const reply of replies)
        if (!reply.ok)
          log.warn('A worker cannot send task events until it is started with -E.', {
            broker: broker.name,
            worker: reply.node,
            error: reply.error,
          })
    }
  }

  return {
    async round() {
      try {
        const up = fleet.workers(now()).flatMap(({ worker, state }) => (state === 'up' ? [worker] : []))
        const replies = await ask('stats', up.length === 0 ? undefined : up)
        const answering = replies.flatMap(({ node }) => (node === NAMELESS ? [] : [node]))
        if (answering.length > 0) {
          for (const method of FURTHER_METHODS)
            await (method === 'active' ? askActive(answering) : ask(method, answering))
          if (options.enableEvents) await enableEvents()
        }
        observations.reading('control', null)
      } catch (error) {
        if (broker.state.state === 'connected')
          observations.reading('control', {
            message: errorText(error),
            hint: error instanceof CeleriacError ? error.hint : undefined,
          })
        throw error
      }
    },
  }
}
