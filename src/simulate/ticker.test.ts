import fc from 'fast-check'
import { expect, test } from 'vitest'
import { VirtualClock } from '../base/index.ts'
import { Ticker } from './ticker.ts'

test('timers run on the grid, never early and at most one tick late, in the order of their ticks', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 30 }), async delays => {
      const clock = new VirtualClock(1007)
      const ticker = new Ticker(clock, 20)
      const rang: { due: number; at: number }[] = []
      for (const delay of delays) {
        ticker.after(delay, () => rang.push({ due: 1007 + delay, at: clock.now() }))
      }
      await clock.advance(600)
      expect(rang).toHaveLength(delays.length)
      for (const { due, at } of rang) {
        expect(at - due).toBeGreaterThanOrEqual(0)
        expect(at - due).toBeLessThan(20)
      }
      expect(rang.map(({ at }) => at)).toEqual(rang.map(({ at }) => at).sort((a, b) => a - b))
    }),
  )
})

test('a timer can be cancelled, by another of the same tick too, and stop ends all', async () => {
  const clock = new VirtualClock()
  const ticker = new Ticker(clock, 20)
  const rang: string[] = []
  const cancels: (() => void)[] = []
  ticker.after(5, () => {
    rang.push('first')
    cancels[0]?.()
    ticker.after(0, () => rang.push('again'))
  })
  cancels.push(ticker.after(6, () => rang.push('second')))
  await clock.advance(100)
  expect(rang).toEqual(['first', 'again'])
  ticker.after(5, () => rang.push('late'))
  ticker.stop()
  await clock.advance(100)
  expect(rang).toEqual(['first', 'again'])
})
