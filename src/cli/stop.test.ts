import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { untilSignalled } from './stop.ts'

function stage(): {
  readonly signal: (name: 'SIGINT' | 'SIGTERM', atMs: number) => void
  readonly stopped: Promise<NodeJS.Signals>
  readonly exits: readonly number[]
} {
  let nowMs = 0
  const exits: number[] = []
  const process = Object.assign(new EventEmitter(), { exit: (code: number) => exits.push(code) })
  const stopped = untilSignalled(process, () => nowMs)
  return {
    signal: (name, atMs) => {
      nowMs = atMs
      process.emit(name)
    },
    stopped,
    exits,
  }
}

test('one press of Ctrl+C that arrives several times stops once and cuts nothing', async () => {
  const { signal, stopped, exits } = stage()
  for (const atMs of [5000, 5000.4, 5003, 5900]) signal('SIGINT', atMs)
  expect(await stopped).toBe('SIGINT')
  expect(exits).toEqual([])
})

test('who asks again a moment later wants out at once', async () => {
  const { signal, stopped, exits } = stage()
  signal('SIGTERM', 0)
  expect(await stopped).toBe('SIGTERM')
  signal('SIGINT', 1000)
  expect(exits).toEqual([130])
  signal('SIGTERM', 1500)
  expect(exits).toEqual([130, 143])
})
