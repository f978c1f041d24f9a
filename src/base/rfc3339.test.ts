import { expect, test } from 'vitest'
import { rfc3339 } from './rfc3339.ts'

test.each([
  [1_700_000_000_000, '2023-11-14T22:13:20Z'],
  [1_700_000_000_120, '2023-11-14T22:13:20.12Z'],
  [1_700_000_000_001, '2023-11-14T22:13:20.001Z'],
  [undefined, '0001-01-01T00:00:00Z'],
])('%s is written as Go writes it: %s', (ms, text) => {
  expect(rfc3339(ms)).toBe(text)
})
