import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { eventually, recorder, started, task, type Suite } from './stage.case.ts'

/** Events and names: what a Broker hears, and under which names it listens. */
export function eventsSuite({ traits, withWorld }: Suite): void {
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
}
