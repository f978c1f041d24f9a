#!/usr/bin/env node
/**
 * `npm run bench`: builds, then runs every bench, or those named: `npm run bench -- events-to-metrics`. Options go to the benches:
 * `npm run bench -- scale --part series`. Nothing runs beside it.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root, runSteps, tool } from './steps.mjs'

const given = process.argv.slice(2)
const firstOption = given.findIndex(word => word.startsWith('-'))
const wanted = firstOption < 0 ? given : given.slice(0, firstOption)
const options = firstOption < 0 ? [] : given.slice(firstOption)
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
    ...options,
  ]),
)
