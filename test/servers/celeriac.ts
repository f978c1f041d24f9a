import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ExposedSample, parseExposition } from '../../src/metrics/index.ts'
import { spawnLogged } from './celery.ts'

const root = join(import.meta.dirname, '..', '..')

/** The built program; `npm run build` makes it. */
export const MAIN = join(root, 'dist', 'src', 'cli', 'main.js')

export interface RunningCeleriac {
  /** Without a slash at the end. */
  readonly url: string
  log(): string
  /** GET, with the status and the parsed JSON. */
  get(path: string): Promise<{ readonly status: number; readonly body: unknown }>
  scrape(): Promise<readonly ExposedSample[]>
  /** SIGKILL, as an out-of-memory kill does. */
  kill(): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts the built program with arguments and, if given, the text of a YAML configuration and more variables; resolves once it
 * printed its URL.
 */
export async function startCeleriac(
  args: readonly string[],
  configText?: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<RunningCeleriac> {
  if (!existsSync(MAIN)) throw new Error('The program is not built. Run npm run build.')
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-program-'))
  const config = join(folder, 'celeriac.yaml')
  writeFileSync(config, configText ?? '{}')
  const { CELERY_BROKER_URL: _broker, ...environment } = process.env
  const running = await spawnLogged({
    command: process.execPath,
    args: [MAIN, ...args, '--config', config, '--listen', '127.0.0.1:0', '--log-format', 'json'],
    cwd: folder,
    environment: { ...environment, ...variables },
    name: 'program',
    ready: log => /^http:\S+$/m.test(log),
  })
  const url = (/^(http:\S+?)\/?$/m.exec(running.log())?.[1] ?? '').replace(/\/$/, '')
  return {
    url,
    log: () => running.log(),
    async get(path) {
      const response = await fetch(url + path)
      return { status: response.status, body: await response.json() }
    },
    async scrape() {
      const response = await fetch(`${url}/metrics`)
      return parseExposition(await response.text()).samples
    },
    async kill() {
      await running.kill()
      rmSync(folder, { recursive: true, force: true })
    },
    async stop() {
      await running.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Polls until `check` returns something, or throws what it was told last after `timeoutMs`. */
export async function eventually<T>(
  what: string,
  timeoutMs: number,
  check: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const end = Date.now() + timeoutMs
  let last: unknown
  for (;;) {
    try {
      const found = await check()
      if (found !== undefined) return found
    } catch (error) {
      last = error
    }
    if (Date.now() > end) throw new Error(`${what}: not within ${timeoutMs} ms`, { cause: last })
    await sleep(100)
  }
}
