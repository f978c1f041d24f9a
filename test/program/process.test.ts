/** The built program as a process: its pipes and its signals. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { eventually, MAIN } from '../servers/celeriac.ts'

const folder = mkdtempSync(join(tmpdir(), 'celeriac-process-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly err: string
}

/** Starts the program; `ended` resolves with how it ended and what it said on standard error. */
function start(args: readonly string[]): {
  readonly child: ReturnType<typeof spawn>
  readonly out: () => string
  readonly ended: Promise<Ended>
} {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, err }))
  })
  return { child, out: () => out, ended }
}

test.each([
  ['help', ['--help']],
  ['pages of documentation', ['emit', 'docs']],
])('%s that nobody reads to the end make no noise', async (_what, args) => {
  const { child, ended } = start(args)
  child.stdout?.destroy()
  expect(await ended).toEqual({ code: 0, signal: null, err: '' })
})

test('one press of Ctrl+C that arrives several times still lets it stop as it should', async () => {
  const { child, out, ended } = start(['demo', '--listen', '127.0.0.1:0', '--log-format', 'json'])
  await eventually('the URL', 60_000, () => (/^http:/m.test(out()) ? true : undefined))
  for (let i = 0; i < 3; i++) child.kill('SIGINT')
  const { code, err } = await ended
  expect(code).toBe(0)
  expect(err.match(/"Stopping\."/g)).toHaveLength(1)
})
