import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MINUTE, SECOND } from '../base/index.ts'
import { createMemoryLink } from '../broker/index.ts'
import { decodeControlReply, taskMessage } from '../celery/index.ts'
import { describeIncident } from './incident.ts'
import { demoProfile, queuesOf } from './profile.ts'
import { SCENE_START_MS, startScene } from './scene.ts'
import type { FleetCounts } from './world.ts'

const placesOf = ({ published: _published, ...places }: FleetCounts): number =>
  Object.values(places).reduce((sum, count) => sum + count, 0)

test('every message is somewhere: sent is waiting, held, running, ended, lost or given back, at any time and through incidents', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.integer({ min: 5, max: 40 }),
      async (seed, tasksPerSecond) => {
        const scene = await startScene({ seed, profile: demoProfile({ tasksPerSecond }) })
        for (let step = 0; step < 6; step++) {
          await scene.clock.advance(17 * SECOND)
          const depths = await scene.depths()
          const { counts } = scene.fleet.state
          expect(placesOf(counts)).toBe(counts.published)
          expect([...depths.values()].reduce((sum, depth) => sum + depth, 0)).toBe(counts.waiting)
        }
        expect(scene.problems).toEqual([])
        await scene.fleet.stop()
        const { counts } = scene.fleet.state
        expect(counts.waiting).toBe(0)
        expect(placesOf(counts)).toBe(counts.published)
      },
    ),
    { numRuns: 6 },
  )
})

test('events tell the same story as the fleet itself', async () => {
  const scene = await startScene({ profile: demoProfile({ incidents: false }) })
  await scene.clock.advance(2 * MINUTE)
  const { counts } = scene.fleet.state
  expect(scene.problems).toEqual([])
  expect(scene.of('task-sent')).toHaveLength(counts.published - counts.returned)
  const ended = counts.succeeded + counts.failed + counts.retried
  // What the last few milliseconds did is still in the workers' buffers.
  const told =
    scene.of('task-succeeded').length + scene.of('task-failed').length + scene.of('task-retried').length
  expect(ended - told).toBeGreaterThanOrEqual(0)
  expect(ended - told).toBeLessThan(5)
  expect(counts.retried).toBeGreaterThan(5)
  expect(counts.failed).toBeGreaterThan(2)
  expect(scene.of('task-sent').filter(event => event.eta !== null).length).toBeGreaterThan(20)
  // About 30 a second, and a believable mix.
  expect(counts.published).toBeGreaterThan(2500)
  expect(counts.published).toBeLessThan(5000)
  const queues = new Set(scene.of('task-sent').map(event => event.queue))
  expect([...queues].sort()).toEqual([...queuesOf(scene.profile)].sort())
  expect(new Set(scene.of('task-sent').map(event => event.name)).size).toBeGreaterThan(20)
})

test('no task starts before its ETA, and each is received, started and ended in that order by one worker', async () => {
  const scene = await startScene({ seed: 7, profile: demoProfile({ incidents: false }) })
  await scene.clock.advance(90 * SECOND)
  const last = new Map<string, { type: string; hostname: string; eta: string | null }>()
  const order = ['task-received', 'task-started', 'task-succeeded', 'task-failed', 'task-retried']
  for (const event of scene.events) {
    if (!('uuid' in event) || event.type === 'task-sent') continue
    const before = last.get(event.uuid)
    if (event.type === 'task-received') {
      expect(before === undefined || before.type === 'task-retried').toBe(true)
    } else {
      expect(before?.hostname).toBe(event.hostname)
      expect(before?.type).toBe(event.type === 'task-started' ? 'task-received' : 'task-started')
      if (event.type === 'task-started' && before?.eta != null) {
        expect(event.timestamp).toBeGreaterThanOrEqual(Date.parse(before.eta) / 1000)
      }
    }
    expect(order).toContain(event.type)
    const eta = event.type === 'task-received' ? event.eta : (before?.eta ?? null)
    last.set(event.uuid, { type: event.type, hostname: event.hostname, eta })
  }
})

test('workers beat every two seconds, prefork workers batch their task events and gevent workers do not', async () => {
  const scene = await startScene()
  await scene.clock.advance(21 * SECOND)
  const beats = scene.of('worker-heartbeat').filter(event => event.hostname === 'reports-1@sim-node-1')
  expect(beats.length).toBeGreaterThanOrEqual(9)
  expect(
    beats.every(event => event.freq === 2 && event.active !== undefined && event.processed !== undefined),
  ).toBe(true)
  const bodies = scene.messages.map(
    message =>
      JSON.parse(Buffer.from(JSON.parse(message.payload).body as string, 'base64').toString()) as unknown,
  )
  const batches = bodies.filter(Array.isArray) as { hostname: string; type: string }[][]
  expect(batches.some(batch => batch.length > 1)).toBe(true)
  expect(Math.max(...batches.map(batch => batch.length))).toBeLessThanOrEqual(24)
  expect(
    batches.flat().every(event => event.type.startsWith('task-') && !event.hostname.startsWith('mail-')),
  ).toBe(true)
  expect(
    scene.events.some(event => event.hostname.startsWith('mail-') && event.type === 'task-started'),
  ).toBe(true)
})

