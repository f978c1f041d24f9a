import { expect, test } from 'vitest'
import { inWords } from './wording.ts'

test.each([
  [100, 'count', '100'],
  [30, 'seconds', '30s'],
  [90, 'seconds', '1m30s'],
  [0.25, 'seconds', '250ms'],
  [0.9, 'ratio', '90%'],
  [0.07, 'ratio', '7%'],
  [0.001, 'ratio', '0.1%'],
  [85, 'percent', '85%'],
  [0, 'per_second', '0'],
] as const)('%d as %s reads %s', (value, unit, words) => {
  expect(inWords(value, unit)).toBe(words)
})
