#!/usr/bin/env node
/**
 * Writes what is emitted from the catalog and checked in: deploy/prometheus and the emitted pages of docs. `npm run emit`.
 * Reads the built program, so run `npm run build` first (or `npx tsc -p tsconfig.build.json` for the program alone).
 *
 * Usage: node scripts/emit.mjs           writes
 *        node scripts/emit.mjs --check   names the files that differ; exit 1 when there are any
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './steps.mjs'

const door = join(root, 'dist', 'src', 'emit', 'index.js')
if (!existsSync(door)) {
  process.stderr.write('The program is not built. Run `npm run build`, then this again.\n')
  process.exit(2)
}
const { emitDocs, emitPrometheus } = await import(pathToFileURL(door).href)

const files = [
  ...emitPrometheus().map(({ path, content }) => [`deploy/prometheus/${path}`, content]),
  ...emitDocs().map(({ path, content }) => [`docs/${path}`, content]),
]
const changed = files.filter(([path, content]) => {
  const target = join(root, path)
  return !existsSync(target) || readFileSync(target, 'utf8') !== content
})

if (process.argv.includes('--check')) {
  for (const [path] of changed) process.stdout.write(`${path} differs from what the catalog emits\n`)
  process.exit(changed.length === 0 ? 0 : 1)
}
for (const [path, content] of changed) {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), content)
  process.stdout.write(`wrote ${path}\n`)
}
