import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const START_TIMEOUT_MS = 30_000

export const running = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null

/** Ends a process of ours with SIGKILL and resolves when it is gone. */
export async function killed(child: ChildProcess | undefined): Promise<void> {
  if (child?.pid === undefined || !running(child)) return
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  child.kill('SIGKILL')
  await ended
}

/** A loopback port that nobody listens on right now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        address !== null && typeof address === 'object'
          ? resolve(address.port)
          : reject(new Error('no port was given')),
      )
    })
  })
}

export interface WebServer {
  /** Without a slash at the end. */
  readonly url: string
  /** Ends the process and removes its folder. */
  readonly stop: () => Promise<void>
}

/**
 * Starts a program of the Prometheus family with one configuration file in a folder of its own on a free loopback port; resolves when
 * `/-/ready` says so. It is killed when the test process ends.
 */
export async function startWebServer(options: {
  readonly program: string
  readonly config: string
  readonly args: (place: {
    readonly file: string
    readonly folder: string
    readonly url: string
  }) => readonly string[]
}): Promise<WebServer> {
  const { program } = options
  const folder = await mkdtemp(join(tmpdir(), `celeriac-${program}-`))
  const file = join(folder, 'config.yml')
  await writeFile(file, options.config)
  const url = `http://127.0.0.1:${await freePort()}`
  const child = spawn(program, options.args({ file, folder, url }), {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let output = ''
  child.stderr.on('data', chunk => (output = (output + String(chunk)).slice(-2000)))
  child.on('error', error => (output += error.message))
  const endWithUs = (): void => {
    child.kill('SIGKILL')
  }
  process.on('exit', endWithUs)
  const stop = async (): Promise<void> => {
    await killed(child)
    process.off('exit', endWithUs)
    await rm(folder, { recursive: true, force: true })
  }
  const ready = async (): Promise<boolean> => {
    try {
      return (await fetch(`${url}/-/ready`)).ok
    } catch {
      // Not listening yet.
      return false
    }
  }
  const deadline = Date.now() + START_TIMEOUT_MS
  while (!(await ready())) {
    if (child.pid === undefined || !running(child) || Date.now() > deadline) {
      await stop()
      throw new Error(`${program} did not start: ${output}`)
    }
    await sleep(50)
  }
  return { url, stop }
}
