import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { sendExposition } from './exposition.ts'

const KIB = 1024
const piece = (i: number): string => `m{i="${i}"} ${'1'.repeat(64 * KIB)}\n`

/** So many pieces; `taken` tells in which turn of the event loop each was asked for. */
function* pieces(count: number, taken: number[], turn: () => number): Generator<string> {
  for (let i = 0; i < count; i++) {
    taken.push(turn())
    yield piece(i)
  }
}

const whole = (count: number): string => Array.from({ length: count }, (_, i) => piece(i)).join('')

async function send(
  count: number,
  acceptEncoding?: string,
): Promise<{ readonly text: string; readonly taken: readonly number[]; readonly encoding: string | null }> {
  let turns = 0
  const state = { ended: false }
  const counting = (async () => {
    while (!state.ended) {
      await new Promise(setImmediate)
      turns++
    }
  })()
  const taken: number[] = []
  const response = await sendExposition(
    pieces(count, taken, () => turns),
    'text/plain',
    acceptEncoding,
  )
  const body = Buffer.from(await response.arrayBuffer())
  state.ended = true
  await counting
  const encoding = response.headers.get('content-encoding')
  return { text: (encoding === 'gzip' ? gunzipSync(body) : body).toString(), taken, encoding }
}

test('a usual exposition is written at once', async () => {
  const { text, taken } = await send(16)
  expect(text).toBe(whole(16))
  expect(new Set(taken).size).toBe(1)
})

test('a large one is written in turns of the event loop, a bounded piece in each', async () => {
  const { text, taken } = await send(200)
  expect(text).toBe(whole(200))
  const perTurn = new Map<number, number>()
  for (const turn of taken) perTurn.set(turn, (perTurn.get(turn) ?? 0) + 1)
  const [first = 0, ...others] = [...perTurn.values()]
  // 2 MiB, then 256 KiB; turns may be counted one late.
  expect(first).toBeLessThanOrEqual(40)
  expect(Math.max(...others)).toBeLessThanOrEqual(8)
})

test('both are compressed for who takes gzip', async () => {
  for (const count of [0, 16, 200]) {
    const { text, encoding } = await send(count, 'deflate, gzip;q=1.0')
    expect(encoding).toBe('gzip')
    expect(text).toBe(whole(count))
  }
})
