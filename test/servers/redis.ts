import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from '@redis/client'
import { freePort, killed } from './child.ts'

const START_TIMEOUT_MS = 15_000
const PORT_ATTEMPTS = 5

export interface RedisServer {
  /** `redis://127.0.0.1:port/0`, with the password percent-encoded when there is one. */
  readonly url: string
  readonly port: number
  /** The same server as a unix socket. */
  readonly socketPath: string
  /** Ends the process at once (SIGKILL), as a crash does. */
  kill(): Promise<void>
  /** Starts again on the same port, empty, after `kill`. */
  restart(): Promise<void>
  /** Hangs the process (SIGSTOP): connections stay open and nothing answers. */
  pause(): void
  resume(): void
  /** Ends the process and removes its folder. May be called twice. */
  stop(): Promise<void>
}

/**
 * A real redis-server on a free loopback port in a folder of its own, without persistence; resolves when it answers. `sentinel`
 * makes it a sentinel, which writes its configuration and is told in `args` what to watch. Call `stop` in `afterAll`. A server whose test process ends is ended with it.
 */
export async function startRedis(
  options: {
    readonly password?: string
    readonly args?: readonly string[]
    readonly sentinel?: boolean
  } = {},
): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'celeriac-redis-'))
  const socketPath = join(folder, 'redis.sock')
  let port = 0
  let child: ChildProcess | undefined
  const endWithUs = (): void => {
    child?.kill('SIGKILL')
  }
  process.on('exit', endWithUs)

  const launch = async (): Promise<void> => {
    const text = configText(port, folder, socketPath, options.password, options.args ?? [])
    const file = join(folder, 'sentinel.conf')
    if (options.sentinel === true) await writeFile(file, text)
    const started = spawn('redis-server', options.sentinel === true ? [file, '--sentinel'] : ['-'], {
      cwd: folder,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let output = ''
    started.stdout.on('data', chunk => (output = (output + String(chunk)).slice(-2000)))
    started.stderr.on('data', chunk => (output = (output + String(chunk)).slice(-2000)))
    let failure: string | undefined
    started.on('error', error => (failure = error.message))
    started.stdin.on('error', error => (failure ??= error.message))
    // Through the standard input, so that a password is not in the process list.
    started.stdin.end(text)
    const deadline = Date.now() + START_TIMEOUT_MS
    while (!(await answers(port))) {
      if (failure !== undefined || started.exitCode !== null || Date.now() > deadline) {
        started.kill('SIGKILL')
        throw new Error(`redis-server did not start on port ${port}: ${failure ?? output}`)
      }
      await sleep(20)
    }
    if (started.exitCode !== null) throw new Error(`redis-server ended at once on port ${port}: ${output}`)
    child = started
  }

  const end = async (): Promise<void> => {
    const ending = child
    child = undefined
    await killed(ending)
  }

  for (let attempt = 1; ; attempt++) {
    port = await freePort()
    try {
      await launch()
      break
    } catch (error) {
      // Somebody else may have taken the port between our look and the server's bind.
      if (attempt < PORT_ATTEMPTS) continue
      process.off('exit', endWithUs)
      await rm(folder, { recursive: true, force: true })
      throw error
    }
  }

  const credentials = options.password === undefined ? '' : `:${encodeURIComponent(options.password)}@`
  return {
    url: `redis://${credentials}127.0.0.1:${port}/0`,
    port,
    socketPath,
    kill: end,
    async restart() {
      await end()
      await launch()
    },
    pause() {
      child?.kill('SIGSTOP')
    },
    resume() {
      child?.kill('SIGCONT')
    },
    async stop() {
      await end()
      process.off('exit', endWithUs)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** One command to a server, on a connection of its own. */
export async function askRedis(url: string, ...command: string[]): Promise<unknown> {
  const client = createClient({ url, RESP: 2 })
  client.on('error', () => {})
  await client.connect()
  try {
    return await client.sendCommand(command)
  } finally {
    client.destroy()
  }
}

function configText(
  port: number,
  folder: string,
  socketPath: string,
  password: string | undefined,
  args: readonly string[],
): string {
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${JSON.stringify(folder)}`,
    `unixsocket ${JSON.stringify(socketPath)}`,
    'save ""',
    'appendonly no',
    'daemonize no',
    ...args,
  ]
  if (password !== undefined) lines.push(`requirepass ${JSON.stringify(password)}`)
  return `${lines.join('\n')}\n`
}

/** True as soon as a server on the port answers PING with anything, be it NOAUTH. */
function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1' })
    const finish = (ok: boolean): void => {
      socket.destroy()
      resolve(ok)
    }
    socket.setTimeout(1000, () => finish(false))
    socket.once('error', () => finish(false))
    socket.once('connect', () => socket.write('PING\r\n'))
    socket.once('data', data => finish(/^(\+PONG|-NOAUTH)/.test(String(data))))
  })
}
