#!/usr/bin/env node
/**
 * `npm start`: builds when the build is missing or older than the source, then runs the demo. What follows `--` goes to the
 * program instead: `npm start -- --broker redis://127.0.0.1:6379/0`.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
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
const given = process.argv.slice(2)
const child = spawn(process.execPath, [main, ...(given.length > 0 ? given : ['demo'])], { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 0)))
