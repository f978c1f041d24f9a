import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect } from 'node:net'
import { type RabbitmqServer, startRabbitmq } from './rabbitmq.ts'

let server: RabbitmqServer
beforeAll(async () => {
  server = await startRabbitmq()
}, 180_000)
afterAll(() => server.stop())

/** The first byte the server says to AMQP's protocol header: 1 opens a conversation. */
function greet(port: number): Promise<number | 'no answer'> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1' })
    const finish = (answer: number | 'no answer'): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(500, () => finish('no answer'))
    socket.once('error', () => finish('no answer'))
    socket.once('connect', () => socket.write(Buffer.from('AMQP\u0000\u0000\u0009\u0001', 'latin1')))
    socket.once('data', data => finish(data[0] ?? 'no answer'))
  })
}

/** Processes whose environment has this HOME, whoever is their parent. */
function processesIn(home: string): string[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(pid => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`HOME=${home}`)
      } catch {
        return false
      }
    })
}

test('a server answers, dies, comes back on its ports with its data, hangs, goes on, and leaves nothing', async () => {
  expect(await greet(server.port)).toBe(1)
  const home = /(?:^|\0)HOME=([^\0]*)/.exec(readFileSync(`/proc/${server.pid}/environ`, 'latin1'))?.[1] ?? ''
  expect(home).toContain('celeriac-rabbitmq-')
  expect(processesIn(home).length).toBeGreaterThanOrEqual(2)
  await server.createVhost('kept')
  await server.api('PUT', 'queues/kept/q', { durable: true })
  expect(await server.queues('kept')).toEqual(['q'])
  expect(await server.ctl('list_vhosts', '--quiet')).toContain('kept')

  const { pid } = server
  await server.kill()
  expect(await greet(server.port)).toBe('no answer')
  await server.restart()
  expect(server.pid).not.toBe(pid)
  expect(await greet(server.port)).toBe(1)
  expect(await server.queues('kept')).toEqual(['q'])

  server.pause()
  expect(await greet(server.port)).toBe('no answer')
  server.resume()
  await expect.poll(() => greet(server.port), { timeout: 10_000 }).toBe(1)

  await server.stop()
  await server.stop()
  await expect.poll(() => processesIn(home), { timeout: 10_000 }).toEqual([])
}, 240_000)
