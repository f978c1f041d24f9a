import fc from 'fast-check'
import { expect, test } from 'vitest'
import { redactUrl } from './redact.ts'

test.each([
  ['redis://localhost:6379/0', 'redis://localhost:6379/0'],
  ['redis://:pw@h:6379/0', 'redis://:***@h:6379/0'],
  ['redis://user:p/w@#x@h/0?password=x&db=1', 'redis://user:***@h/0?password=***&db=***'],
  ['amqp://guest:guest@h:5672//', 'amqp://guest:***@h:5672//'],
  ['amqp://h/vhost', 'amqp://h/vhost'],
  ['redis+socket:///run/redis.sock?virtual_host=0', 'redis+socket:///run/redis.sock?virtual_host=***'],
  ['sentinel://a:26379;sentinel://b:26379/0', 'sentinel://a:26379;sentinel://b:26379/0'],
  ['rediss://[::1]:6380/2', 'rediss://[::1]:6380/2'],
])('%s is shown as %s', (url, shown) => {
  expect(redactUrl(url)).toBe(shown)
})

test.each([
  'redis://user:SECRET',
  'redis://:SECRET/0',
  'redis://:SECRET%40h:6379/0',
  'amqp://user:SECRET',
  'redis://h:6379/SECRET',
  'redis://:SECRET#1',
  'sentinel://a:26379;sentinel://:SECRET',
])('a password without its @ is not shown: %s', url => {
  expect(redactUrl(url)).not.toContain('SECRET')
})

test('whatever a password holds, it is not shown', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.boolean(), (tail, complete) => {
      const url = `redis://:SECRET${tail}${complete ? '@host:6379/0' : ''}`
      // An @ inside a password without a host after it cannot be told from the one before a host.
      expect(redactUrl(url)).not.toContain('SECRET')
    }),
  )
})
