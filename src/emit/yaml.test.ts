import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { toYaml } from './yaml.ts'

test('what is written reads back as it was, whatever the texts hold', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.stringMatching(/^[ {}#:|>\-&*!%@`"'\n\\a]{0,12}$/),
  )
  const { value } = fc.letrec(tie => ({
    value: fc.oneof(
      { maxDepth: 3 },
      text,
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), tie('value'), { maxKeys: 4 }),
    ),
  }))
  fc.assert(
    fc.property(value, data => {
      expect(parse(toYaml('a comment\n\nof three lines', { data }))).toEqual({ data })
    }),
  )
})

test('the comment stands on top, expressions of several lines stay lines, templates are quoted', () => {
  expect(toYaml('why\n\nmore', { expr: 'a\n/ b', text: '{{ $value }}' })).toBe(
    ['# why', '#', '# more', '', 'expr: |-', '  a', '  / b', 'text: "{{ $value }}"', ''].join('\n'),
  )
})

test('a note stands above the entry that it names, and one that names nothing is refused', () => {
  const data = { a: { b: 1, c: [{ d: 2 }] } }
  expect(
    toYaml('top', data, [
      [['a', 'b'], 'one'],
      [['a', 'c', 0], 'two\nlines'],
    ]),
  ).toBe(
    ['# top', '', 'a:', '  # one', '  b: 1', '  c:', '    # two', '    # lines', '    - d: 2', ''].join('\n'),
  )
  expect(() => toYaml('top', data, [[['a', 'x'], 'lost']])).toThrow('No entry a.x')
})

test('what YAML 1.1 would read as a truth value, a number or a date is quoted', () => {
  const texts = ['on', 'No', 'y', '0o17', '017', '1:30', '2026-01-02', '2026-01-02T03:04:05Z', '1_000', '.5']
  for (const text of texts) {
    expect(parse(toYaml('x', { text }), { version: '1.1' }), text).toEqual({ text })
  }
})
