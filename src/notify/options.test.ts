import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { notifyOptions } from './options.ts'

test('secrets come out wrapped', () => {
  const parsed = notifyOptions.parse({
    receivers: [
      {
        name: 'ops',
        slack: { webhookUrl: 'https://hooks.example/s3cr3t', channel: '#ops' },
        webhook: { url: 'https://x.example/s3cr3t', headers: { 'X-Key': 's3cr3t' } },
      },
    ],
  })
  expect(inspect(parsed, { depth: 9 }) + JSON.stringify(parsed)).not.toContain('s3cr3t')
  expect(parsed.receivers[0]?.slack?.webhookUrl.reveal()).toBe('https://hooks.example/s3cr3t')
  expect(notifyOptions.parse({})).toEqual({ receivers: [] })
})

const slack = { webhookUrl: 'https://hooks.example/x' }

test.each([
  ['no channel', [{ name: 'a' }], /at least one channel/],
  ['an unknown key', [{ name: 'a', slack, pager: {} }], /pager/],
  ['no URL', [{ name: 'a', slack: { webhookUrl: 'ftp://s3cr3t' } }], /http/],
  [
    'two of one name',
    [
      { name: 'a', slack },
      { name: 'a', slack },
    ],
    /different names/,
  ],
  [
    'two ways to log in',
    [
      {
        name: 'a',
        webhook: {
          url: 'http://x',
          bearerToken: 's3cr3t',
          basicAuth: { username: 'u', password: 's3cr3t' },
        },
      },
    ],
    /at most one/,
  ],
  ['a header that is none', [{ name: 'a', webhook: { url: 'http://x', headers: { 'a b': 'c' } } }], /header/],
])('%s is refused without repeating a secret', (_, receivers, message) => {
  const { error } = notifyOptions.safeParse({ receivers })
  expect(JSON.stringify(error?.issues)).toMatch(message)
  expect(JSON.stringify(error?.issues)).not.toContain('s3cr3t')
})