test('the same seed tells the same story and another seed another', async () => {
  const tell = async (seed: number): Promise<string> => {
    const scene = await startScene({ seed })
    await scene.clock.advance(70 * SECOND)
    return scene.events
      .map(event => `${event.type} ${event.hostname} ${event.timestamp} ${'uuid' in event ? event.uuid : ''}`)
      .join('\n')
  }
  const first = await tell(3)
  expect(await tell(3)).toBe(first)
  expect(await tell(4)).not.toBe(first)
})

test('within 90 seconds two workers die without a word, their queue falls behind, and it recovers once they are back', async () => {
  const scene = await startScene()
  await scene.clock.advance(90 * SECOND)
  const first = scene.incidents[0]
  if (first?.incident.kind !== 'workers-die') throw new Error('expected workers to die first')
  expect(first.atMs - scene.clock.now()).toBeLessThan(0)
  const { queue, workers } = first.incident
  expect(workers).toHaveLength(2)
  expect(scene.of('worker-offline')).toEqual([])
  const heard = new Set(
    scene.events.filter(event => event.timestamp * 1000 > first.atMs + 100).map(event => event.hostname),
  )
  for (const worker of workers) expect(heard.has(worker)).toBe(false)
  expect(describeIncident(first.incident)).toMatch(
    /^Simulated incident: reports-1@sim-node-1 and reports-2@sim-node-2 die/,
  )
  await scene.clock.advance(60 * SECOND)
  expect((await scene.depths()).get(queue)).toBeGreaterThan(100)
  // CeleryQueueDepthHigh holds back for five minutes; it must be able to fire.
  await scene.clock.advance(240 * SECOND)
  expect((await scene.depths()).get(queue)).toBeGreaterThan(100)
  const recovered = async (): Promise<boolean> => {
    await scene.clock.advance(30 * SECOND)
    return ((await scene.depths()).get(queue) ?? 0) < 50
  }
  const mostMs = scene.clock.now() + 6 * MINUTE
  while (!(await recovered())) expect(scene.clock.now()).toBeLessThan(mostMs)
  expect(scene.fleet.state.workers.every(worker => worker.phase === 'up')).toBe(true)
}, 240_000)

test('all kinds of incident come round, one at a time, and each shows', async () => {
  const scene = await startScene({ seed: 11, profile: demoProfile({ tasksPerSecond: 8 }) })
  const kinds = (): number => new Set(scene.incidents.map(({ incident }) => incident.kind)).size
  while (kinds() < 5 || scene.incidents.at(-1)?.phase === 'began') {
    await scene.clock.advance(MINUTE)
    expect(scene.clock.now()).toBeLessThanOrEqual(SCENE_START_MS + 40 * MINUTE)
  }
  const began = scene.incidents.filter(({ phase }) => phase === 'began')
  expect(new Set(began.map(({ incident }) => incident.kind)).size).toBe(5)
  expect(scene.incidents.map(({ phase }) => phase)).toEqual(
    scene.incidents.map((_, index) => (index % 2 === 0 ? 'began' : 'ended')),
  )
  expect(scene.problems).toEqual([])
  const failing = began.find(({ incident }) => incident.kind === 'task-fails')
  if (failing?.incident.kind !== 'task-fails') throw new Error('no task failed')
  const refused = scene
    .of('task-failed')
    .filter(event => event.exception.startsWith('ConnectionRefusedError('))
  expect(refused.length).toBeGreaterThan(50)
  // A restart says goodbye and comes back as another process.
  const restarted = began.find(({ incident }) => incident.kind === 'worker-restarts')
  if (restarted?.incident.kind !== 'worker-restarts') throw new Error('no worker restarted')
  const { worker } = restarted.incident
  expect(scene.of('worker-offline').map(event => event.hostname)).toContain(worker)
  const pids = new Set(
    scene
      .of('worker-online')
      .filter(event => event.hostname === worker)
      .map(event => event.pid),
  )
  expect(pids.size).toBeGreaterThanOrEqual(2)
}, 240_000)

