import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { eventually, started, type Suite } from './stage.case.ts'

/** The life of a Broker: states, stop, crash and return. */
export function lifeSuite({ traits, withWorld }: Suite): void {
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
