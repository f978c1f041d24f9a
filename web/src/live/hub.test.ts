import { expect, test } from 'vitest'
import { VirtualClock } from '../../../src/base/index.ts'
import { Hub, type Member } from './hub.ts'
import { type FromHub, PING_MS } from './messages.ts'

/** A hub over streams that the test holds in its hand. */
function scene() {
  const clock = new VirtualClock(1_000_000)
  const streams: {
    opened: () => void
    overview: (text: string) => void
    failed: () => void
    closed: boolean
  }[] = []
  const hub = new Hub((_url, handlers) => {
    const stream = { ...handlers, closed: false }
    streams.push(stream)
    return {
      close: () => {
        stream.closed = true
      },
    }
  }, clock)
  const tab = (): Member & { heard: FromHub[] } => {
    const heard: FromHub[] = []
    return { heard, post: message => void heard.push(message) }
  }
  const join = { kind: 'join', url: 'http://h/live' } as const
  return { clock, streams, hub, tab, join, open: () => streams.filter(stream => !stream.closed).length }
}

test('eight tabs share one stream, and it ends with the last of them', () => {
  const { hub, tab, join, open, streams } = scene()
  const tabs = Array.from({ length: 8 }, tab)
  for (const each of tabs) hub.receive(each, join)
  streams[0]?.opened()
  streams[0]?.overview('{}')
  expect(open()).toBe(1)
  expect(tabs.every(each => each.heard.at(-1)?.kind === 'overview')).toBe(true)
  for (const each of tabs) hub.receive(each, { kind: 'leave' })
  expect(open()).toBe(0)
})

test('a tab that joins late gets the newest event at once', () => {
  const { hub, tab, join, streams } = scene()
  hub.receive(tab(), join)
  streams[0]?.opened()
  streams[0]?.overview('first')
  streams[0]?.overview('second')
  const late = tab()
  hub.receive(late, join)
  expect(late.heard).toEqual([{ kind: 'open' }, { kind: 'overview', text: 'second' }])
  hub.receive(late, join)
  expect(late.heard).toHaveLength(2)
})

test('a broken stream is tried again every five seconds until it opens, and late tabs hear that it is lost', async () => {
  const { hub, tab, join, streams, clock, open } = scene()
  const first = tab()
  hub.receive(first, join)
  streams[0]?.failed()
  expect(first.heard).toEqual([{ kind: 'lost', retryAtMs: 1_005_000 }])
  const late = tab()
  hub.receive(late, join)
  expect(late.heard).toEqual([{ kind: 'lost', retryAtMs: 1_005_000 }])
  expect(open()).toBe(0)
  await clock.advance(5000)
  expect(streams).toHaveLength(2)
  streams[1]?.failed()
  await clock.advance(5000)
  streams[2]?.opened()
  expect(late.heard.at(-1)).toEqual({ kind: 'open' })
  expect(open()).toBe(1)
})

test('nobody wants it any more: no retry is left behind', async () => {
  const { hub, tab, join, streams, clock } = scene()
  const only = tab()
  hub.receive(only, join)
  streams[0]?.failed()
  hub.receive(only, { kind: 'leave' })
  await clock.advance(60_000)
  expect(streams).toHaveLength(1)
})

test('a tab that died without a word is dropped, one that pings is kept', async () => {
  const { hub, tab, join, clock, open } = scene()
  const dead = tab()
  const alive = tab()
  hub.receive(dead, join)
  hub.receive(alive, join)
  for (let i = 0; i < 5; i++) {
    await clock.advance(PING_MS)
    hub.receive(alive, join)
  }
  expect(hub.size).toBe(1)
  expect(open()).toBe(1)
  await clock.advance(5 * PING_MS)
  expect(hub.size).toBe(0)
  expect(open()).toBe(0)
})

test('a silent connection is opened anew without alarm', async () => {
  const { hub, tab, join, clock, streams, open } = scene()
  const only = tab()
  hub.receive(only, join)
  streams[0]?.opened()
  for (let i = 0; i < 4; i++) {
    await clock.advance(PING_MS)
    hub.receive(only, join)
  }
  expect(streams).toHaveLength(2)
  expect(open()).toBe(1)
  expect(only.heard.some(message => message.kind === 'lost')).toBe(false)
})
