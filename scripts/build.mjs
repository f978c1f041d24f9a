#!/usr/bin/env node
/** Builds dist/: the program with tsc, the UI with Vite. `npm run build`. */
import { chmodSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root, runSteps, tool } from './steps.mjs'

rmSync(join(root, 'dist'), { recursive: true, force: true })
runSteps(
  [
    ['program', tool('tsc'), '-p', 'tsconfig.build.json'],
    ['web', tool('vite'), 'build', 'web', '--logLevel', 'warn'],
  ],
  { quiet: process.argv.includes('--quiet') },
)
chmodSync(join(root, 'dist', 'src', 'cli', 'main.js'), 0o755)
