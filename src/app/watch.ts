import { CeleriacError, type Clock, errorText, type Log, SECOND } from '../base/index.ts'
import type { Broker, BrokerState, ControlReply, EventGap } from '../broker/index.ts'
import { decodeEventMessage, type EventProblem, type RawEventMessage } from '../celery/index.ts'
import type { Fleet, FleetChange, InspectMethod } from '../fleet/index.ts'
import { createEventPump } from './event-pump.ts'
import { repeat } from './repeat.ts'

/** What a watch tells; counters live with the receiver. */
export interface WatchSink {
  /** Once per batch of messages: what was decoded and what it changed. */
  decoded(batch: {
    readonly messages: number
    readonly events: number
    readonly problems: readonly EventProblem[]
    readonly changes: readonly FleetChange[]
  }): void
  dropped(messages: number): void
  state(state: BrokerState): void
  gapEnded(gap: EventGap): void
}

export interface WatchOptions {
  readonly broker: Broker
  readonly fleet: Fleet
  readonly clock: Clock
  readonly log: Log
  readonly sink: WatchSink
  /** How often queues and server are read. */
  readonly readIntervalMs: number
  /** How often workers are asked. */
  readonly inspectIntervalMs: number
  readonly maxWaitingBytes?: number
}

/** Asked in this order each round; `stats` first, because it says how large pools are. */
const INSPECT_METHODS = [
  'stats',
  'active_queues',
  'active',
  'reserved',
  'scheduled',
] as const satisfies readonly InspectMethod[]

const INSPECT_TIMEOUT_MS = SECOND
const DISCOVER_EVERY = 6
/** A new worker is asked soon, together with others that come up at the same time. */
const NEW_WORKER_DELAY_MS = 500
const PROBLEM_LOG_INTERVAL_MS = 10 * SECOND

/**
 * Follows one broker: hands events to the fleet, reads queues and server, asks workers, each on its own schedule, so that one
 * broker's outage never delays another. Nothing here runs because somebody scraped.
 */
