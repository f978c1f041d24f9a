import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { run } from './run.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'celeriac-lint-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function command(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const texts = { out: '', err: '' }
  const sink = (key: 'out' | 'err'): Writable =>
    new Writable({
      decodeStrings: false,
      write(chunk: string, _encoding, done) {
        texts[key] += chunk
        done()
      },
    })
  const code = await run(['lint', ...args], {
    env: {},
    folder,
    stdout: sink('out'),
    stderr: sink('err'),
    untilStopped: () => Promise.resolve('SIGTERM'),
  })
  return { code, ...texts }
}

const GROWING = `# Queues of the report service.
groups:
  - name: celery
    rules:
      - alert: QueueGrowing # since spring
        expr: |
          sum by (queue) (
            rate(celery_queue_depth[5m]) # per second
          ) > 1
`
const write = (path: string, text: string): void => writeFileSync(join(folder, path), text)

test('findings are printed with their place, reason and correction, and end with 1', async () => {
  write('queue.yml', GROWING)
  const { code, out } = await command('queue.yml')
  expect(code).toBe(1)
  expect(out).toMatch(
    /^queue\.yml:8:13 error rate\(\) of celery_queue_depth.* \[rate-on-gauge\]\n {2}why: .*\n {2}fix: deriv\(/,
  )
  expect(out).toMatch(/1 file: 1 rule\. Found 1 error\.\n$/)
})

test('--fix changes just what is wrong, keeps comments and layout, and says so', async () => {
  write('queue.yml', GROWING)
  const { code, out, err } = await command('--fix', 'queue.yml')
  expect({ code, err }).toEqual({ code: 0, err: 'Mended 1 in queue.yml.\n' })
  expect(out).toContain('Nothing found.')
  expect(readFileSync(join(folder, 'queue.yml'), 'utf8')).toBe(GROWING.replace('rate(celery', 'deriv(celery'))
})

test('folders and patterns are read whole, and files are held against one another', async () => {
  mkdirSync(join(folder, 'a', 'b'), { recursive: true })
  write('a/b/queue.yml', GROWING)
  write('a/notes.txt', GROWING)
  for (const name of ['a', 'a/**/*.yml', 'a/*/queue.yml', join(folder, 'a')]) {
    const { code, out } = await command(name)
    expect(code).toBe(1)
    expect(out).toMatch(/a\/b\/queue\.yml:8:13 error/)
    expect(out).toContain('1 file: 1 rule.')
  }
})

test('JSON and SARIF name the same place', async () => {
  write('queue.yml', GROWING)
  const json = await command('--format', 'json', 'queue.yml')
  expect(JSON.parse(json.out)).toMatchObject({
    findings: [{ rule: 'rate-on-gauge', file: 'queue.yml', line: 8, column: 13, endLine: 8, endColumn: 41 }],
    counts: { files: 1, rules: 1 },
  })
  const sarif = await command('--format', 'sarif', 'queue.yml')
  const log = JSON.parse(sarif.out) as {
    runs: { results: unknown[]; tool: { driver: { rules: { id: string }[] } } }[]
  }
  expect(log).toMatchObject({
    version: '2.1.0',
    runs: [
      {
        results: [
          {
            ruleId: 'rate-on-gauge',
            level: 'error',
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: 'queue.yml' },
                  region: { startLine: 8, startColumn: 13 },
                },
              },
            ],
          },
        ],
      },
    ],
  })
  const [first] = log.runs
  const index = (first?.results[0] as { ruleIndex: number } | undefined)?.ruleIndex ?? -1
  expect(first?.tool.driver.rules[index]?.id).toBe('rate-on-gauge')
})

test('a rule is silenced by its name, or where it is by a comment with a reason', async () => {
  write('queue.yml', GROWING)
  expect((await command('--disable', 'rate-on-gauge', 'queue.yml')).code).toBe(0)
  for (const at of ['      - alert', '            rate(', '# Queues']) {
    const word = at.startsWith('#') ? 'ignore-file' : 'ignore'
    write(
      'queue.yml',
      GROWING.replace(
        at,
        `${/^ */.exec(at)?.[0] ?? ''}# celeriac-lint: ${word} rate-on-gauge a counter by another name\n${at}`,
      ),
    )
    expect((await command('queue.yml')).code).toBe(0)
  }
  write('queue.yml', GROWING.replace('# since spring', '# celeriac-lint: ignore rate-on-gauge'))
  const { code, out } = await command('queue.yml')
  expect(code).toBe(1)
  expect(out).toContain('[ignore-without-reason]')
  expect(out).not.toContain('[rate-on-gauge]')
})

test('rules are listed and explained', async () => {
  expect((await command('--list')).out).toMatch(/^rate-on-gauge +error +`rate`/m)
  const { code, out } = await command('--explain', 'rate-on-gauge')
  expect(code).toBe(0)
  expect(out).toMatch(
    /Wrong: queue\.rules\.yml:[^]*rate\(celery_queue_depth[^]*Right: [^]*deriv\(celery_queue_depth/,
  )
})

test.each([
  [[], /No file is named\. Name files or folders/],
  [['nowhere.yml'], /Cannot read nowhere\.yml: .*no such file/],
  [['no/*.yml'], /Cannot read no/],
  [['--disable', 'rate-on-gage', 'a.yml'], /no lint rule "rate-on-gage"; did you mean "rate-on-gauge"\?/],
  [['--explain', 'x'], /no lint rule "x"/],
  [['--format', 'xml', 'a.yml'], /Allowed choices are text, json, sarif/],
])('used wrongly: lint %j is refused with one line', async (args, message) => {
  const { code, out, err } = await command(...args)
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toMatch(message)
  expect(err.trimEnd().split('\n')).toHaveLength(1)
})

test('a hint alone does not end with 1', async () => {
  write(
    'load.yml',
    'groups: [{name: g, rules: [{record: celery_tasks_active, expr: sum(celery_worker_tasks_active)}]}]\n',
  )
  const { code, out } = await command('load.yml')
  expect(code).toBe(0)
  expect(out).toMatch(/ hint .*\[recorded-name\]/)
})
