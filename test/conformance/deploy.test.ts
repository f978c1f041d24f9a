/** What is checked in is what is emitted, for every target. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { configSettings } from '../../src/cli/emit.ts'
import { loadConfig } from '../../src/config/index.ts'
import { emitSettings, targets } from '../../src/emit/index.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const EXAMPLE = 'deploy/celeriac.config.yaml'
const settings = emitSettings(
  configSettings(await loadConfig({ config: EXAMPLE }, {}, root, path => readFileSync(path, 'utf8'))),
)

const now = targets.flatMap(target => {
  const folder = target.name === 'docs' ? 'docs' : `deploy/${target.name}`
  return target.files(settings).map(file => ({ ...file, path: `${folder}/${file.path}` }))
})

describe('what is checked in is what the catalog emits', () => {
  test.each(now)('$path', ({ path, content, executable }) => {
    const there = existsSync(root + path) ? readFileSync(root + path, 'utf8') : ''
    expect(there === content, `${path} differs from the catalog: run \`npm run emit\``).toBe(true)
    expect((statSync(root + path).mode & 0o111) !== 0, 'may be run').toBe(executable ?? false)
  })

  test('nothing else lies beside them', () => {
    const beside = ['deploy', 'docs/runbooks'].flatMap(folder =>
      readdirSync(root + folder, { recursive: true, withFileTypes: true })
        .filter(entry => entry.isFile())
        .map(entry => `${entry.parentPath}/${entry.name}`.slice(root.length)),
    )
    const known = new Set([EXAMPLE, ...now.map(({ path }) => path)])
    expect(
      beside.filter(path => !known.has(path)),
      'delete what is no longer emitted',
    ).toEqual([])
  })
})

describe.each(targets)('$name', target => {
  test('the same settings give the same bytes, whatever was emitted before', () => {
    const first = target.files(settings)
    for (const each of targets) each.files(emitSettings({ labels: { team: 'x' } }))
    expect(target.files(settings)).toEqual(first)
    expect(target.print(settings)).toBe(target.print(settings))
  })

  test('every file says what made it, and no path leaves the folder', () => {
    for (const { path, content } of target.files(settings)) {
      expect(path).toMatch(/^[A-Za-z0-9][A-Za-z0-9._/-]*$/)
      expect(path).not.toContain('..')
      // JSON has no comments; what it is stands beside it.
      if (!path.endsWith('.json')) expect(content).toContain('Made by `npm run emit` from the catalog')
    }
  })
})
