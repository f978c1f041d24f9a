import { CeleriacError, type Clock, errorText, type Log, MINUTE, SECOND } from '../base/index.ts'
import type { Broker, BrokerState, ControlKeysReading, EventGap } from '../broker/index.ts'
import { decodeEventMessage, type EventProblem, type RawEventMessage } from '../celery/index.ts'
import { type Finding, findFindings, Observations, type ReadingKind } from '../findings/index.ts'
import type { Fleet, FleetChange } from '../fleet/index.ts'
import { createEventPump } from './event-pump.ts'
import { createInspection } from './inspection.ts'
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
  /** After each look through the keyspace; null when that cannot be done, or the broker was lost. */
  controlKeys(readings: readonly ControlKeysReading[] | null): void
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
  /** How often leftovers of events and remote control are counted. Default 5 minutes. */
  readonly controlKeysIntervalMs?: number
  /** How often, while nothing is heard, it is listened for events of other names. Default a minute. */
  readonly elsewhereIntervalMs?: number
  /** Places of other fleets that are watched too: see `placesOfOthers`. */
  readonly otherPlaces?: ReadonlySet<string>
  /** Ask every worker that comes up, once, to send task events. Default false: then it is never done. */
  readonly enableEvents?: boolean
  /** RabbitMQ's management API is configured. */
  readonly managementUrl?: boolean
  readonly maxWaitingBytes?: number
}

export interface Watch {
  start(): void
  /** Brings the fleet up to a time: decodes what waits, lets time pass, tells what changed. */
  advance(atMs: number): void
  /** What is wrong or cannot be seen now, worst first. Costs no traffic. */
  findings(nowMs: number): readonly Finding[]
  stop(): Promise<void>
}

const DISCOVER_EVERY = 6
/** A new worker is asked soon, together with others that come up at the same time. */
const NEW_WORKER_DELAY_MS = 500
const PROBLEM_LOG_INTERVAL_MS = 10 * SECOND
/** A few milliseconds of decoding. */
const FLUSHED_AT_ONCE_BYTES = 256 * 1024
/** Workers beat every 2 s: silence so long after connecting is reason to listen elsewhere. */
const SILENCE_MS = 5 * SECOND
/** Of a channel's name in the log. */
const MAX_CHANNEL_LENGTH = 200

/** Why an event was skipped, and where it was heard. */
type SkippedEvent = EventProblem & { readonly channel: string | null }
const LISTEN_ELSEWHERE_MS = 4 * SECOND

/**
 * Follows one broker: hands events to the fleet, reads queues and server, asks workers, each on its own schedule, so that one
 * broker's outage never delays another. Nothing here runs because somebody scraped.
 */
