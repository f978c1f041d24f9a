/** Runs the steps of a script one after another, each with its name and time, and stops at the first that fails. */
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of package.json. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** A program of node_modules, called by path so that no other program of its name is meant. */
export const tool = name => join(root, 'node_modules', '.bin', name)

/**
 * Runs [name, command, ...arguments] steps; ends the process with the failing step's status.
 * With `quiet`, a step's output is shown only when it fails.
 */
export function runSteps(steps, { quiet = false } = {}) {
  for (const [name, command, ...args] of steps) {
    const started = Date.now()
    const result = spawnSync(command, args, {
      cwd: root,
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
      encoding: 'utf8',
      env: process.env,
    })
    if (result.error) process.stderr.write(`${name}: ${result.error.message}\n`)
    if (result.status !== 0) {
      if (quiet) process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`)
      process.stderr.write(`${name}: failed\n`)
      process.exit(result.status ?? 1)
    }
    if (!quiet) process.stdout.write(`${name}: ok, ${((Date.now() - started) / 1000).toFixed(1)} s\n`)
  }
}
