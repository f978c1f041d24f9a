import { expect, test } from 'vitest'
import { readOptions } from './options.ts'
import { targets } from './targets.ts'

const all = { name: 'all', uses: ['label', 'namespace', 'selector', 'datasource', 'secrets'] } as const

test('labels add up, and the last of what may be given once counts', () => {
  expect(
    readOptions(all, {
      label: ['release=prometheus', 'example.com/team=payments', 'empty='],
      namespace: ['a', 'b'],
      secrets: '/run/secrets/',
    }),
  ).toEqual({
    labels: { release: 'prometheus', 'example.com/team': 'payments', empty: '' },
    namespace: 'b',
    secrets: '/run/secrets',
  })
})

test.each([
  ['label', 'release', /--label: expected a label of Kubernetes as NAME=VALUE, got "release"/],
  ['label', 'a b=c', /--label/],
  ['label', 'a=-b', /--label/],
  ['namespace', 'Monitoring', /--namespace: expected the name of a namespace/],
  ['datasource', 'a b', /--datasource: expected the uid/],
  ['secrets', ' x', /--secrets: expected a folder/],
] as const)('--%s %j is refused', (name, text, message) => {
  expect(() => readOptions(all, { [name]: [text] })).toThrow(message)
})

test('what only the command reads is passed over', () => {
  expect(readOptions(all, { output: 'x' })).toEqual({})
})

test('names of targets are words that a shell takes as they are, each once', () => {
  const names = targets.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const name of names) expect(name).toMatch(/^[a-z]+$/)
})
