import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RedisServer, startRedis } from '../../test/servers/redis.ts'
import { emitOptions, targets } from '../emit/index.ts'
import { run } from './run.ts'

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis({ password: 'p/a@s#s' })
})
afterAll(() => redis.stop())

/** Runs a command line in a world of its own: what it printed, and how it ended. */
async function command(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; out: string; err: string }> {
  const texts = { out: '', err: '' }
  const sink = (key: 'out' | 'err'): Writable =>
    new Writable({
      decodeStrings: false,
      write(chunk: string, _encoding, done) {
        texts[key] += chunk
        done()
      },
    })
  const code = await run(args, {
    env,
    folder: import.meta.dirname,
    stdout: sink('out'),
    stderr: sink('err'),
    untilStopped: () => Promise.resolve('SIGTERM'),
  })
  return { code, ...texts }
}

test.each([
  [['--brokr', 'x'], /unknown option '--brokr' \(Did you mean --broker\?\)\. See: celeriac --help/],
  [['strat'], /unknown command "strat"; did you mean start\?/],
  [['start'], /No broker is configured\. Give --broker/],
  [['start', '--broker', 'kafka://h'], /Supported: redis:\/\//],
  [['start', '--broker', 'redis://h', '--listen', 'nonsense'], /--listen: expected HOST:PORT/],
  [
    ['start', '--broker', 'redis://h', '--broker-transport-option', 'global_keyprefiks=a'],
    /global_keyprefiks/,
  ],
  [['start', '--log-level', 'loud'], /Allowed choices are debug, info, warn, error/],
  [['demo', '--seed', 'x'], /whole number/],
  [['emit', 'graphana'], /Allowed choices are prometheus, .*docs/],
  [
    ['emit', 'prometheus', '--namespace', 'a'],
    /--namespace is not used by emit prometheus\. It takes --config/,
  ],
  [['emit', 'docs', '--scrape', 'a:1'], /--scrape is not used by emit docs\. It takes no options but -o/],
  [['emit', 'prometheus', '--scrape', 'a'], /--scrape: expected HOST:PORT, got "a"/],
  [['emit'], /missing required argument 'target'/],
  [['check', '--broker', 'redis://h', '--watch', 'ever'], /--watch: expected a duration/],
  [['check', '--broker', 'redis://h', '--watch', '1ms'], /--watch: expected a duration of at least 1s/],
  [['start', '--broker', ''], /must begin with a scheme/],
  [['start', '--broker', 'redis://:hunter2@h:99999/0'], /redis:\/\/:\*\*\*@h:99999.*between 1 and 65535/],
  [['start', '--broker', 'a=redis://h', '--broker', 'a=redis://i'], /Two brokers are named "a"\. Give each/],
  [['start', '--broker', 'redis://h', 'extra'], /too many arguments.*See: celeriac start --help/],
  [['start', '--broker', 'redis://h', '--retention', '1m'], /--retention: expected at least 1h/],
  [['start', '--broker', 'redis://h', '--external-url', 'ftp://x'], /--external-url: expected a URL/],
  [['start', '--broker', 'redis://h', '--compat', 'flower'], /Allowed choices are celery-exporter, none/],
  [
    ['start', '--broker', 'redis://h', '--rules', '/'],
    /Cannot read the rule file \/: it is a folder\. Check/,
  ],
  [['start', '--config', '.'], /is a folder\. Name a file in it, such as .*celeriac\.config\.yaml/],
  [['emit', 'prometheus', '-o', ''], /-o: expected a folder/],
  [['rules', 'test', '.'], /it is a folder\. Check the path/],
  [['rules', 'tst'], /unknown command 'tst' \(Did you mean test\?\)/],
  [['rules', 'test', '--jsn', 'x'], /Did you mean --json\?\)\. See: celeriac rules test --help/],
  [['check', '--config', 'nowhere.yaml'], /nowhere\.yaml does not exist/],
  [['start', '--broker', 'redis://h', '--rules', 'nowhere.yml'], /Cannot read the rule file .*nowhere\.yml/],
  [['rules', 'test', 'nowhere.yml'], /Cannot read .*nowhere\.yml/],
])('used wrongly: %j is refused with one line that says what to do', async (args, message) => {
  const { code, out, err } = await command(args)
  expect(err).toMatch(message)
  expect(err.trimEnd().split('\n')).toHaveLength(1)
  expect(out).toBe('')
  expect(code).toBe(2)
})

test('a rule group that would be evaluated a thousand times a second is refused', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-rules-'))
  const rules = join(folder, 'fast.yml')
  writeFileSync(rules, 'groups: [{name: g, interval: 1ms, rules: [{record: r, expr: "1"}]}]')
  const { code, err } = await command(['start', '--broker', 'redis://h', '--rules', rules])
  expect(err).toContain('group "g": interval: expected at least 1s, got 1ms.')
  expect(code).toBe(1)
  rmSync(folder, { recursive: true })
})

