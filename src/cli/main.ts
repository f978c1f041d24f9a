#!/usr/bin/env node
import { run } from './run.ts'

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  folder: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  untilStopped: () =>
    new Promise(resolve => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) {
        // The second signal is not waited for: who presses Ctrl+C twice wants out.
        process.once(signal, () => {
          process.once(signal, () => process.exit(130))
          resolve(signal)
        })
      }
    }),
})
