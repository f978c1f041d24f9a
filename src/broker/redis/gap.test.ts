import { expect, test } from 'vitest'
import { gapOf, type LostSubscription } from './gap.ts'

const run = (cutOffs: number | null = null, runId: string | null = 'r1') => ({ runId, cutOffs })
const MB = 1024 * 1024

const lost = (facts: Partial<LostSubscription> = {}): LostSubscription => ({
  how: 'closed',
  lostMs: 100_000,
  lastHeardMs: 99_950,
  vouchedMs: 99_400,
  unvouchedBytes: 10_000,
  ...facts,
})

test('a connection that ends while we keep up is a gap from its end', () => {
  expect(gapOf(lost(), run(), run(null, 'r2'), 105_000)).toEqual({
    reason: 'connection_lost',
    fromMs: 100_000,
    toMs: 105_000,
  })
})

test('a hung server is a gap from the last that was heard', () => {
  const hung = lost({ how: 'silent', lastHeardMs: 94_000, vouchedMs: 93_500 })
  expect(gapOf(hung, run(), run(), 110_000)).toEqual({
    reason: 'connection_lost',
    fromMs: 94_000,
    toMs: 110_000,
  })
  expect(gapOf({ ...hung, how: 'given up' }, run(), run(), 110_000).fromMs).toBe(94_000)
})

test('where the server counts whom it cuts off, its count decides', () => {
  expect(gapOf(lost(), run(3), run(4), 101_000)).toEqual({
    reason: 'cut_off',
    fromMs: 99_400,
    toMs: 101_000,
  })
  const behind = lost({ vouchedMs: 90_000, unvouchedBytes: 30 * MB })
  expect(gapOf(behind, run(3), run(3), 101_000)).toEqual({
    reason: 'connection_lost',
    fromMs: 90_000,
    toMs: 101_000,
  })
})

test('where it does not, being behind with more than sockets hold is a cut-off, if the server went on', () => {
  const behind = lost({ vouchedMs: 90_000, unvouchedBytes: MB })
  const cutOff = { reason: 'cut_off', fromMs: 90_000, toMs: 101_000 }
  expect(gapOf(behind, run(), run(), 101_000)).toEqual(cutOff)
  expect(gapOf(behind, run(), run(null, 'r2'), 101_000).reason).toBe('connection_lost')
  expect(gapOf(behind, run(null, null), run(null, null), 101_000).reason).toBe('connection_lost')
  expect(gapOf({ ...behind, how: 'given up' }, run(), run(), 101_000).reason).toBe('connection_lost')
  expect(gapOf({ ...behind, unvouchedBytes: 1_000 }, run(), run(), 101_000).reason).toBe('connection_lost')
})

test('a burst between two PINGs is a cut-off only when it was a flood', () => {
  expect(gapOf(lost({ unvouchedBytes: 6 * MB }), run(), run(), 101_000).reason).toBe('cut_off')
  expect(gapOf(lost({ unvouchedBytes: MB }), run(), run(), 101_000).reason).toBe('connection_lost')
})
