import { expect, test } from 'vitest'
import { memoryLog, VirtualClock } from '../base/index.ts'
import { createMemoryBroker, createMemoryLink, MemoryServer, type ReceivedControl } from '../broker/index.ts'
import { Observations } from '../findings/index.ts'
import { createFleet } from '../fleet/index.ts'
import { createInspection } from './inspection.ts'

type Answer = (request: ReceivedControl) => unknown

const healthy: Answer = ({ method }) =>
  method === 'stats'
    ? { pid: 7, pool: { implementation: 'celery.concurrency.prefork:TaskPool', 'max-concurrency': 4 } }
    : method === 'active_queues'
      ? [{ name: 'reports', routing_key: 'reports' }]
      : method === 'enable_events'
        ? { ok: 'task events enabled' }
        : []

/** Workers as answers to questions, on a clock that stands still: only what is waited for moves it. */
async function stage(workers: Readonly<Record<string, Answer | undefined>>, enableEvents = false) {
  const clock = new VirtualClock(1_000_000)
  const log = memoryLog()
  const server = new MemoryServer()
  const broker = createMemoryBroker({ name: 'default', server, clock, log })
  const link = createMemoryLink({ server, log })
  const fleet = createFleet()
  const observations = new Observations()
  const asked: { method: string; destination: readonly string[] | null }[] = []
  await link.connect()
  await link.onControl(request => {
    asked.push({ method: request.method, destination: request.destination })
    for (const [node, answer] of Object.entries(workers)) {
      if (answer === undefined || request.destination?.includes(node) === false) continue
      void link.reply(request, node, answer(request))
    }
  })
  broker.start({ eventMessage() {}, stateChanged() {}, gapEnded() {} })
  await broker.ready(1000)
  fleet.observe({ kind: 'broker-connected' }, clock.now())
  const beat = (node: string, pid = 7): void =>
    fleet.apply(
      {
        type: 'worker-heartbeat',
        hostname: node,
        pid,
        freq: 2,
        active: 0,
        processed: 0,
        clock: 1,
        timestamp: clock.now() / 1000,
      },
      clock.now(),
    )
  for (const node of Object.keys(workers)) beat(node)
  const inspection = createInspection({
    broker,
    fleet,
    observations,
    now: () => clock.now(),
    log,
    enableEvents,
  })
  return {
    fleet,
    observations,
    log,
    asked,
    beat,
    /** Runs one round; how long it waited for answers. */
    round: async (): Promise<number> => {
      const startedMs = clock.now()
      const progress = { over: false }
      const ended = inspection.round().finally(() => (progress.over = true))
      while (!progress.over) {
        await new Promise(resolve => {
          setImmediate(resolve)
        })
        if (!progress.over) await clock.advance(1)
      }
      await ended
      for (const node of Object.keys(workers)) beat(node)
      return clock.now() - startedMs
    },
    worker: (node: string) => fleet.workers(clock.now()).find(({ worker }) => worker === node),
  }
}

test('a round ends as soon as all known workers have answered', async () => {
  const { round, worker, asked } = await stage({ 'w1@a': healthy, 'w2@a': healthy })
  expect(await round()).toBeLessThan(500)
  expect(asked.map(({ method }) => method)).toEqual([
    'stats',
    'active_queues',
    'active',
    'reserved',
    'scheduled',
  ])
  expect(worker('w2@a')).toMatchObject({ concurrency: 4, queues: ['reports'], reserved: 0 })
})

test('before anyone is known the whole time-out is waited, and when nobody answers no more is asked', async () => {
  const { round, asked, observations } = await stage({})
  expect(await round()).toBeGreaterThanOrEqual(1000)
  expect(asked.map(({ method }) => method)).toEqual(['stats'])
  expect(observations.rounds).toBe(1)
})

test('a deaf worker costs one time-out a round, and its coming to its senses is noticed', async () => {
  const workers: Record<string, Answer | undefined> = { 'w1@a': healthy, 'w2@a': undefined }
  const { round, observations, worker } = await stage(workers)
  for (let i = 1; i <= 3; i++) {
    const waitedMs = await round()
    expect(waitedMs).toBeGreaterThanOrEqual(1000)
    expect(waitedMs).toBeLessThan(2000)
    expect(observations.answers('w2@a')).toMatchObject({ answeredMs: null, missed: i })
  }
  workers['w2@a'] = healthy
  expect(await round()).toBeLessThan(500)
  expect(observations.answers('w2@a')).toMatchObject({ missed: 0 })
  expect(worker('w2@a')?.concurrency).toBe(4)
})

test('a worker that answers with an error is there, its error is kept and said once', async () => {
  const { round, observations, log, worker } = await stage({
    'w1@a': request => (request.method === 'stats' ? { error: "KeyError('x')" } : healthy(request)),
  })
  await round()
  await round()
  expect(worker('w1@a')).toMatchObject({ state: 'up', concurrency: null, queues: ['reports'] })
  expect(observations.answers('w1@a')).toMatchObject({
    missed: 0,
    error: { method: 'stats', text: "KeyError('x')" },
  })
  expect(log.lines.filter(({ message }) => message === 'A worker answered with an error.')).toHaveLength(1)
})

test('a worker that knows no "safe" is asked again without it, alone', async () => {
  const { round, asked, worker } = await stage({
    'w1@a': healthy,
    'old@a': request =>
      request.method === 'active' && 'safe' in request.arguments
        ? { error: `TypeError("active() got an unexpected keyword argument 'safe'")` }
        : healthy(request),
  })
  await round()
  expect(asked.filter(({ method }) => method === 'active')).toEqual([
    { method: 'active', destination: null },
    { method: 'active', destination: ['old@a'] },
  ])
  expect(worker('old@a')?.active).toBe(0)
})

test('enable_events is never sent unasked', async () => {
  const { round, asked } = await stage({ 'w1@a': healthy })
  await round()
  await round()
  expect(asked.some(({ method }) => method === 'enable_events')).toBe(false)
})

test('when wanted, enable_events is sent once to each worker, and again only to a new process', async () => {
  const { round, asked, beat } = await stage({ 'w1@a': healthy, 'w2@a': healthy }, true)
  const sent = (): (readonly string[] | null)[] =>
    asked.filter(({ method }) => method === 'enable_events').map(({ destination }) => destination)
  await round()
  await round()
  expect(sent()).toEqual([['w1@a', 'w2@a']])
  beat('w2@a', 8)
  await round()
  expect(sent()).toEqual([['w1@a', 'w2@a'], ['w2@a']])
})
