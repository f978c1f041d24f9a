import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { settingsText, writeSettings } from './write-settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'celeriac-settings-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const SETTINGS = [
  { path: ['alerts', 'CeleryQueueDepthHigh', 'queues', 'bulk.eu'], value: 1200 },
  { path: ['alerts', 'CelerySlowProcessing', 'tasks', 'render'], value: 500 },
]

function written(name: string, before: string): string {
  const path = join(folder, name)
  writeFileSync(path, before)
  writeSettings(path, SETTINGS)
  return readFileSync(path, 'utf8')
}

test('comments, order and all else stay; a limit that is an object keeps the rest of it', () => {
  expect(
    written(
      'a.yaml',
      [
        '# Ours.',
        'listen: 127.0.0.1:9808 # inside only',
        'alerts:',
        '  CelerySlowProcessing:',
        '    tasks:',
        '      # Large reports.',
        '      render: { threshold: 90, severity: info }',
        '  # Deep.',
        '  CeleryQueueDepthHigh: { threshold: 200 }',
        '',
      ].join('\n'),
    ),
  ).toBe(
    [
      '# Ours.',
      'listen: 127.0.0.1:9808 # inside only',
      'alerts:',
      '  CelerySlowProcessing:',
      '    tasks:',
      '      # Large reports.',
      '      render: { threshold: 500, severity: info }',
      '  # Deep.',
      '  CeleryQueueDepthHigh: { threshold: 200, queues: { bulk.eu: 1200 } }',
      '',
    ].join('\n'),
  )
})

test.each([
  ['empty.yaml', ''],
  ['null.yaml', 'alerts:\n'],
  ['b.json', '{"queues": []}'],
])('%s gets what is missing', (name, before) => {
  const text = written(name, before)
  expect(text).toContain('1200')
  expect(text).toContain('render')
  if (name.endsWith('.json'))
    expect(JSON.parse(text)).toHaveProperty(['alerts', 'CelerySlowProcessing', 'tasks', 'render'], 500)
})

test('a program is not written into, nor what cannot be read', () => {
  expect(() => writeSettings(join(folder, 'a.ts'), SETTINGS)).toThrow('only .yaml, .yml and .json')
  expect(() => written('broken.yaml', 'alerts: [')).toThrow('broken.yaml')
  expect(readFileSync(join(folder, 'broken.yaml'), 'utf8')).toBe('alerts: [')
})

test('as text, to be copied', () => {
  expect(settingsText(SETTINGS)).toBe(
    'alerts:\n  CeleryQueueDepthHigh:\n    queues:\n      bulk.eu: 1200\n  CelerySlowProcessing:\n    tasks:\n      render: 500\n',
  )
})
