#!/usr/bin/env node
/** `npm run bench`: builds, then runs every bench, or those named: `npm run bench -- events-to-metrics`. Nothing runs beside it. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root, runSteps, tool } from './steps.mjs'

const wanted = process.argv.slice(2)
runSteps([['build', tool('tsc'), '-p', 'tsconfig.build.json']])
const benches = readdirSync(join(root, 'bench'))
  .filter(name => name.endsWith('.ts'))
  .map(name => name.slice(0, -3))
  .sort()
const unknown = wanted.filter(name => !benches.includes(name))
if (unknown.length > 0) {
  process.stderr.write(`No bench named ${unknown.join(', ')}. There are: ${benches.join(', ')}\n`)
  process.exit(2)
}
runSteps(
  (wanted.length > 0 ? wanted : benches).map(name => [
    name,
    process.execPath,
    '--expose-gc',
    join('dist', 'bench', `${name}.js`),
  ]),
)
