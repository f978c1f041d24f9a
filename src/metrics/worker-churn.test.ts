/**
 * A day of a fleet whose workers come and go: ten thousand pods with a name each, a hundred tasks each, half of them killed in the
 * middle of a task. What remains is what the present asks for. Time is virtual.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import type { TaskEvent } from '../celery/index.ts'
import { heartbeat, offline, online, T0 } from '../fleet/events.case.ts'
import { createFleet } from '../fleet/index.ts'
import { createMetrics } from './index.ts'

const PODS = 10_000
const TASKS = 100
const DAY_MS = 24 * 3_600_000
/** Ten pods are there at any time. */
const ALONGSIDE = 10
const BORN_EVERY_MS = DAY_MS / PODS
const TASK_EVERY_MS = (ALONGSIDE * BORN_EVERY_MS) / TASKS
const MEBIBYTE = 1024 * 1024

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function heapBytes(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

const NAMES = ['shop.bill', 'shop.mail', 'shop.report']
const QUEUES = ['bills', 'emails', 'reports']

/** Of a million tasks four each, so they are made as plainly as can be: with all that any of them bears. */
const event = (type: TaskEvent['type'], task: Task, hostname: string, atMs: number): TaskEvent =>
  ({
    type,
    uuid: task.id,
    hostname,
    timestamp: atMs / 1000,
    clock: null,
    pid: 1,
    name: task.name,
    queue: task.queue,
    retries: 0,
    eta: null,
    runtime: 0.5,
  }) as TaskEvent

interface Task {
  readonly id: string
  readonly name: string
  readonly queue: string
}

test('after a day of ten thousand pods series, records and heap are what they were after its first hours', () => {
  const fleet = createFleet({ broker: 'b' })
  const registry = createMetrics()
  const most = { series: 0, bytes: 0, workers: 0 }
  let earlyHeap = Number.NaN
  let early = { ...most }
  let orphaned = 0
  let nowMs = T0
  const pass = (): void => {
    fleet.tick(nowMs)
    const changes = fleet.drainChanges()
    for (const { kind } of changes) if (kind === 'orphaned') orphaned++
    registry.record('b', changes)
  }
  // Each step a hundredth of a pod's life: one task on each of the pods that are there.
  const steps = (PODS - 1) * (TASKS / ALONGSIDE) + TASKS
  for (let step = 0; step < steps; step++) {
    nowMs = T0 + step * TASK_EVERY_MS
    const newest = Math.min(PODS - 1, Math.floor(step / (TASKS / ALONGSIDE)))
    for (let pod = Math.max(0, newest - ALONGSIDE + 1); pod <= newest; pod++) {
      const number = step - pod * (TASKS / ALONGSIDE)
      if (number >= TASKS) continue
      const worker = `pod-${pod}@host`
      const task = {
        id: `${pod}-${number}-0000-4000-8000-000000000000`,
        name: NAMES[number % 3] ?? '',
        queue: QUEUES[pod % 3] ?? '',
      }
      const said = { worker, pid: 1, atMs: nowMs }
      if (number === 0) fleet.apply(online(said), nowMs)
      if (number % 3 === 0) fleet.apply(heartbeat({ ...said, processed: number }), nowMs)
      fleet.apply(event('task-sent', task, 'client@host', nowMs), nowMs)
      fleet.apply(event('task-received', task, worker, nowMs), nowMs)
      fleet.apply(event('task-started', task, worker, nowMs), nowMs)
      const isKilled = pod % 2 === 0 && number === TASKS - 1
      if (!isKilled) fleet.apply(event('task-succeeded', task, worker, nowMs), nowMs)
      if (number === TASKS - 1 && !isKilled) fleet.apply(offline(said), nowMs)
    }
    pass()
    if (step % 60 !== 0) continue
    registry.collectFleet(fleet, { connected: true }, nowMs)
    most.series = Math.max(most.series, registry.seriesCount)
    most.bytes = Math.max(most.bytes, fleet.bytes)
    most.workers = Math.max(most.workers, fleet.workers(nowMs).length)
    if (Number.isNaN(earlyHeap) && nowMs - T0 > 4 * 3_600_000) {
      earlyHeap = heapBytes()
      early = { ...most }
    }
  }
  const lateHeap = heapBytes()
  // Killed pods had one task each in hand; that of the last ones is not known to be orphaned yet.
  expect(orphaned).toBeGreaterThan(PODS / 2 - ALONGSIDE)
  expect(orphaned).toBeLessThanOrEqual(PODS / 2)
  // Pods are told of for ten minutes after they went: some seventy, and those that are there.
  expect(most.workers).toBeLessThan(100)
  expect(most.series).toBeLessThanOrEqual(early.series + 20)
  expect(most.series).toBeLessThan(2000)
  // Tasks of killed pods stay for the two hours in which they may be delivered again.
  expect(most.bytes).toBeLessThan(2 * MEBIBYTE)
  expect(most.bytes).toBeLessThan(1.1 * early.bytes)
  expect(lateHeap - earlyHeap).toBeLessThan(8 * MEBIBYTE)
  expect(fleet.orphans().length).toBeLessThan((PODS / 2 / 24) * 2.2)
}, 900_000)
