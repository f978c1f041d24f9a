import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from '@redis/client'
import { afterEach, expect, test } from 'vitest'
import { silentLog } from '../../base/index.ts'
import { type RedisServer, startRedis } from '../../../test/servers/redis.ts'
import type { Broker, FleetLink } from '../broker.ts'
import { eventually, listening, realClock, type recorder } from '../suite/stage.case.ts'
import { parseBrokerUrl } from '../url.ts'
import { createRedisBroker } from './broker.ts'
import { createRedisLink } from './link.ts'

/** Set to run the outages of half a minute as well: `OUTAGES=long npx vitest run src/broker/redis/outages.test.ts`. */
const LONG = process.env['OUTAGES'] === 'long'
/** A server that came back is seen within two seconds; the rest is for a busy machine. */
const SEEN_WITHIN_MS = 2_000
const TOLERANCE_MS = 3_000

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

interface Scene {
  readonly server: RedisServer
  readonly broker: Broker
  readonly heard: ReturnType<typeof recorder>
  readonly link: FleetLink
}

async function scene(args: readonly string[] = []): Promise<Scene> {
  const server = await startRedis({ args })
  cleanups.push(() => server.stop())
  const target = parseBrokerUrl(server.url)
  if (target.transport !== 'redis') throw new Error(server.url)
  const broker = createRedisBroker({ name: 'default', target, clock: realClock, log: silentLog })
  cleanups.push(() => broker.stop())
  const heard = await listening(broker)
  const link = createRedisLink({ target, clock: realClock, log: silentLog })
  cleanups.push(() => link.close())
  await link.connect()
  return { server, broker, heard, link }
}

const started = (uuid: string) => ({ hostname: 'w@h', type: 'task-started', uuid, timestamp: 1, clock: 1 })

/** The one gap there was, and that events are heard again. */
async function afterwards({ broker, heard, link }: Scene, backMs: number): Promise<void> {
  await eventually(() => broker.state.state === 'connected', 30_000)
  const seenAfterMs = Date.now() - backMs
  expect(seenAfterMs).toBeLessThan(SEEN_WITHIN_MS + TOLERANCE_MS)
  if (LONG) process.stdout.write(`seen again ${seenAfterMs} ms after the return\n`)
  await eventually(() => heard.gaps.length > 0)
  // The fleet's side may still find its old connection closed.
  await expect
    .poll(() =>
      link.publishEvents(started('after')).then(
        () => true,
        () => false,
      ),
    )
    .toBe(true)
  await eventually(() => heard.uuids().includes('after'))
  expect(heard.gaps).toHaveLength(1)
}

test.each([5, ...(LONG ? [40] : [])])(
  'a server that is killed and comes back after %d s is one gap of that length',
  async seconds => {
    const all = await scene()
    const { server, heard } = all
    const killedMs = Date.now()
    await server.kill()
    await sleep(seconds * 1_000)
    await server.restart()
    await afterwards(all, Date.now())
    const [gap] = heard.gaps
    expect(gap?.reason).toBe('connection_lost')
    expect(Math.abs((gap?.fromMs ?? 0) - killedMs)).toBeLessThan(TOLERANCE_MS)
    expect(gap?.toMs).toBeGreaterThanOrEqual(killedMs + seconds * 1_000)
  },
)

test.each([7, ...(LONG ? [20] : [])])(
  'a server that hangs for %d s is noticed, and is one gap from when it was heard last',
  async seconds => {
    const all = await scene()
    const { server, broker, heard } = all
    const hungMs = Date.now()
    server.pause()
    const asked = broker.readServer()
    await expect(asked).rejects.toMatchObject({ code: 'BROKER_LOST' })
    expect(broker.state).toMatchObject({
      state: 'connecting',
      error: { message: expect.stringMatching(/stopped answering/) as string },
    })
    await expect(broker.readServer()).rejects.toMatchObject({ code: 'BROKER_LOST' })
    await sleep(Math.max(0, hungMs + seconds * 1_000 - Date.now()))
    server.resume()
    await afterwards(all, Date.now())
    const [gap] = heard.gaps
    expect(gap?.reason).toBe('connection_lost')
    expect(gap?.fromMs).toBeLessThanOrEqual(hungMs + 100)
    expect(gap?.fromMs).toBeGreaterThan(hungMs - TOLERANCE_MS)
    expect(gap?.toMs).toBeGreaterThanOrEqual(hungMs + seconds * 1_000)
  },
)

test('a subscription that somebody kills is a gap, and not a cut-off', async () => {
  const all = await scene()
  const { server, heard } = all
  await sleep(1_500)
  const admin = createClient({ url: server.url })
  await admin.connect()
  const killedMs = Date.now()
  await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub'])
  admin.destroy()
  await afterwards(all, killedMs)
  expect(heard.gaps[0]?.reason).toBe('connection_lost')
  expect(heard.gaps[0]?.fromMs).toBeGreaterThanOrEqual(killedMs - TOLERANCE_MS)
  expect(heard.states.map(state => state.state)).toEqual([
    'connecting',
    'connected',
    'connecting',
    'connected',
  ])
  const lost = heard.states[2]
  expect(lost?.state === 'connecting' && lost.error?.code).toBe('BROKER_LOST')
})

/** Publishes 64 MB after three seconds, in another process. */
const FLOOD = `
const [port] = process.argv.slice(1)
const text = 'x'.repeat(65536)
const channel = '/0.celeryev/task.sent'
const command = '*3\\r\\n$7\\r\\nPUBLISH\\r\\n$' + channel.length + '\\r\\n' + channel + '\\r\\n$' + text.length + '\\r\\n' + text + '\\r\\n'
setTimeout(() => {
  let answers = 0
  const socket = require('node:net').connect(Number(port), '127.0.0.1', () => { for (let i = 0; i < 1000; i++) socket.write(command) })
  socket.on('data', data => { for (const byte of data) if (byte === 10 && ++answers === 1000) process.exit(0) })
}, 3000)
`

test('a process of ours that is stuck too long is cut off by the server, and says so', async () => {
  const all = await scene(['client-output-buffer-limit pubsub 4mb 0 0'])
  const { server, heard, link } = all
  await link.publishEvents(started('before'))
  await eventually(() => heard.uuids().includes('before'))
  await sleep(1_500)
  const stuckMs = Date.now()
  // While this waits, our event loop stands still.
  const flood = spawnSync(process.execPath, ['-e', FLOOD, String(server.port)], { timeout: 60_000 })
  expect(flood.status).toBe(0)
  const freeMs = Date.now()
  await afterwards(all, freeMs)
  const [gap] = heard.gaps
  expect(gap?.reason).toBe('cut_off')
  expect(gap?.fromMs).toBeLessThanOrEqual(stuckMs)
  expect(gap?.fromMs).toBeGreaterThan(stuckMs - TOLERANCE_MS)
  expect(gap?.toMs).toBeGreaterThanOrEqual(freeMs)
})

test('a process of ours that is stuck and not cut off has heard everything in the end', async () => {
  const { server, heard, link } = await scene()
  await link.publishEvents(started('before'))
  const flood = spawnSync(process.execPath, ['-e', FLOOD.replaceAll('1000', '300'), String(server.port)], {
    timeout: 60_000,
  })
  expect(flood.status).toBe(0)
  await eventually(() => heard.messages.length === 301, 20_000)
  expect(heard.gaps).toEqual([])
})
