import { memoryLog, VirtualClock } from '../base/index.ts'
import { createMemoryBroker, createMemoryLink, type ControlReply, MemoryServer } from '../broker/index.ts'
import {
  type CeleryEvent,
  decodeEventMessage,
  type EventProblem,
  type RawEventMessage,
} from '../celery/index.ts'
import { createSimulatedFleet, type SimulatedFleetOptions } from './fleet.ts'
import type { Incident } from './incident.ts'
import { demoProfile, type FleetProfile, queuesOf } from './profile.ts'
import { seededRandom } from './random.ts'

/** The events that can be of a type. */
type EventOf<Type, Event = CeleryEvent> = Event extends { readonly type: infer Kind }
  ? Type extends Kind
    ? Event
    : never
  : never

/** 23 November 2026, ten in the morning UTC. */
export const SCENE_START_MS = Date.UTC(2026, 10, 23, 10)

/**
 * For tests: a simulated fleet on an in-process broker and a clock that stands still, everything it says written down as a watcher
 * hears it.
 */
export async function startScene(
  options: {
    readonly seed?: number
    readonly profile?: FleetProfile
    readonly more?: Partial<SimulatedFleetOptions>
  } = {},
) {
  const clock = new VirtualClock(SCENE_START_MS)
  const server = new MemoryServer()
  const log = memoryLog()
  const profile = options.profile ?? demoProfile()
  const messages: RawEventMessage[] = []
  const events: CeleryEvent[] = []
  const problems: EventProblem[] = []
  const incidents: { incident: Incident; phase: 'began' | 'ended'; atMs: number }[] = []
  const broker = createMemoryBroker({ name: 'default', server, clock, log })
  broker.start({
    eventMessage(message) {
      messages.push(message)
      const decoded = decodeEventMessage(message)
      events.push(...decoded.events)
      problems.push(...decoded.problems)
    },
    stateChanged() {},
    gapEnded() {},
  })
  const link = createMemoryLink({ server, log })
  const fleet = createSimulatedFleet({
    link,
    clock,
    random: seededRandom(options.seed ?? 1),
    profile,
    log,
    onIncident: (incident, phase) => incidents.push({ incident, phase, atMs: clock.now() }),
    ...options.more,
  })
  await fleet.start()
  return {
    clock,
    server,
    log,
    profile,
    messages,
    events,
    problems,
    incidents,
    broker,
    link,
    fleet,
    /** Events of a type so far. */
    of: <Type extends CeleryEvent['type']>(type: Type) =>
      events.filter(event => event.type === type) as EventOf<Type>[],
    /** Depth of every queue as the broker tells it, once what was under way has settled. */
    async depths(): Promise<Map<string, number>> {
      await new Promise(resolve => setImmediate(resolve))
      const readings = await broker.readQueues(queuesOf(profile))
      return new Map(readings.map(reading => [reading.queue, reading.depth]))
    },
    /** Asks all workers, and lets the time-out pass. */
    async ask(method: string, args: Record<string, unknown> = {}): Promise<readonly ControlReply[]> {
      const asked = broker.control({ method, arguments: args }, { timeoutMs: 100 })
      await clock.advance(200)
      return asked
    },
  }
}
