#!/usr/bin/env node
/** The gate: types, lint with type information, the house, unused code, formatting. `npm run lint`. */
import { runSteps, tool } from './steps.mjs'

runSteps([
  ['types', tool('tsc'), '-p', 'tsconfig.json', '--noEmit'],
  ['types of web', tool('tsc'), '-p', 'web/tsconfig.json', '--noEmit'],
  ['lint', tool('oxlint'), '--type-aware', '--deny-warnings', 'src', 'web', 'test', 'bench', 'scripts'],
  ['house', process.execPath, 'scripts/house.mjs'],
  ['unused code', tool('knip'), '--no-progress'],
  ['formatting', tool('prettier'), '--check', '.', '--log-level', 'warn'],
])
