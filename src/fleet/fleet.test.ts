import { expect, test } from 'vitest'
import type { FleetChange } from './contract.ts'
import { createFleet } from './fleet.ts'
import { received, sent, started, succeeded, T0 } from './events.case.ts'

const tasks = (changes: readonly FleetChange[]): readonly Extract<FleetChange, { kind: 'task' }>[] =>
  changes.filter(change => change.kind === 'task')

test('a task is followed from sent to succeeded, with its queue, its wait and its run time', () => {
  const fleet = createFleet()
  fleet.apply(sent('a', { name: 'shop.bill', queue: 'bills', atMs: T0 }), T0)
  fleet.apply(received('a', { name: 'shop.bill', atMs: T0 + 400 }), T0 + 400)
  fleet.apply(started('a', { atMs: T0 + 1500 }), T0 + 1500)
  fleet.apply(succeeded('a', { runtime: 2.5, atMs: T0 + 4000 }), T0 + 4000)
  expect(tasks(fleet.drainChanges())).toEqual([
    { kind: 'task', event: 'sent', task: 'shop.bill', queue: 'bills' },
    { kind: 'task', event: 'received', task: 'shop.bill', queue: 'bills' },
    { kind: 'task', event: 'started', task: 'shop.bill', queue: 'bills', waitSeconds: 1.5 },
    { kind: 'task', event: 'succeeded', task: 'shop.bill', queue: 'bills', runtimeSeconds: 2.5 },
  ])
})

test('a task-sent that was overtaken by received and started still gives them its queue, and the wait', () => {
  const fleet = createFleet()
  fleet.apply(received('a', { name: 'shop.bill', atMs: T0 + 2 }), T0 + 2)
  fleet.apply(started('a', { atMs: T0 + 3 }), T0 + 3)
  expect(tasks(fleet.drainChanges())).toEqual([])
  fleet.apply(sent('a', { name: 'shop.bill', queue: 'bills', atMs: T0 }), T0 + 5)
  expect(fleet.drainChanges().filter(change => change.kind !== 'worker')).toEqual([
    { kind: 'task', event: 'received', task: 'shop.bill', queue: 'bills' },
    { kind: 'task', event: 'started', task: 'shop.bill', queue: 'bills' },
    { kind: 'task', event: 'sent', task: 'shop.bill', queue: 'bills' },
    { kind: 'wait', task: 'shop.bill', queue: 'bills', waitSeconds: 0.003 },
  ])
})
