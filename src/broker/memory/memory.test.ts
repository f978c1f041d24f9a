import { expect, test } from 'vitest'
import { silentLog } from '../../base/index.ts'
import { brokerSuite } from '../suite/broker-suite.ts'
import { realClock, REDIS_TRAITS } from '../suite/stage.case.ts'
import { createMemoryBroker } from './broker.ts'
import { createMemoryLink } from './link.ts'
import { MemoryServer } from './server.ts'

brokerSuite(REDIS_TRAITS, async () => {
  const server = new MemoryServer()
  return {
    createBroker: (name, names) =>
      createMemoryBroker({ name, server, clock: realClock, log: silentLog, ...(names && { names }) }),
    createLink: names => createMemoryLink({ server, ...(names && { names }) }),
    keys: async () => server.keys(),
    crash: async () => server.goDown(),
    comeBack: async () => server.comeUp(),
    end: async () => {},
  }
})

test('a full server refuses a push with a clear error and takes messages again once some are gone', () => {
  const server = new MemoryServer({ maxMemoryBytes: 10 })
  server.push('a', '12345')
  server.push('b', '12345')
  expect(() => server.push('a', 'x')).toThrow(/full: it holds 10 of at most 10 bytes/)
  expect(server.isFull).toBe(true)
  expect(server.take('a')).toBe('12345')
  expect(server.isFull).toBe(false)
  server.push('a', 'x')
  expect(server.memoryUsedBytes).toBe(6)
})

test('a list stays first in, first out over many messages', () => {
  const server = new MemoryServer()
  const taken: (string | undefined)[] = []
  const pushed = Array.from({ length: 10_000 }, (_, i) => String(i))
  for (const [i, message] of pushed.entries()) {
    server.push('q', message)
    if (i % 3 === 0) taken.push(server.take('q'))
  }
  while (server.length('q') > 0) taken.push(server.take('q'))
  expect(taken).toEqual(pushed)
  expect(server.keys()).toEqual([])
  expect(server.memoryUsedBytes).toBe(0)
})

test('a client beyond the maximum is refused', async () => {
  const server = new MemoryServer({ maxClients: 1 })
  await createMemoryLink({ server }).connect()
  await expect(createMemoryLink({ server }).connect()).rejects.toMatchObject({ code: 'BROKER_REFUSED' })
})
