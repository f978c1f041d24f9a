#!/usr/bin/env node
/** `npm run dev`: rebuilds program and UI on change and restarts the demo (or what follows `--`). Stop with Ctrl+C. */
import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root, tool } from './steps.mjs'

const given = process.argv.slice(2)
const built = spawnSync(process.execPath, [join(root, 'scripts', 'build.mjs')], { stdio: 'inherit' })
if (built.status !== 0) process.exit(built.status ?? 1)
const children = [
  spawn(tool('tsc'), ['-p', 'tsconfig.build.json', '--watch', '--preserveWatchOutput'], {
    cwd: root,
    stdio: 'inherit',
  }),
  spawn(tool('vite'), ['build', 'web', '--watch', '--logLevel', 'warn'], { cwd: root, stdio: 'inherit' }),
  spawn(
    process.execPath,
    ['--watch', join('dist', 'src', 'cli', 'main.js'), ...(given.length > 0 ? given : ['demo'])],
    { cwd: root, stdio: 'inherit' },
  ),
]
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    for (const child of children) child.kill(signal)
    process.exit(0)
  })
}
