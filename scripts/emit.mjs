#!/usr/bin/env node
/**
 * Writes what is emitted from the catalog and checked in: a folder of deploy/ for each target, with the configuration
 * deploy/celeriac.config.yaml, and the emitted pages of docs. `npm run emit`.
 * Reads the built program, so run `npm run build` first (or `npx tsc -p tsconfig.build.json` for the program alone).
 *
 * Usage: node scripts/emit.mjs           writes
 *        node scripts/emit.mjs --check   names the files that differ; exit 1 when there are any
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './steps.mjs'

const built = join(root, 'dist', 'src')
if (!existsSync(join(built, 'emit', 'index.js'))) {
  process.stderr.write('The program is not built. Run `npm run build`, then this again.\n')
  process.exit(2)
}
const load = path => import(pathToFileURL(join(built, path)).href)
const { emitSettings, targets } = await load('emit/index.js')
const { loadConfig } = await load('config/index.js')
const { configSettings } = await load('cli/emit.js')

const config = await loadConfig({ config: 'deploy/celeriac.config.yaml' }, {}, root, path =>
  readFileSync(path, 'utf8'),
)
const settings = emitSettings(configSettings(config))
const files = targets.flatMap(target => {
  const folder = target.name === 'docs' ? 'docs' : `deploy/${target.name}`
  return target.files(settings).map(file => ({ ...file, path: `${folder}/${file.path}` }))
})
const changed = files.filter(({ path, content }) => {
  const target = join(root, path)
  return !existsSync(target) || readFileSync(target, 'utf8') !== content
})

if (process.argv.includes('--check')) {
  for (const { path } of changed) process.stdout.write(`${path} differs from what the catalog emits\n`)
  process.exit(changed.length === 0 ? 0 : 1)
}
for (const { path, content, executable } of changed) {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), content)
  if (executable) chmodSync(join(root, path), 0o755)
  process.stdout.write(`wrote ${path}\n`)
}
