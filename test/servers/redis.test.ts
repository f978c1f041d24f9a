import { connect } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import { type RedisServer, startRedis } from './redis.ts'

const servers: RedisServer[] = []
afterAll(async () => {
  for (const server of servers) await server.stop()
})

/** The first line the server says to `text`, or 'no answer'. */
function ask(port: number, text: string): Promise<string> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1' })
    const finish = (answer: string): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(300, () => finish('no answer'))
    socket.once('error', () => finish('no answer'))
    socket.once('connect', () => socket.write(`${text}\r\n`))
    socket.once('data', data => finish(String(data).split('\r\n')[0] ?? ''))
  })
}

test('a server answers, dies, comes back on its port, hangs and goes on', async () => {
  const server = await startRedis()
  servers.push(server)
  expect(await ask(server.port, 'PING')).toBe('+PONG')
  await server.kill()
  expect(await ask(server.port, 'PING')).toBe('no answer')
  await server.restart()
  expect(await ask(server.port, 'PING')).toBe('+PONG')
  server.pause()
  expect(await ask(server.port, 'PING')).toBe('no answer')
  server.resume()
  expect(await ask(server.port, 'PING')).toBe('+PONG')
  await server.stop()
  await server.stop()
  expect(await ask(server.port, 'PING')).toBe('no answer')
})

test('a password is asked for, whatever characters it has', async () => {
  const password = 'p/w@#% "x'
  const server = await startRedis({ password })
  servers.push(server)
  expect(await ask(server.port, 'PING')).toMatch(/^-NOAUTH/)
  expect(await ask(server.port, `AUTH ${JSON.stringify(password)}`)).toBe('+OK')
  expect(decodeURIComponent(new URL(server.url).password)).toBe(password)
})
