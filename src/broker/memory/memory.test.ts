import { expect, test } from 'vitest'
import { silentLog } from '../../base/index.ts'
import { brokerSuite, realClock } from '../broker-suite.ts'
import { createMemoryBroker } from './broker.ts'
import { createMemoryLink } from './link.ts'
import { MemoryServer } from './server.ts'

brokerSuite(async () => {
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
  expect(server.take('a')).toBe('12345')
  server.push('a', 'x')
  expect(server.memoryUsedBytes).toBe(6)
})

test('a list stays first in, first out over many messages', () => {
  const server = new MemoryServer()
  let next = 0
  for (let i = 0; i < 10_000; i++) {
    server.push('q', String(i))
    if (i % 3 === 0) expect(server.take('q')).toBe(String(next++))
  }
  while (server.length('q') > 0) expect(server.take('q')).toBe(String(next++))
  expect(next).toBe(10_000)
  expect(server.keys()).toEqual([])
  expect(server.memoryUsedBytes).toBe(0)
})

test('a client beyond the maximum is refused', async () => {
  const server = new MemoryServer({ maxClients: 1 })
  await createMemoryLink({ server }).connect()
  await expect(createMemoryLink({ server }).connect()).rejects.toMatchObject({ code: 'BROKER_REFUSED' })
})
