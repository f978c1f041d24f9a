#!/usr/bin/env node
import { run } from './run.ts'
import { untilSignalled } from './stop.ts'

// Whoever read our output has read enough (`celeriac emit docs | head -1`): there is nobody left to print for.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})
// A log that nobody takes any more is no reason to stop watching.
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  folder: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  untilStopped: () => untilSignalled(process),
})
