import { expect, test } from 'vitest'
import { startArguments } from './start-arguments.mjs'

const nowhere = (): Promise<boolean> => Promise.resolve(false)
const somewhere = (): Promise<boolean> => Promise.resolve(true)

test.each<[string[], string[]]>([
  [[], ['demo']],
  [
    ['--listen', '127.0.0.1:9000'],
    ['demo', '--listen', '127.0.0.1:9000'],
  ],
  [
    ['--seed', '3'],
    ['demo', '--seed', '3'],
  ],
  [['demo'], ['demo']],
  [
    ['check', '--broker', 'redis://h'],
    ['check', '--broker', 'redis://h'],
  ],
  [
    ['--broker', 'redis://h'],
    ['--broker', 'redis://h'],
  ],
  [['--broker=redis://h'], ['--broker=redis://h']],
  [['-bredis://h'], ['-bredis://h']],
  [
    ['--log-level', 'info', '-b', 'redis://h'],
    ['--log-level', 'info', '-b', 'redis://h'],
  ],
  [['--broker-url=redis://h'], ['--broker-url=redis://h']],
  [
    ['--broker-transport-option', 'a=b'],
    ['demo', '--broker-transport-option', 'a=b'],
  ],
  [['--help'], ['--help']],
])('npm start -- %j runs %j where no broker is set up', async (given, run) => {
  expect(await startArguments(given, nowhere)).toEqual(run)
})

test('a broker in the environment or the configuration file is watched instead', async () => {
  expect(await startArguments([], somewhere)).toEqual([])
  expect(await startArguments(['--listen', '[::]:1'], somewhere)).toEqual(['--listen', '[::]:1'])
})

test.each<[string[], string | undefined]>([
  [['--config', 'a.yaml'], 'a.yaml'],
  [['--config=a=b.yaml'], 'a=b.yaml'],
  [['-c', 'a.yaml'], 'a.yaml'],
  [['--listen', 'x'], undefined],
])('%j asks for the file that it names', async (given, file) => {
  const asked: (string | undefined)[] = []
  await startArguments(given, (config: string | undefined) => {
    asked.push(config)
    return Promise.resolve(false)
  })
  expect(asked).toEqual([file])
})

test('what is wrong with the configuration is left to the program to say', async () => {
  expect(await startArguments(['-c', 'x'], () => Promise.reject(new Error('no such file')))).toEqual([
    '-c',
    'x',
  ])
})
