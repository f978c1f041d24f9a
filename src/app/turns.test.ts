import { expect, test } from 'vitest'
import { breathe, goAhead, inTurns } from './turns.ts'

/** One turn of the event loop. */
const turn = (): Promise<void> => new Promise(resolve => void setImmediate(resolve))

test('only one of many works goes on in each turn of the event loop, one after the other', async () => {
  const pieces: string[] = []
  let inThisTurn = 0
  let most = 0
  function* work(name: string): Generator<void, string, void> {
    for (let i = 0; i < 3; i++) {
      pieces.push(`${name}${i}`)
      most = Math.max(most, ++inThisTurn)
      yield
    }
    return name
  }
  const state = { ended: false }
  const watching = (async () => {
    while (!state.ended) {
      inThisTurn = 0
      await turn()
    }
  })()
  // Every look at the clock is a second later: each slice is over after one piece.
  let nowMs = 0
  const clock = (): number => (nowMs += 1000)
  expect(await Promise.all(['a', 'b', 'c'].map(name => inTurns(work(name), clock)))).toEqual(['a', 'b', 'c'])
  state.ended = true
  await watching
  expect(pieces).toEqual(['a0', 'b0', 'c0', 'a1', 'b1', 'c1', 'a2', 'b2', 'c2'])
  expect(most).toBe(1)
})

test('long work rests while somebody waits for other work, but not for ever', async () => {
  const told: string[] = []
  function* work(): Generator<void, void, void> {
    told.push('work')
    yield
  }
  const answer = goAhead(async () => {
    for (let i = 0; i < 5; i++) await turn()
    told.push('answer')
  })
  await Promise.all([inTurns(work(), () => 0), answer])
  expect(told).toEqual(['answer', 'work'])

  const state: { release?: () => void } = {}
  const endless = goAhead(() => new Promise<void>(resolve => (state.release = resolve)))
  await inTurns(work(), () => 0)
  state.release?.()
  await endless
  expect(told).toEqual(['answer', 'work', 'work'])
})

test('a slice goes on until its time is over', async () => {
  let turns = 0
  const state = { ended: false }
  const counting = (async () => {
    while (!state.ended) {
      await turn()
      turns++
    }
  })()
  function* work(): Generator<void, number, void> {
    for (let i = 0; i < 100_000; i++) yield
    return 1
  }
  expect(await inTurns(work(), () => 0)).toBe(1)
  state.ended = true
  await counting
  expect(turns).toBeLessThan(10)
})

test('what a work throws reaches who waits for it, and others go on', async () => {
  // oxlint-disable-next-line require-yield
  function* broken(): Generator<void, number, void> {
    throw new Error('no such thing')
  }
  const failing = inTurns(broken(), () => 0)
  const breathing = breathe()
  await expect(failing).rejects.toThrow('no such thing')
  await breathing
})
