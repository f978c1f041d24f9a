/** Asks the real amtool about files that exist only meanwhile. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Verdict } from './catalog-promtool.ts'

/** Runs a program in a folder with these files. */
export function runIn(
  program: string,
  args: readonly string[],
  files: Readonly<Record<string, string>>,
): Verdict {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-amtool-'))
  try {
    for (const [path, content] of Object.entries(files)) writeFileSync(join(folder, path), content)
    const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: folder, encoding: 'utf8' })
    if (error) throw error
    return { ok: status === 0, output: `${stdout}${stderr}` }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The receivers that an alert reaches under a configuration. */
export function receivers(config: string, labels: Readonly<Record<string, string>>): readonly string[] {
  const args = Object.entries(labels).map(([name, value]) => `${name}=${value}`)
  const { ok, output } = runIn(
    'amtool',
    ['config', 'routes', 'test', '--config.file=alertmanager.yml', ...args],
    { 'alertmanager.yml': config },
  )
  if (!ok) throw new Error(output)
  // Its warning about a flag goes to the other stream and stands behind.
  return (/^(.*)$/m.exec(output.replace(/Warning: --config\.file.*\n?/, ''))?.[1] ?? '').split(',')
}

/** What a template makes of a notification. */
export function rendered(text: string, data: unknown): string {
  const { ok, output } = runIn(
    'amtool',
    ['template', 'render', '--template.glob=*.tmpl', '--template.data=data.json', `--template.text=${text}`],
    { 'data.json': JSON.stringify(data), 'none.tmpl': '{{ define "none" }}{{ end }}' },
  )
  if (!ok) throw new Error(output)
  return output
}
