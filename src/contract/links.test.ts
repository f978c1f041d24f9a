import fc from 'fast-check'
import { expect, test } from 'vitest'
import { alertKey, alertLink } from './index.ts'

test('an alert is named by its rule and its labels, whatever their order', () => {
  expect(alertKey('A', { queue: 'm"x', broker: 'b', alertname: 'A' })).toBe('A{broker="b",queue="m\\"x"}')
  expect(alertKey('A', { broker: 'b', queue: 'm"x' })).toBe(alertKey('A', { queue: 'm"x', broker: 'b' }))
  expect(alertKey('A', {})).toBe('A')
})

test('the link to an alert holds its key, whatever its labels hold', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.string({ unit: 'grapheme' })), labels => {
      const found = new URL(alertLink('A', labels), 'http://localhost:9808/watch/')
      expect(found.pathname).toBe('/watch/')
      expect(found.searchParams.get('alert')).toBe(alertKey('A', labels))
    }),
  )
})
