import fc from 'fast-check'
import { expect, test } from 'vitest'
import { actionOf, KEYS } from './keys.ts'

const free = { modified: false, typing: false, inDialog: false }

test('each key does its one thing', () => {
  for (const { key, action } of KEYS) expect(actionOf({ key, ...free }, true)).toBe(action)
  expect(new Set(KEYS.map(entry => entry.key)).size).toBe(KEYS.length)
})

test('a key does nothing while typing, with a modifier, in a dialog, or when single keys are off', () => {
  const flags = fc.record({ modified: fc.boolean(), typing: fc.boolean(), inDialog: fc.boolean() })
  fc.assert(
    fc.property(
      fc.constantFrom(...KEYS.map(entry => entry.key)),
      flags,
      fc.boolean(),
      (key, where, enabled) => {
        const acts = actionOf({ key, ...where }, enabled) !== undefined
        expect(acts).toBe(enabled && !where.modified && !where.typing && !where.inDialog)
      },
    ),
  )
})