test('a configuration that does not parse, or that throws, is one line', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-broken-'))
  try {
    for (const [name, text, message] of [
      ['a.ts', 'export default {', /a\.ts: ParseError: Unexpected token/],
      ['b.js', 'throw new Error("no\\nluck")', /b\.js: no luck\. The file is run, and must export/],
      ['c.json', '{', /c\.json:1:2: /],
      ['d.yaml', 'brokers: 5', /d\.yaml:1: brokers: /],
    ] as const) {
      writeFileSync(join(folder, name), text)
      const { code, err } = await command(['start', '--config', join(folder, name)])
      expect(err).toMatch(message)
      expect(err.trimEnd().split('\n')).toHaveLength(1)
      expect(code).toBe(2)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('every command has help with an example', async () => {
  for (const name of [
    ['start'],
    ['demo'],
    ['check'],
    ['emit'],
    ['rules'],
    ['rules', 'test'],
    ['lint'],
    ['doctor'],
  ]) {
    const { code, out } = await command([...name, '--help'])
    expect(code).toBe(0)
    expect(out).toMatch(/Examples?:\n {2}celeriac /)
  }
})

test('the help of the program shows the main flags of what it does by default', async () => {
  const { code, out } = await command(['--help'])
  expect(code).toBe(0)
  for (const flag of [
    '--broker <url>',
    '--queues <names>',
    '--config <file>',
    '--listen <host:port>',
    '--rules <file>',
  ])
    expect(out).toContain(flag)
  expect(out).toMatch(/All of them: celeriac start --help/)
})

test('rule tests are reported for people, and as JSON', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-rules-'))
  try {
    writeFileSync(join(folder, 'a.rules.yml'), 'groups: [{name: g, rules: [{alert: Up, expr: up > 0}]}]')
    const test = (name: string, exp: string): void =>
      writeFileSync(
        join(folder, name),
        `rule_files: [a.rules.yml]
tests:
  - interval: 1m
    input_series: [{series: up, values: '1x5'}]
    alert_rule_test: [{eval_time: 2m, alertname: Up, exp_alerts: [${exp}]}]
`,
      )
    test('good.yml', '{}')
    test('bad.yml', '')
    const files = ['good.yml', 'bad.yml'].map(name => join(folder, name))
    const people = await command(['rules', 'test', ...files])
    expect(people.code).toBe(1)
    expect(people.out).toMatch(/good\.yml: passed\n.*bad\.yml: FAILED\n {2}/)
    const { code, out } = await command(['rules', 'test', '--json', ...files])
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject([
      { file: files[0], ok: true, expectations: 1, failures: [] },
      { file: files[1], ok: false, expectations: 1, failures: [expect.stringContaining('Up')] },
    ])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a broker that does not answer is one clear line and exit code 1', async () => {
  const { code, out } = await command(['check', '--broker', 'redis://:hunter2@127.0.0.1:1/0'])
  expect(code).toBe(1)
  expect(out).toMatch(
    /WRONG\s+The broker redis:\/\/:\*\*\*@127\.0\.0\.1:1\/0 cannot be reached\. .*\n\s+Cost: Queues.*\n\s+Fix: {2}Check host and port/,
  )
  expect(out).not.toContain('hunter2')
})

test('a wrong password is one clear line and never printed', async () => {
  const { code, out, err } = await command([
    'check',
    '--broker',
    `redis://:hunter2@127.0.0.1:${redis.port}/0`,
  ])
  expect(code).toBe(1)
  expect(out).toMatch(/WRONG .*password/i)
  expect(out + err).not.toContain('hunter2')
})

test('check says what is missing on a broker without a fleet, also as JSON', async () => {
  const { code, out } = await command([
    'check',
    '--json',
    '--watch',
    '5s',
    '--broker',
    `redis://:p/a@s#s@127.0.0.1:${redis.port}/0`,
  ])
  expect(code).toBe(1)
  const report = JSON.parse(out) as {
    ok: boolean
    brokers: { findings: { code: string; level: string; title: string; fix: string }[] }[]
  }
  expect(report.ok).toBe(false)
  const findings = report.brokers[0]?.findings ?? []
  expect(findings.map(({ code }) => code)).toEqual(['no-workers', 'no-queue', 'connected'])
  expect(findings.at(-1)?.title).toMatch(/^Connected to redis \d/)
  expect(findings[0]?.fix).toMatch(/celery -A yourapp worker -E/)
  expect(out).not.toContain('p/a@s#s')
})

test('emit prometheus prints rules that name themselves', async () => {
  const { code, out } = await command(['emit', 'prometheus'])
  expect(code).toBe(0)
  expect(out).toContain('alert: CeleryNoWorkers')
})

test('the help of emit lists every target with a line, and the options of each', async () => {
  const { code, out } = await command(['emit', '--help'])
  expect(code).toBe(0)
  for (const { name, description, uses } of targets) {
    expect(out).toContain(`  ${name}`)
    expect(out).toContain(description)
    for (const option of uses) expect(out).toContain(emitOptions[option].flags)
  }
})

test('emit -o writes every file of a target and names them, with the addresses that were given', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-emit-'))
  try {
    const args = ['--scrape', 'celeriac:9808', '--alertmanager', 'am:9093']
    const { code, out } = await command(['emit', 'prometheus', '-o', folder, ...args])
    expect(code).toBe(0)
    const named = out.trimEnd().split('\n')
    expect(named.toSorted()).toEqual(
      readdirSync(folder)
        .map(name => join(folder, name))
        .toSorted(),
    )
    const config = readFileSync(join(folder, 'prometheus.yml'), 'utf8')
    expect(config).toContain('- celeriac:9808')
    expect(config).toContain('- am:9093')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
