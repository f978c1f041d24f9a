#!/usr/bin/env node
/**
 * `npm test`: installs what the tests need and this machine lacks, builds what the browser and command line tests run, then runs
 * all tests. What follows `--` goes to the test runner: `npm test -- src/promql`.
 */
import { join } from 'node:path'
import { root, runSteps, tool } from './steps.mjs'

runSteps([
  ['servers', process.execPath, join(root, 'scripts', 'servers.mjs')],
  ['build', process.execPath, join(root, 'scripts', 'build.mjs')],
  ['tests', tool('vitest'), 'run', ...process.argv.slice(2)],
])