export function createWatch(options: WatchOptions): Watch {
  const { broker, fleet, clock, sink, log } = options
  const observations = new Observations()
  const schedules: { stop(): void; soon(delayMs?: number): void }[] = []
  const failing = new Set<string>()
  const skipped = new Map<string, { count: number; loggedMs: number; last: SkippedEvent }>()

  const consume = (messages: readonly RawEventMessage[]): void => {
    const problems: SkippedEvent[] = []
    let events = 0
    for (const message of messages) {
      const decoded = decodeEventMessage(message)
      for (const event of decoded.events) fleet.apply(event, message.receivedAtMs)
      events += decoded.events.length
      for (const problem of decoded.problems) problems.push({ ...problem, channel: message.channel ?? null })
    }
    const changes = fleet.drainChanges()
    if (problems.length > 0) noteProblems(problems)
    if (changes.some(change => change.kind === 'worker' && change.to === 'up'))
      inspecting?.soon(NEW_WORKER_DELAY_MS)
    tell(messages.length, events, problems, changes)
  }

  const tell = (
    messages: number,
    events: number,
    problems: readonly EventProblem[],
    changes: readonly FleetChange[],
  ): void => {
    observations.heard({ events, problems, changes }, clock.now())
    sink.decoded({ messages, events, problems, changes })
  }

  /** The first of a kind is said at once, further ones as a count every 10 seconds: a flood of malformed messages must not become a flood of lines. */
  const noteProblems = (problems: readonly SkippedEvent[]): void => {
    for (const last of problems) {
      const { count, loggedMs } = skipped.get(last.reason) ?? { count: 0, loggedMs: Number.NEGATIVE_INFINITY }
      skipped.set(last.reason, { count: count + 1, loggedMs, last })
    }
    logSkipped(PROBLEM_LOG_INTERVAL_MS)
  }

  const logSkipped = (intervalMs: number): void => {
    const nowMs = clock.now()
    for (const [reason, { count, loggedMs, last }] of skipped) {
      if (count === 0 || nowMs - loggedMs < intervalMs) continue
      log.warn('Skipped events that were not understood.', {
        broker: broker.name,
        reason,
        count,
        ...(last.channel === null ? {} : { channel: last.channel.slice(0, MAX_CHANNEL_LENGTH) }),
        ...(last.sender === null ? {} : { sender: last.sender }),
        detail: last.detail,
      })
      skipped.set(reason, { count: 0, loggedMs: nowMs, last })
    }
  }

  const pump = createEventPump({
    maxBytes: options.maxWaitingBytes ?? 64 * 1024 * 1024,
    sliceMs: 8,
    consume,
    dropped(count) {
      observations.dropped(count, clock.now())
      sink.dropped(count)
    },
  })

  const stateChanged = (state: BrokerState): void => {
    const atMs = clock.now()
    if (state.state === 'connected') {
      fleet.observe({ kind: 'broker-connected' }, atMs)
      observations.connected(atMs)
      log.info('Connected to the broker.', {
        broker: broker.name,
        address: broker.address,
        version: state.serverVersion,
      })
      for (const schedule of schedules) schedule.soon()
    } else if (state.state === 'connecting') {
      fleet.observe({ kind: 'broker-lost' }, atMs)
      observations.lost()
      sink.controlKeys(null)
      if (state.error !== undefined)
        log.warn(state.error.line, {
          broker: broker.name,
          attempt: state.attempt,
          next: 'trying again, for ever',
        })
    }
    sink.state(state)
  }

  /** Runs one task while connected; says its first failure and its end, not each repetition, and keeps why for the findings. */
  const guarded = async (
    what: string,
    task: () => Promise<void>,
    kind?: Exclude<ReadingKind, 'control'>,
  ): Promise<void> => {
    if (broker.state.state !== 'connected') return
    try {
      await task()
      if (kind !== undefined) observations.reading(kind, null)
      if (failing.delete(what)) log.info(`${what} works again.`, { broker: broker.name })
    } catch (error) {
      // The loss of the connection is told by itself.
      if (broker.state.state !== 'connected') return
      const known = error instanceof CeleriacError ? error : undefined
      if (kind !== undefined) observations.reading(kind, { message: errorText(error), hint: known?.hint })
      if (!failing.has(what))
        log.warn(`${what} failed.`, { broker: broker.name, error: known?.line ?? errorText(error) })
      failing.add(what)
    }
  }

  let readings = 0
  const readBroker = async (): Promise<void> => {
    logSkipped(PROBLEM_LOG_INTERVAL_MS)
    if (readings++ % DISCOVER_EVERY === 0)
      await guarded(
        'Searching for queues',
        async () => fleet.knowQueues(await broker.discoverQueues()),
        'discovery',
      )
    await guarded('Reading queues', readQueues, 'queues')
    await guarded(
      'Reading the server',
      async () => fleet.observe({ kind: 'server', server: await broker.readServer() }, clock.now()),
      'server',
    )
    if (broker.state.state === 'connected') observations.look(fleet, clock.now())
  }

  const readQueues = async (): Promise<void> => {
    const known = fleet.knownQueues()
    const queues = await broker.readQueues(known)
    // On Redis a known queue always has a length; elsewhere it may not exist yet.
    if (queues.length === 0 && known.length > 0 && broker.transport === 'redis')
      throw new CeleriacError('BROKER_REFUSED', `The broker ${broker.address} told the length of no queue.`, {
        hint: 'Allow the user LLEN on the keys of Celery: ACL SETUSER name +llen.',
      })
    fleet.observe({ kind: 'queues', queues }, clock.now())
  }

  const inspection = createInspection({
    broker,
    fleet,
    observations,
    now: () => clock.now(),
    log,
    enableEvents: options.enableEvents ?? false,
  })
  const inspect = (): Promise<void> =>
    guarded('Asking the workers', async () => {
      await inspection.round()
      tell(0, 0, [], fleet.drainChanges())
    })

  let countedAtMs = Number.NEGATIVE_INFINITY
  const countControlKeys = (): Promise<void> =>
    guarded('Counting keys of events and remote control', async () => {
      // A connection that comes and goes is no reason to look through the keyspace each time.
      if (clock.now() - countedAtMs < MINUTE) return
      countedAtMs = clock.now()
      const found = await broker.readControlKeys()
      observations.controlKeys(found)
      sink.controlKeys(found)
    })

  /** A wrong database number or prefix is silence without an error: look whether others speak. */
  const listenElsewhere = (): Promise<void> =>
    guarded('Listening for events under other names', async () => {
      const sinceMs = observations.connectedAtMs
      const silent = (): boolean =>
        !fleet
          .sources(clock.now())
          .some(source => source.source === 'events' && (source.lastSuccessMs ?? 0) >= sinceMs)
      if (!silent()) observations.elsewhere([])
      else if (clock.now() - sinceMs < SILENCE_MS) listening?.soon(SILENCE_MS)
      else {
        const places = await broker.listenElsewhere(LISTEN_ELSEWHERE_MS)
        observations.elsewhere(
          silent() ? (places ?? []).filter(place => options.otherPlaces?.has(place) !== true) : [],
        )
      }
    })

  let inspecting: ReturnType<typeof repeat> | undefined
  let listening: ReturnType<typeof repeat> | undefined
  const schedule = (intervalMs: number, task: () => Promise<void>): ReturnType<typeof repeat> => {
    const made = repeat(clock, intervalMs, task, error =>
      log.error('A fault in watching a broker.', { broker: broker.name, error: errorText(error) }),
    )
    schedules.push(made)
    return made
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
          observations.gapEnded(gap)
          sink.gapEnded(gap)
        },
      })
      schedule(options.readIntervalMs, readBroker)
      inspecting = schedule(options.inspectIntervalMs, inspect)
      schedule(options.controlKeysIntervalMs ?? 5 * MINUTE, countControlKeys)
      listening = schedule(options.elsewhereIntervalMs ?? MINUTE, listenElsewhere)
    },
    advance(atMs) {
      // A backlog is decoded at its own pace: nobody who merely asks may hold the event loop.
      if (pump.waitingBytes <= FLUSHED_AT_ONCE_BYTES) pump.flush()
      fleet.tick(atMs)
      tell(0, 0, [], fleet.drainChanges())
    },
    findings(nowMs) {
      const { state } = broker
      const error = state.state === 'connecting' ? state.error : undefined
      return findFindings({
        nowMs,
        connection: {
          transport: broker.transport,
          address: broker.address,
          state: state.state,
          serverVersion: state.state === 'connected' ? (state.serverVersion ?? null) : null,
          error: error === undefined ? null : { message: error.message, hint: error.hint },
          managementUrl: options.managementUrl ?? false,
          enableEvents: options.enableEvents ?? false,
        },
        fleet,
        seen: observations,
        inspectIntervalMs: options.inspectIntervalMs,
      })
    },
    async stop() {
      for (const each of schedules) each.stop()
      await broker.stop()
      pump.flush()
      pump.stop()
      logSkipped(0)
    },
  }
}