export function createWatch(options: WatchOptions): { start(): void; flush(): void; stop(): Promise<void> } {
  const { broker, fleet, clock, sink } = options
  const log = options.log
  const schedules: { stop(): void; soon(delayMs?: number): void }[] = []
  const failing = new Set<string>()
  const skipped = new Map<
    string,
    { readonly count: number; readonly detail: string; readonly loggedMs: number }
  >()

  const consume = (messages: readonly RawEventMessage[]): void => {
    const problems: EventProblem[] = []
    let events = 0
    for (const message of messages) {
      const decoded = decodeEventMessage(message)
      for (const event of decoded.events) fleet.apply(event, message.receivedAtMs)
      events += decoded.events.length
      if (decoded.problems.length > 0) problems.push(...decoded.problems)
    }
    const changes = fleet.drainChanges()
    if (problems.length > 0) noteProblems(problems)
    if (changes.some(change => change.kind === 'worker' && change.to === 'up'))
      inspection?.soon(NEW_WORKER_DELAY_MS)
    sink.decoded({ messages: messages.length, events, problems, changes })
  }

  /** The first of a kind is said at once, further ones as a count every 10 seconds: a flood of malformed messages must not become a flood of lines. */
  const noteProblems = (problems: readonly EventProblem[]): void => {
    for (const { reason, detail } of problems) {
      const seen = skipped.get(reason)
      if (seen === undefined) skipped.set(reason, { count: 1, detail, loggedMs: Number.NEGATIVE_INFINITY })
      else skipped.set(reason, { ...seen, count: seen.count + 1, detail })
    }
    logSkipped(PROBLEM_LOG_INTERVAL_MS)
  }

  const logSkipped = (intervalMs: number): void => {
    const nowMs = clock.now()
    for (const [reason, { count, detail, loggedMs }] of skipped) {
      if (count === 0 || nowMs - loggedMs < intervalMs) continue
      log.warn('Skipped events that were not understood.', { broker: broker.name, reason, count, detail })
      skipped.set(reason, { count: 0, detail, loggedMs: nowMs })
    }
  }

  const pump = createEventPump({
    maxBytes: options.maxWaitingBytes ?? 64 * 1024 * 1024,
    sliceMs: 8,
    consume,
    dropped: count => sink.dropped(count),
  })

  const stateChanged = (state: BrokerState): void => {
    const atMs = clock.now()
    if (state.state === 'connected') {
      fleet.observe({ kind: 'broker-connected' }, atMs)
      log.info('Connected to the broker.', {
        broker: broker.name,
        address: broker.address,
        version: state.serverVersion,
      })
      for (const schedule of schedules) schedule.soon()
    } else if (state.state === 'connecting') {
      fleet.observe({ kind: 'broker-lost' }, atMs)
      if (state.error !== undefined)
        log.warn(state.error.line, {
          broker: broker.name,
          attempt: state.attempt,
          next: 'trying again, for ever',
        })
    }
    sink.state(state)
  }

  /** Runs one reading; says the first failure of a kind and its end, not each repetition. */
  const guarded = async (what: string, task: () => Promise<void>): Promise<void> => {
    if (broker.state.state !== 'connected') return
    try {
      await task()
      if (failing.delete(what)) log.info(`Reading ${what} works again.`, { broker: broker.name })
    } catch (error) {
      if (!failing.has(what) && broker.state.state === 'connected') {
        log.warn(`Reading ${what} failed.`, {
          broker: broker.name,
          error: error instanceof CeleriacError ? error.line : errorText(error),
        })
      }
      failing.add(what)
    }
  }

  let readings = 0
  const readBroker = async (): Promise<void> => {
    logSkipped(PROBLEM_LOG_INTERVAL_MS)
    await guarded('queues', async () => {
      if (readings++ % DISCOVER_EVERY === 0) fleet.knowQueues(await broker.discoverQueues())
      const queues = await broker.readQueues(fleet.knownQueues())
      fleet.observe({ kind: 'queues', queues }, clock.now())
    })
    await guarded('the server', async () => {
      fleet.observe({ kind: 'server', server: await broker.readServer() }, clock.now())
    })
  }

  const inspect = async (): Promise<void> => {
    if (broker.state.state !== 'connected') return
    for (const method of INSPECT_METHODS) {
      const up = fleet.workers(clock.now()).filter(worker => worker.state === 'up')
      const request = method === 'active' ? { method, arguments: { safe: true } } : { method }
      const askedAtMs = clock.now()
      try {
        const replies = await broker.control(request, {
          timeoutMs: INSPECT_TIMEOUT_MS,
          // Before anyone is known, the whole time-out is waited: only then "nobody answered" means something.
          ...(up.length > 0 ? { expect: new Set(up.map(worker => worker.worker)) } : {}),
        })
        fleet.observe({ kind: 'inspect', method, askedAtMs, replies: values(replies) }, clock.now())
      } catch (error) {
        fleet.observe({ kind: 'inspect-failed', method }, clock.now())
        throw error
      }
    }
    sink.decoded({ messages: 0, events: 0, problems: [], changes: fleet.drainChanges() })
  }

  const values = (replies: readonly ControlReply[]): ReadonlyMap<string, unknown> => {
    const found = new Map<string, unknown>()
    for (const reply of replies) {
      // A node that answered with an error is there all the same; what it would have said is not known.
      found.set(reply.node, reply.ok ? reply.value : undefined)
      if (!reply.ok && !failing.has(`answer of ${reply.node}`)) {
        failing.add(`answer of ${reply.node}`)
        log.warn('A worker answered with an error.', {
          broker: broker.name,
          worker: reply.node,
          error: reply.error,
        })
      }
    }
    return found
  }

  let inspection: ReturnType<typeof repeat> | undefined
  const unexpected = (what: string) => (error: unknown) => {
    if (broker.state.state === 'connected')
      log.warn(`${what} failed.`, {
        broker: broker.name,
        error: error instanceof CeleriacError ? error.line : errorText(error),
      })
  }

  return {
    start() {
      broker.start({
        eventMessage: message => pump.push(message),
        stateChanged,
        gapEnded(gap) {
          log.warn('Events could not be heard for a while; what happened meanwhile is not counted.', {
            broker: broker.name,
            reason: gap.reason,
            seconds: (gap.toMs - gap.fromMs) / SECOND,
          })
          sink.gapEnded(gap)
        },
      })
      schedules.push(repeat(clock, options.readIntervalMs, readBroker, unexpected('Reading the broker')))
      inspection = repeat(clock, options.inspectIntervalMs, inspect, unexpected('Asking the workers'))
      schedules.push(inspection)
    },
    flush: () => pump.flush(),
    async stop() {
      for (const schedule of schedules) schedule.stop()
      await broker.stop()
      pump.flush()
      pump.stop()
      logSkipped(0)
    },
  }
}
