#!/usr/bin/env node
/**
 * `npm start`: builds when the build is missing or older than the source, then runs the demo with the flags that follow `--`; with
 * a broker (flag, variable or configuration file) or a command among them, that: `npm start -- --broker redis://127.0.0.1:6379/0`.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { startArguments } from './start-arguments.mjs'
import { root } from './steps.mjs'

const main = join(root, 'dist', 'src', 'cli', 'main.js')
const page = join(root, 'dist', 'web', 'index.html')

/** Time of the newest file below a path. */
function newest(path) {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(0, ...readdirSync(path).map(name => newest(join(path, name))))
}

const sources = ['src', 'web', 'package.json', 'tsconfig.json', 'tsconfig.build.json'].map(name =>
  join(root, name),
)
const fresh =
  existsSync(main) &&
  existsSync(page) &&
  Math.min(statSync(main).mtimeMs, statSync(page).mtimeMs) > Math.max(...sources.map(newest))
if (!fresh) {
  process.stderr.write('Building (once) …\n')
  const built = spawnSync(process.execPath, [join(root, 'scripts', 'build.mjs'), '--quiet'], {
    stdio: 'inherit',
  })
  if (built.status !== 0) process.exit(built.status ?? 1)
}
/** Whether the environment or the configuration file names a broker. */
async function hasBroker(config) {
  const { loadConfig } = await import(pathToFileURL(join(root, 'dist', 'src', 'config', 'index.js')).href)
  const read = path => readFileSync(path, 'utf8')
  const flags = config === undefined ? {} : { config }
  return (await loadConfig(flags, process.env, process.cwd(), read)).brokers.length > 0
}

const child = spawn(process.execPath, [main, ...(await startArguments(process.argv.slice(2), hasBroker))], {
  stdio: 'inherit',
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
