import { expect, test } from 'vitest'
import type { ContainerUsage } from './containers.ts'
import { joinContainers } from './join.ts'

const container = (label: string, more: Partial<ContainerUsage> = {}): ContainerUsage => ({
  hosts: [label],
  worker: '',
  group: label,
  label,
  cpuPercent: 10,
  memoryPercent: 20,
  memoryBytes: 30,
  memoryLimitBytes: 150,
  ...more,
})
const claim = (worker: string, broker = 'default') => ({ broker, worker, pid: 1, pids: [] })
const rows = (...given: Parameters<typeof joinContainers>): unknown =>
  joinContainers(...given).map(({ broker, container: label, worker, memoryBytes }) => [
    broker,
    label,
    worker,
    memoryBytes,
  ])

test('a worker is joined to the container whose host name follows its @', () => {
  expect(joinContainers([claim('celery@w-1')], [container('w-0'), container('w-1')])).toEqual([
    {
      broker: 'default',
      container: 'w-1',
      worker: 'celery@w-1',
      cpuPercent: 10,
      memoryPercent: 20,
      memoryBytes: 30,
      memoryLimitBytes: 150,
    },
  ])
  expect(rows([claim('a@W-1.shop.svc')], [container('w-1')])).toEqual([
    ['default', 'w-1', 'a@W-1.shop.svc', 30],
  ])
  expect(rows([claim('celery@w-10'), claim('w-1')], [container('w-1')])).toEqual([])
})

test('two pods of one host name are none', () => {
  expect(
    rows([claim('c@w-0')], [container('w-0'), container('w-0', { group: 'in another namespace' })]),
  ).toEqual([])
})

test('of a pod with several containers each is told once, of which worker is not known', () => {
  const pod = ['worker', 'proxy'].map(name => container(`p/${name}`, { hosts: ['p'], group: 'p' }))
  expect(rows([claim('a@p'), claim('b@p')], pod)).toEqual([
    ['default', 'p/worker', '', null],
    ['default', 'p/proxy', '', null],
  ])
})

test('two workers in one container are both told of it, and neither has its memory for itself', () => {
  expect(rows([claim('a@w'), claim('b@w')], [container('w')])).toEqual([
    ['default', 'w', 'a@w', null],
    ['default', 'w', 'b@w', null],
  ])
  expect(rows([claim('a@w', 'x'), claim('a@w', 'y')], [container('w')])).toEqual([
    ['x', 'w', 'a@w', 30],
    ['y', 'w', 'a@w', 30],
  ])
})

test('a worker that the sample names is joined by that name alone', () => {
  const named = [
    container('one', { worker: 'a@h', group: '1' }),
    container('two', { worker: 'b@h', group: '2' }),
  ]
  expect(rows([claim('a@h'), claim('c@one')], named)).toEqual([['default', 'one', 'a@h', 30]])
})
