import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Document, Scalar } from 'yaml'
import { codeBlocks } from './markdown.ts'
import { shellCommands } from './shell.ts'
import { Source } from './source.ts'
import { readTrees, type Tree } from './tree.ts'

const STYLES = ['PLAIN', 'QUOTE_DOUBLE', 'QUOTE_SINGLE', 'BLOCK_LITERAL', 'BLOCK_FOLDED'] as const

/** Texts like expressions and templates: words, operators, quotes, line breaks, and what YAML escapes. */
const text = fc
  .array(
    fc.constantFrom(
      'rate',
      'x{a="b"}',
      '[5m]',
      ' ',
      '  ',
      '\n',
      "'",
      '"',
      '\\',
      '#',
      ': ',
      'ä',
      '{{ $value }}',
      '\t',
      '> 1',
      '- ',
    ),
    { minLength: 1, maxLength: 12 },
  )
  .map(words => words.join(''))

/** The same text as a value in a document, however deep, in a way of writing; undefined when the document is not read back so. */
function written(
  value: string,
  style: (typeof STYLES)[number],
): { readonly file: Source; readonly tree: Tree } | undefined {
  const scalar = new Scalar(value)
  scalar.type = style
  const document = new Document({ groups: [{ name: 'g', rules: [{ before: 1, expr: scalar, after: 'z' }] }] })
  const file = Source.ofFile('f.yml', document.toString({ lineWidth: 20 }))
  const trees = readTrees(file)
  const tree = trees.ok ? trees.documents[0]?.root.get('groups', 0, 'rules', 0, 'expr') : undefined
  return tree?.text === value ? { file, tree } : undefined
}

test('every character of a value is found again where it stands in the file', () => {
  const property = fc.property(text, fc.constantFrom(...STYLES), (value, style) => {
    const found = written(value, style)
    if (found === undefined) return
    const source = found.tree.source()
    expect(source.text).toBe(value)
    let last = -1
    for (let i = 0; i < value.length; i++) {
      const at = source.toFile(i)
      expect(at).toBeGreaterThanOrEqual(last)
      last = at
      const char = found.file.text[at]
      if (/[^\s\\"']/.test(value[i] ?? '') && char !== '\\') expect(char).toBe(value[i])
    }
  })
  expect(() => fc.assert(property, { seed: 41, numRuns: 3000 })).not.toThrow()
})

test('a change of a value is written so that the file says the changed value, and nothing else moves', () => {
  let changed = 0
  const insert = fc.constantFrom('', '(', ' > 0)', 'deriv', '"', "'", 'on (a)')
  const property = fc.property(
    text,
    fc.constantFrom(...STYLES),
    insert,
    fc.nat(),
    fc.nat(),
    (value, style, by, a, b) => {
      const found = written(value, style)
      if (found === undefined) return
      // Within words: what is between lines is the way of writing's own.
      const start = a % (value.length + 1)
      const end = Math.min(value.length, start + (b % 3))
      if (/\s/.test(value.slice(Math.max(0, start - 1), end + 1)) || value.slice(start, end).includes('\\'))
        return
      const edit = found.tree.source().toFileEdit({ start, end, text: by })
      if (edit === undefined) return
      const next = found.file.text.slice(0, edit.start) + edit.text + found.file.text.slice(edit.end)
      const trees = readTrees(Source.ofFile('f.yml', next))
      const rule = trees.ok ? trees.documents[0]?.root.get('groups', 0, 'rules', 0) : undefined
      const now = rule?.get('expr')?.scalar
      // A plain text may turn into something else when it grows a quote in front; whoever changes files reads them again.
      if (style === 'PLAIN' && now !== value.slice(0, start) + by + value.slice(end)) return
      expect(now).toBe(value.slice(0, start) + by + value.slice(end))
      expect(rule?.get('after')?.text).toBe('z')
      changed++
    },
  )
  expect(() => fc.assert(property, { seed: 42, numRuns: 3000 })).not.toThrow()
  expect(changed).toBeGreaterThan(300)
})

test('blocks of a page keep their lines, also below a list item', () => {
  const page = Source.ofFile(
    'a.md',
    '# A\n\n1. Do\n\n   ```yaml title="x"\n   a: 1\n     b: 2\n   ```\n\n~~~sh\naws x\n~~~\n```\nopen',
  )
  const blocks = codeBlocks(page)
  expect(blocks.map(({ language, source }) => [language, source.text])).toEqual([
    ['yaml', 'a: 1\n  b: 2\n'],
    ['sh', 'aws x\n'],
  ])
  expect(blocks[0]?.source.position(7)).toEqual({ line: 7, column: 6 })
})

test('commands of a script are read with their quotes and line ends', () => {
  const source = Source.ofFile('a.sh', `# no\nA=1 aws x \\\n  --name "a b" --t 'c d'e # end\nfoo; bar|baz\n`)
  expect(shellCommands(source).map(({ words }) => words.map(({ text: word }) => word))).toEqual([
    ['A=1', 'aws', 'x', '--name', 'a b', '--t', 'c de'],
    ['foo'],
    ['bar'],
    ['baz'],
  ])
})

test('random text is read or told to be no YAML, never anything else', () => {
  const property = fc.property(fc.string({ maxLength: 60, unit: 'binary' }), content => {
    const trees = readTrees(Source.ofFile('a.yml', content))
    if (trees.ok) for (const { root } of trees.documents) root.source()
  })
  expect(() => fc.assert(property, { seed: 43, numRuns: 2000 })).not.toThrow()
})
