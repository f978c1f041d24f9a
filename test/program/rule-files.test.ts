/** Rule files of the user's own in the built program: groups of one name are two groups, and a rule that fails is told once. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { overview } from '../../src/contract/index.ts'
import { eventually, type RunningCeleriac, startCeleriac } from '../servers/celeriac.ts'

const folder = mkdtempSync(join(tmpdir(), 'celeriac-rule-files-'))
const ours = join(folder, 'ours.yml')
const theirs = join(folder, 'theirs.yml')
let celeriac: RunningCeleriac
beforeAll(async () => {
  writeFileSync(
    ours,
    `groups: [{name: same, interval: 1s, limit: 1, rules: [
      {alert: 'Always on', expr: 'vector(1)', annotations: {summary: 'It is on'}},
      {record: 'too:many', expr: 'celery_worker_up'}]}]`,
  )
  writeFileSync(theirs, `groups: [{name: same, interval: 1s, rules: [{record: 'one', expr: 'vector(1)'}]}]`)
  celeriac = await startCeleriac(['demo', '--rules', ours, '--rules', theirs])
}, 60_000)
afterAll(async () => {
  await celeriac?.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('groups of one name in two files are counted apart, as Prometheus names them', async () => {
  const counts = await eventually('five evaluations of each', 60_000, async () => {
    const samples = (await celeriac.scrape()).filter(({ name }) => name === 'celeriac_rule_evaluations_total')
    const of = (file: string): number =>
      samples.find(({ labels }) => labels['rule_group'] === `${file};same`)?.value ?? 0
    return of(ours) >= 10 && of(theirs) >= 5 ? samples : undefined
  })
  expect(counts.map(({ labels }) => labels['rule_group'])).toContain('catalog;celery_alerts')
  const failures = (await celeriac.scrape()).filter(
    ({ name }) => name === 'celeriac_rule_evaluation_failures_total',
  )
  expect(failures.find(({ labels }) => labels['rule_group'] === `${theirs};same`)?.value).toBe(0)
  expect(failures.filter(({ value }) => value > 0).map(({ labels }) => labels)).toEqual([
    { rule_group: `${ours};same` },
  ])
})

test('what fires in one is told once, however often the other is evaluated', async () => {
  const { changes } = overview.parse((await celeriac.get('/api/celeriac/overview')).body)
  expect(changes.filter(({ kind, subject }) => kind === 'firing' && subject === 'Always on')).toHaveLength(1)
})

test('a rule that fails is logged once, with its file, group and name', () => {
  const lines = celeriac
    .log()
    .split('\n')
    .filter(line => line.includes('too:many'))
    .map(line => JSON.parse(line) as Record<string, unknown>)
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatchObject({
    'log.level': 'warn',
    message: 'A rule fails; its end or another error is told, each repetition is not.',
    celeriac: {
      file: ours,
      group: 'same',
      rule: 'too:many',
      error: expect.stringMatching(/^exceeded limit of 1 with \d+ series$/) as unknown,
    },
  })
})
