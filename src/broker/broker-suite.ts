import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Clock } from '../base/index.ts'
import { decodeEventMessage, type NameOptions, type RawEventMessage, taskMessage } from '../celery/index.ts'
import type { Broker, BrokerListener, BrokerState, EventGap, FleetLink } from './broker.ts'

/** Real time, for tests against real servers. */
export const realClock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
}

/** In what transports differ because Celery differs on them. */
export interface TransportTraits {
  /** What of an event message is handed over. */
  readonly form: RawEventMessage['form']
  /**
   * Redis: 0 is the most urgent, over all queues of a worker. RabbitMQ: 9 is, in each queue for itself, and only in queues declared
   * with `x-max-priority`, as the links of its world do.
   */
  readonly mostUrgent: 'lowest' | 'highest'
  /** A queue that nobody declared: on Redis it cannot be told from an empty one. */
  readonly unknownQueueIs: 'empty' | 'unknown'
  /** Keys and channels are named by kombu's options for Redis, and others' may be listened for. */
  readonly redisNames: boolean
  /** Messages can be looked at without taking them: which is the oldest, and how long one has been delivered. */
  readonly peeks: boolean
  /** The server may drop keys when its memory is full, and says by which policy. */
  readonly evicts: boolean
}

export const REDIS_TRAITS: TransportTraits = {
  form: 'envelope',
  mostUrgent: 'lowest',
  unknownQueueIs: 'empty',
  redisNames: true,
  peeks: true,
  evicts: true,
}

export const AMQP_TRAITS: TransportTraits = {
  form: 'body',
  mostUrgent: 'highest',
  unknownQueueIs: 'unknown',
  redisNames: false,
  peeks: false,
  evicts: false,
}

/** One world for one test: brokers and links on one server. */
export interface BrokerWorld {
  createBroker(name: string, names?: NameOptions): Broker
  createLink(names?: NameOptions): FleetLink
  /** Names of everything the server holds; on RabbitMQ of all queues that a broker makes. */
  keys(): Promise<readonly string[]>
  /** The server crashes, and stays away until `comeBack`. */
  crash(): Promise<void>
  comeBack(): Promise<void>
  end(): Promise<void>
}

/** Keeps what a broker tells. */
export function recorder(): BrokerListener & {
  messages: RawEventMessage[]
  states: BrokerState[]
  gaps: EventGap[]
  uuids(): string[]
} {
  const messages: RawEventMessage[] = []
  const states: BrokerState[] = []
  const gaps: EventGap[] = []
  return {
    messages,
    states,
    gaps,
    eventMessage: message => void messages.push(message),
    stateChanged: state => void states.push(state),
    gapEnded: gap => void gaps.push(gap),
    uuids: () =>
      messages
        .flatMap(message => decodeEventMessage(message).events)
        .map(event => ('uuid' in event ? event.uuid : event.hostname)),
  }
}