test('remote control is answered in exactly the shapes that real workers were recorded with', async () => {
  const scene = await startScene()
  await scene.clock.advance(30 * SECOND)
  for (const method of [
    'ping',
    'stats',
    'active_queues',
    'active',
    'reserved',
    'scheduled',
    'registered',
    'conf',
    'clock',
  ]) {
    const replies = await scene.ask(method)
    expect(replies).toHaveLength(16)
    const recorded = recordedReply(method)
    const simulated = replies
      .filter(reply => reply.ok && !reply.node.startsWith('mail-'))
      .map(reply => (reply.ok ? reply.value : null))
    if (method === 'conf') continue
    const shapes = simulated.map(shapeOf).filter(shape => shape !== '[]')
    // On a calm fleet nothing may be reserved; the shape of a request is the one `scheduled` shows too.
    if (method !== 'reserved') expect(shapes.length).toBeGreaterThan(0)
    for (const shape of shapes) expect(shape).toBe(shapeOf(recorded))
  }
})

test('active without safe holds arguments, with safe their text; one node is asked alone; an unknown method is an error', async () => {
  const scene = await startScene()
  await scene.clock.advance(30 * SECOND)
  const requests = async (args: Record<string, unknown>): Promise<{ args: unknown }[]> =>
    (await scene.ask('active', args)).flatMap(reply => (reply.ok ? (reply.value as { args: unknown }[]) : []))
  expect((await requests({})).every(request => Array.isArray(request.args))).toBe(true)
  expect((await requests({ safe: true })).every(request => typeof request.args === 'string')).toBe(true)
  const alone = scene.broker.control(
    { method: 'ping', destination: ['mail-1@sim-node-2'] },
    { timeoutMs: 100, expect: new Set(['mail-1@sim-node-2']) },
  )
  await scene.clock.advance(1)
  expect(await alone).toEqual([{ node: 'mail-1@sim-node-2', ok: true, value: { ok: 'pong' } }])
  const unknown = await scene.ask('no_such_command')
  expect(unknown[0]).toMatchObject({ ok: false, error: "KeyError('no_such_command')" })
})

test("somebody else's task is put back unharmed, and its queue is left alone", async () => {
  const scene = await startScene()
  await scene.clock.advance(5 * SECOND)
  const foreign = taskMessage({
    id: 'a-real-task',
    name: 'shop.charge',
    args: [1],
    origin: 'gen1@shop',
    priority: 3,
  })
  await createMemoryLink({ server: scene.server }).publishTask('billing', foreign)
  await scene.clock.advance(20 * SECOND)
  expect(scene.log.lines.filter(line => line.level === 'error')).toHaveLength(1)
  await scene.fleet.stop()
  const left = createMemoryLink({ server: scene.server })
  const found: unknown[] = []
  for (;;) {
    const taken = await left.takeTask(['billing'])
    if (taken === undefined) break
    found.push(taken.task.headers['id'])
  }
  expect(found).toContain('a-real-task')
})

test('a broker that goes down and returns does not end the fleet', async () => {
  const scene = await startScene({ profile: demoProfile({ incidents: false }) })
  await scene.clock.advance(20 * SECOND)
  scene.server.goDown()
  await scene.clock.advance(20 * SECOND)
  const during = scene.events.length
  scene.server.comeUp()
  await scene.clock.advance(30 * SECOND)
  expect(scene.events.length).toBeGreaterThan(during + 500)
  const told = scene.log.lines.filter(line => line.message.includes('simulated fleet'))
  expect(told.filter(line => line.level === 'warn')).toHaveLength(1)
  const { counts } = scene.fleet.state
  expect(placesOf(counts)).toBe(counts.published)
})

/** The value that a recorded 5.6.3 worker gave. */
function recordedReply(method: string): unknown {
  const file = join(import.meta.dirname, '../../test/fixtures/wire/redis-celery-5.6.3.jsonl')
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line === '') continue
    const record = JSON.parse(line) as { id: string; argv?: string[] }
    const id = method === 'ping' ? 'redis-5.6.3-reply-ok' : `redis-5.6.3-reply-${method}`
    if (record.id !== id) continue
    const reply = decodeControlReply(record.argv?.at(-1) ?? '')
    if (!reply.ok) throw new Error(reply.detail)
    const first = reply.value.replies[0]
    if (first?.ok === true) return first.value
  }
  throw new Error(`no recorded reply to ${method}`)
}

/** Keys and kinds, all the way down; maps from names to numbers and lists of plain values are leaves. */
function shapeOf(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `[${shapeOf(value[0])}]`
  if (value === null || typeof value !== 'object') return '.'
  const entries = Object.entries(value)
  return `{${entries.map(([key, each]) => (key === 'total' ? 'total' : `${key}${shapeOf(each)}`)).join(' ')}}`
}
