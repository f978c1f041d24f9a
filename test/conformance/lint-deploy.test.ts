/** `celeriac lint` has nothing to say of what Celeriac itself emits: every target, all together as they are checked in, and each alone. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { emitSettings, targets } from '../../src/emit/index.ts'
import { lint, type LintFile, type LintReport } from '../../src/lint/index.ts'

const root = join(import.meta.dirname, '..', '..')
const said = ({ findings }: LintReport): readonly string[] =>
  findings.map(({ file, line, rule, message }) => `${file}:${line} ${rule} ${message}`)

test('nothing is found in deploy/', () => {
  const folder = join(root, 'deploy')
  const files: readonly LintFile[] = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .map(path => ({ path: relative(root, path).replaceAll('\\', '/'), text: readFileSync(path, 'utf8') }))
  const report = lint(files)
  expect(report.counts.rules).toBeGreaterThan(20)
  expect(said(report)).toEqual([])
})

test.each(targets.filter(({ name }) => name !== 'docs').map(({ name }) => name))(
  'nothing is found in what emit %s writes',
  name => {
    const target = targets.find(each => each.name === name)
    const files = target?.files(emitSettings()).map(({ path, content }) => ({ path, text: content })) ?? []
    expect(files.length).toBeGreaterThan(0)
    expect(said(lint(files))).toEqual([])
  },
)