/** Waits until `holds`, at most `timeoutMs`. */
export async function eventually(holds: () => boolean, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${holds.toString()}`)
    await sleep(5)
  }
}

const started = (uuid: string): Record<string, unknown> => ({
  hostname: 'w1@hostA',
  utcoffset: 0,
  pid: 1,
  clock: 1,
  uuid,
  timestamp: 1_795_400_479.5,
  type: 'task-started',
})

const task = (id: string) => taskMessage({ id, name: 'shop.sync', args: [1, 'two'], origin: 'gen1@client' })

/** What every Broker and FleetLink promises; the same tests for every transport. */
export function brokerSuite(traits: TransportTraits, createWorld: () => Promise<BrokerWorld>): void {
  /** A connected broker with its record, and a connected link, taken down at the end. */
  const withWorld = async (
    run: (scene: {
      world: BrokerWorld
      broker: Broker
      heard: ReturnType<typeof recorder>
      link: FleetLink
    }) => Promise<void>,
    names?: NameOptions,
  ): Promise<void> => {
    const world = await createWorld()
    const broker = world.createBroker('default', names)
    const link = world.createLink(names)
    try {
      const heard = recorder()
      broker.start(heard)
      await broker.ready(10_000)
      await link.connect()
      await run({ world, broker, heard, link })
    } finally {
      await broker.stop()
      await link.close()
      await world.end()
    }
  }

  test('events arrive in order, single and batched, undecoded', () =>
    withWorld(async ({ heard, link }) => {
      await link.publishEvents(started('a'))
      await link.publishEvents([started('b'), started('c')])
      await link.publishEvents([])
      await link.publishEvents(started('d'))
      await eventually(() => heard.messages.length === 4)
      expect(heard.uuids()).toEqual(['a', 'b', 'c', 'd'])
      expect(heard.messages.every(message => message.form === traits.form)).toBe(true)
      expect(Math.abs(heard.messages[0]!.receivedAtMs - Date.now())).toBeLessThan(10_000)
      for (const { channel } of heard.messages) expect(channel).toMatch(/celeryev\/task\.(started|multi)$/)
    }))

  test('a malformed message is handed over as it is', () =>
    withWorld(async ({ heard, link }) => {
      await link.publishRaw('task.sent', 'no json \u0000 at all')
      await eventually(() => heard.messages.length === 1)
      expect(heard.messages[0]?.payload).toBe('no json \u0000 at all')
    }))

  test('a control request reaches every worker and ends when all expected have answered', () =>
    withWorld(async ({ broker, link }) => {
      await link.onControl(request => {
        for (const node of ['w1@a', 'w2@b']) void link.reply(request, node, { ok: 'pong' })
      })
      const began = Date.now()
      const replies = await broker.control(
        { method: 'ping' },
        { timeoutMs: 20_000, expect: new Set(['w1@a', 'w2@b']) },
      )
      expect(Date.now() - began).toBeLessThan(10_000)
      expect([...replies].sort((a, b) => a.node.localeCompare(b.node))).toEqual([
        { node: 'w1@a', ok: true, value: { ok: 'pong' } },
        { node: 'w2@b', ok: true, value: { ok: 'pong' } },
      ])
    }))

  test('a control request carries method, arguments and destination, and expects the nodes it names', () =>
    withWorld(async ({ broker, link }) => {
      await link.onControl(request => {
        if (request.destination?.includes('w1@a')) void link.reply(request, 'w1@a', request.arguments)
      })
      const replies = await broker.control(
        { method: 'active', arguments: { safe: true }, destination: ['w1@a'] },
        { timeoutMs: 20_000 },
      )
      expect(replies).toEqual([{ node: 'w1@a', ok: true, value: { safe: true } }])
    }))

  test('an error a worker answers comes as its text', () =>
    withWorld(async ({ broker, link }) => {
      await link.onControl(request => void link.reply(request, 'w1@a', { error: "KeyError('x')" }))
      expect(await broker.control({ method: 'x', destination: ['w1@a'] }, { timeoutMs: 20_000 })).toEqual([
        { node: 'w1@a', ok: false, error: "KeyError('x')" },
      ])
    }))

  test('who does not answer in time is left out, and the time-out is kept', () =>
    withWorld(async ({ broker, link }) => {
      await link.onControl(request => void link.reply(request, 'w1@a', 1))
      const began = Date.now()
      const replies = await broker.control(
        { method: 'ping' },
        { timeoutMs: 300, expect: new Set(['w1@a', 'silent@b']) },
      )
      expect(replies).toEqual([{ node: 'w1@a', ok: true, value: 1 }])
      expect(Date.now() - began).toBeGreaterThanOrEqual(295)
    }))

  test('a late reply goes nowhere and the next request is answered as ever', () =>
    withWorld(async ({ broker, link }) => {
      let answerLate = (): void => {}
      let slow = true
      await link.onControl(request => {
        if (slow) answerLate = () => void link.reply(request, 'w1@a', 'late')
        else void link.reply(request, 'w1@a', 'in time')
      })
      expect(await broker.control({ method: 'ping' }, { timeoutMs: 100 })).toEqual([])
      slow = false
      answerLate()
      expect(
        await broker.control({ method: 'ping' }, { timeoutMs: 20_000, expect: new Set(['w1@a']) }),
      ).toEqual([{ node: 'w1@a', ok: true, value: 'in time' }])
    }))

  test('requests at the same time get each their own answers, and other calls are not held up', () =>
    withWorld(async ({ broker, link }) => {
      await link.onControl(request => {
        if (request.method !== 'never') void link.reply(request, 'w1@a', request.method)
      })
      let neverEnded = false
      const never = broker.control({ method: 'never' }, { timeoutMs: 1500 }).then(replies => {
        neverEnded = true
        return replies
      })
      const methods = ['stats', 'active', 'ping']
      const answers = await Promise.all(
        methods.map(method => broker.control({ method, destination: ['w1@a'] }, { timeoutMs: 20_000 })),
      )
      expect(answers.map(([first]) => first?.ok && first.value)).toEqual(methods)
      await broker.readServer()
      expect(neverEnded).toBe(false)
      expect(await never).toEqual([])
    }))

  test('the depth of a queue counts every priority, and a known queue without messages is 0', () =>
    withWorld(async ({ broker, link }) => {
      for (const priority of [0, 3, 4, 6, 9, 9])
        await link.publishTask('reports', task(`p${priority}`), priority)
      await link.publishTask('other', task('o'))
      await link.declareQueue('empty')
      expect(await broker.readQueues(['reports', 'never declared', 'empty', 'other'])).toMatchObject([
        { queue: 'reports', depth: 6 },
        ...(traits.unknownQueueIs === 'empty' ? [{ queue: 'never declared', depth: 0 }] : []),
        { queue: 'empty', depth: 0 },
        { queue: 'other', depth: 1 },
      ])
      expect(await broker.readQueues([])).toEqual([])
    }))

  test('the oldest and the youngest message of each list are told by their ids, most urgent list first', () =>
    withWorld(async ({ broker, link }) => {
      for (const [id, priority] of [
        ['late', 9],
        ['first', 0],
        ['second', 0],
        ['third', 1],
        ['middle', 5],
      ] as const)
        await link.publishTask('q', task(id), priority)
      if (!traits.peeks) {
        expect(await broker.readQueues(['q'])).toMatchObject([{ depth: 5, heads: null, newest: null }])
        return
      }
      const read = async () => (await broker.readQueues(['q', 'empty']))[0]
      expect(await read()).toMatchObject({
        depth: 5,
        heads: ['first', 'middle', 'late'],
        newest: ['third', 'middle', 'late'],
      })
      await link.takeTask(['q'])
      expect(await read()).toMatchObject({ depth: 4, heads: ['second', 'middle', 'late'] })
      expect((await broker.readQueues(['empty']))[0]).toMatchObject({ heads: [], newest: [], unacked: 0 })
    }))

  test('nothing is unacknowledged and no alarm is on in a fresh broker', () =>
    withWorld(async ({ broker }) => {
      expect(await broker.readServer()).toMatchObject({
        unacked: 0,
        unackedOldestAgeSeconds: traits.peeks ? 0 : null,
        unackedOverdue: traits.peeks ? 0 : null,
        alarms: [],
      })
    }))

  test('a worker takes the most urgent first, and of equals the oldest', () =>
    withWorld(async ({ link }) => {
      const urgency = traits.mostUrgent === 'lowest' ? [0, 5, 9] : [9, 5, 0]
      for (const [id, step] of [
        ['late', 2],
        ['first', 0],
        ['second', 0],
        ['middle', 1],
      ] as const)
        await link.publishTask('q', task(id), urgency[step])
      await link.publishTask('r', task('urgent of another queue'), urgency[0])
      const ids: unknown[] = []
      for (let taken = await link.takeTask(['q', 'r']); taken; taken = await link.takeTask(['q', 'r']))
        ids.push(taken.task.headers['id'])
      expect(ids).toEqual(
        traits.mostUrgent === 'lowest'
          ? ['first', 'second', 'urgent of another queue', 'middle', 'late']
          : ['first', 'second', 'middle', 'late', 'urgent of another queue'],
      )
    }))

  test('a task comes out as it went in', () =>
    withWorld(async ({ link }) => {
      await link.publishTask('q', task('x'))
      const taken = await link.takeTask(['q'])
      expect(taken?.queue).toBe('q')
      expect(taken?.task.headers).toEqual(task('x').headers)
      expect(taken?.task.body).toEqual(task('x').body)
    }))

  test('declared queues are discovered, in every exchange of tasks', () =>
    withWorld(async ({ broker, link }) => {
      expect(await broker.discoverQueues()).toEqual([])
      for (const queue of ['reports', 'celery', 'emails', 'celery']) await link.declareQueue(queue)
      expect(await broker.discoverQueues()).toEqual(['celery', 'emails', 'reports'])
    }))

  test('the server says how it is', () =>
    withWorld(async ({ broker }) => {
      let reading = await broker.readServer()
      // RabbitMQ counts connections every five seconds.
      for (const endMs = Date.now() + 20_000; reading.connectedClients === null && Date.now() < endMs;) {
        await sleep(200)
        reading = await broker.readServer()
      }
      expect(reading.version).toMatch(/\S/)
      expect(reading.connectedClients).toBeGreaterThanOrEqual(1)
      expect(reading.maxClients).toBeGreaterThan(1)
      expect(reading.memoryUsedBytes).toBeGreaterThanOrEqual(0)
      expect(reading.memoryMaxBytes).toBeGreaterThanOrEqual(0)
      expect(reading.evictedKeysTotal).toBe(traits.evicts ? 0 : null)
      expect(reading.maxmemoryPolicy).toBe(traits.evicts ? 'noeviction' : null)
      expect(reading.roundTripSeconds).toBeGreaterThanOrEqual(0)
      expect(reading.roundTripSeconds).toBeLessThan(5)
    }))

  test('what monitors and killed workers leave behind is counted by kind', () =>
    withWorld(async ({ broker, link }) => {
      // Elsewhere a queue does not tell whether anybody will come for it.
      if (!traits.redisNames) return
      const rows = async () =>
        new Map((await broker.readControlKeys())?.map(row => [`${row.kind} ${row.orphan}`, row]))
      expect([...(await rows()).values()].map(row => [row.keys, row.bytes])).toEqual(
        Array.from({ length: 6 }, () => [0, 0]),
      )
      for (const queue of [
        'celeryev.1',
        'celeryev.2',
        'w1@a.celery.pidbox',
        '7.reply.celery.pidbox',
        'reports',
      ])
        await link.publishTask(queue, task('x'))
      const after = await rows()
      expect(after.get('event true')).toMatchObject({ keys: 2 })
      expect(after.get('control true')).toMatchObject({ keys: 1 })
      expect(after.get('reply true')).toMatchObject({ keys: 1 })
      expect(after.get('reply false')).toMatchObject({ keys: 0, bytes: 0 })
      expect(after.get('event true')?.bytes).toBeGreaterThan(1_000)
    }))

  test('two brokers both hear events and keep their replies apart', () =>
    withWorld(async ({ world, broker, heard, link }) => {
      const second = world.createBroker('second')
      const alsoHeard = recorder()
      second.start(alsoHeard)
      try {
        await second.ready(10_000)
        await link.onControl(request => void link.reply(request, 'w1@a', request.method))
        const wait = { timeoutMs: 20_000, expect: new Set(['w1@a']) }
        const [one, two] = await Promise.all([
          broker.control({ method: 'stats' }, wait),
          second.control({ method: 'ping' }, wait),
        ])
        expect([one[0], two[0]]).toEqual([
          { node: 'w1@a', ok: true, value: 'stats' },
          { node: 'w1@a', ok: true, value: 'ping' },
        ])
        await link.publishEvents(started('a'))
        await eventually(() => heard.messages.length === 1 && alsoHeard.messages.length === 1)
      } finally {
        await second.stop()
      }
    }))

  test('names follow the options of the fleet', () =>
    withWorld(
      async ({ world, broker, heard, link }) => {
        await link.onControl(request => void link.reply(request, 'w1@a', 'yes'))
        await link.publishEvents([started('a')])
        await link.declareQueue('q')
        await link.publishTask('q', task('x'), 9)
        expect(await broker.discoverQueues()).toEqual(['q'])
        expect(await broker.readQueues(['q'])).toMatchObject([{ queue: 'q', depth: 1 }])
        expect(
          await broker.control({ method: 'ping', destination: ['w1@a'] }, { timeoutMs: 20_000 }),
        ).toHaveLength(1)
        await eventually(() => heard.messages.length === 1)
        if (!traits.redisNames) return
        expect((await world.keys()).filter(key => !key.startsWith('app1:'))).toEqual([])
        expect(await world.keys()).toContain('app1:q:5')
      },
      {
        globalKeyprefix: 'app1:',
        sep: ':',
        prioritySteps: [0, 5],
        fanoutPrefix: 'x{db}.',
        fanoutPatterns: false,
        eventExchange: 'ev',
        controlExchange: 'ctl',
      },
    ))

  test('events under another database number or prefix are heard by who listens elsewhere', () =>
    withWorld(async ({ world, broker, heard, link }) => {
      if (!traits.redisNames) {
        expect(await broker.listenElsewhere(10)).toBeNull()
        return
      }
      const others = [
        world.createLink({ database: 3 }),
        world.createLink({ globalKeyprefix: 'app1:' }),
        world.createLink({ fanoutPatterns: false }),
      ]
      const listening = broker.listenElsewhere(1500)
      const endMs = Date.now() + 1500
      while (Date.now() < endMs) {
        for (const other of others) {
          await other.connect()
          await other.publishEvents(started('elsewhere'))
        }
        await link.publishEvents(started('here'))
        await sleep(20)
      }
      expect(await listening).toEqual(['/0.celeryev', '/3.celeryev/', 'app1:/0.celeryev/'])
      expect(new Set(heard.uuids())).toEqual(new Set(['here']))
      await Promise.all(others.map(other => other.close()))
    }))

  test('nothing is left in the broker after stop', () =>
    withWorld(async ({ world, broker, link }) => {
      await link.onControl(request => void link.reply(request, 'w1@a', 1))
      await broker.control({ method: 'ping' }, { timeoutMs: 200 })
      await broker.stop()
      expect(broker.state.state).toBe('stopped')
      expect(await world.keys()).toEqual([])
      await broker.stop()
    }))

  test('states are told once each: connecting, connected, stopped', () =>
    withWorld(async ({ broker, heard }) => {
      await broker.stop()
      expect(heard.states.map(state => state.state)).toEqual(['connecting', 'connected', 'stopped'])
    }))

  test('what is asked of a stopped broker is refused with a clear error', () =>
    withWorld(async ({ broker }) => {
      await broker.stop()
      await expect(broker.readServer()).rejects.toMatchObject({ code: 'BROKER_LOST' })
      await expect(broker.readQueues(['q'])).rejects.toMatchObject({ code: 'BROKER_LOST' })
      await expect(broker.discoverQueues()).rejects.toMatchObject({ code: 'BROKER_LOST' })
      await expect(broker.control({ method: 'ping' }, { timeoutMs: 10 })).rejects.toMatchObject({
        code: 'BROKER_LOST',
      })
      await expect(broker.ready(10)).rejects.toMatchObject({ code: 'BROKER_LOST' })
    }))

  test('a crash ends open requests with an error, and after the return events flow again', () =>
    withWorld(async ({ world, broker, heard, link }) => {
      let silent = true
      await link.onControl(request => {
        if (!silent) void link.reply(request, 'w1@a', 1)
      })
      const ended = broker.control({ method: 'ping' }, { timeoutMs: 60_000 }).catch((error: unknown) => error)
      await sleep(50)
      silent = false
      const crashedMs = Date.now()
      await world.crash()
      expect(await ended).toMatchObject({ code: expect.stringMatching(/^BROKER_/) as string })
      await eventually(() => broker.state.state === 'connecting')
      await expect(broker.readQueues(['q'])).rejects.toMatchObject({
        code: expect.stringMatching(/^BROKER_/) as string,
      })
      await sleep(300)
      await world.comeBack()
      const back = Date.now()
      await eventually(() => broker.state.state === 'connected')
      expect(Date.now() - back).toBeLessThan(2500)
      const again = world.createLink()
      await again.connect()
      await again.publishEvents(started('after'))
      await eventually(() => heard.uuids().includes('after'))
      await again.close()
      // The fleet's side comes back as well, its ear for control requests a little later.
      await link.publishEvents(started('old link'))
      await eventually(() => heard.uuids().includes('old link'))
      let answered = 0
      for (let attempt = 0; attempt < 20 && answered === 0; attempt++)
        answered = (await broker.control({ method: 'ping', destination: ['w1@a'] }, { timeoutMs: 500 }))
          .length
      expect(answered).toBe(1)
      expect(
        heard.states.map(state => state.state).filter((state, at, all) => state !== all[at - 1]),
      ).toEqual(['connecting', 'connected', 'connecting', 'connected'])
      // Where messages wait for us, whether any was missed depends on more than the crash.
      if (traits.form !== 'envelope') return
      expect(heard.gaps).toMatchObject([{ reason: 'connection_lost' }])
      const [{ fromMs, toMs } = { fromMs: 0, toMs: 0 }] = heard.gaps
      expect(fromMs).toBeGreaterThan(crashedMs - 30_000)
      expect(toMs - fromMs).toBeGreaterThanOrEqual(300)
      expect(toMs).toBeLessThanOrEqual(Date.now())
    }))
}
