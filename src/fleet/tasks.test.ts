import { expect, test } from 'vitest'
import type { FleetChange } from './contract.ts'
import { createFleet } from './fleet.ts'
import { failed, received, rejected, retried, revoked, sent, started, succeeded, T0 } from './events.case.ts'

/** What is told of tasks, without who told it. */
type TaskChange =
  | Omit<Extract<FleetChange, { kind: 'task' }>, 'worker'>
  | Omit<Extract<FleetChange, { kind: 'wait' }>, 'worker'>

const drain = (fleet: { drainChanges(): readonly FleetChange[] }) =>
  fleet.drainChanges().flatMap((change): TaskChange[] => {
    if (change.kind !== 'task' && change.kind !== 'wait') return []
    const { worker: _worker, ...rest } = change
    return [rest]
  })
const brief = (fleet: { drainChanges(): readonly FleetChange[] }) =>
  drain(fleet).map(
    change => `${change.kind === 'task' ? change.event : change.kind} ${change.task} ${change.queue}`,
  )

test('a task is followed from sent to succeeded, with its queue, its wait and its run time', () => {
  const fleet = createFleet()
  fleet.apply(sent('a', { queue: 'bills', atMs: T0 }), T0)
  fleet.apply(received('a', { atMs: T0 + 400 }), T0 + 400)
  fleet.apply(started('a', { atMs: T0 + 1500 }), T0 + 1500)
  fleet.apply(succeeded('a', { runtime: 2.5, atMs: T0 + 4000 }), T0 + 4000)
  expect(drain(fleet)).toEqual([
    { kind: 'task', event: 'sent', task: 'shop.bill', queue: 'bills' },
    { kind: 'task', event: 'received', task: 'shop.bill', queue: 'bills' },
    { kind: 'task', event: 'started', task: 'shop.bill', queue: 'bills', waitSeconds: 1.5 },
    { kind: 'task', event: 'succeeded', task: 'shop.bill', queue: 'bills', runtimeSeconds: 2.5 },
  ])
})

test('a task-sent that received and started overtook still gives them its queue, and the wait', () => {
  const fleet = createFleet()
  fleet.apply(received('a', { atMs: T0 + 2 }), T0 + 2)
  fleet.apply(started('a', { atMs: T0 + 3 }), T0 + 3)
  expect(drain(fleet)).toEqual([])
  fleet.apply(sent('a', { queue: 'bills', atMs: T0 }), T0 + 5)
  expect(drain(fleet)).toEqual([
    { kind: 'task', event: 'received', task: 'shop.bill', queue: 'bills' },
    { kind: 'task', event: 'started', task: 'shop.bill', queue: 'bills' },
    { kind: 'task', event: 'sent', task: 'shop.bill', queue: 'bills' },
    { kind: 'wait', task: 'shop.bill', queue: 'bills', waitSeconds: 0.003 },
  ])
})

test('every change says who: the client that sent, the worker that ran, also for a wait told late', () => {
  const fleet = createFleet()
  fleet.apply(started('a', { worker: 'w2@h', atMs: T0 + 3 }), T0 + 3)
  fleet.apply(sent('a', { worker: 'gen7@web', atMs: T0 }), T0 + 5)
  const told = fleet.drainChanges().filter(change => change.kind === 'task' || change.kind === 'wait')
  expect(told.map(change => [change.kind === 'task' ? change.event : change.kind, change.worker])).toEqual([
    ['started', 'w2@h'],
    ['sent', 'gen7@web'],
    ['wait', 'w2@h'],
  ])
})

test('a task-sent after the end is counted and waited for, and does not count as waiting', () => {
  const fleet = createFleet()
  fleet.apply(received('a', { atMs: T0 + 1 }), T0 + 1)
  fleet.apply(started('a', { atMs: T0 + 2 }), T0 + 2)
  fleet.apply(succeeded('a', { atMs: T0 + 3 }), T0 + 3)
  fleet.tick(T0 + 2000)
  expect(brief(fleet)).toEqual([
    'received shop.bill unknown',
    'started shop.bill unknown',
    'succeeded shop.bill unknown',
  ])
  fleet.apply(sent('a', { queue: 'bills', atMs: T0 }), T0 + 3000)
  expect(brief(fleet)).toEqual(['sent shop.bill bills', 'wait shop.bill bills'])
  fleet.apply(sent('b', { queue: 'bills', atMs: T0 + 3000 }), T0 + 3000)
  expect(fleet.queues(T0 + 5000)).toMatchObject([{ queue: 'bills', oldestTaskAgeSeconds: 2 }])
})

test('what is held for a queue that never comes is told as unknown after a second, never under the default queue', () => {
  const fleet = createFleet()
  fleet.apply(received('a', { atMs: T0 }), T0)
  fleet.tick(T0 + 999)
  expect(brief(fleet)).toEqual([])
  fleet.tick(T0 + 1000)
  expect(brief(fleet)).toEqual(['received shop.bill unknown'])
  // Nobody ever sent a task-sent: from here on nothing is worth holding.
  fleet.apply(received('b', { atMs: T0 + 1001 }), T0 + 1001)
  expect(brief(fleet)).toEqual(['received shop.bill unknown'])
})

test('the queue is the routing key when task-sent names none', () => {
  const fleet = createFleet()
  fleet.apply(sent('a', { queue: null, routingKey: 'emails' }), T0)
  fleet.apply(sent('b', { queue: null }), T0)
  expect(brief(fleet)).toEqual(['sent shop.bill emails', 'sent shop.bill unknown'])
})

test('without task-sent the queue comes from what the worker answers about the task', () => {
  const fleet = createFleet()
  const request = { id: 'a', name: 'shop.bill', delivery_info: { routing_key: 'bills' } }
  fleet.observe({ kind: 'inspect', method: 'reserved', replies: new Map([['w1@hostA', [request]]]) }, T0)
  fleet.apply(started('a', { atMs: T0 + 1 }), T0 + 1)
  expect(brief(fleet)).toEqual(['started shop.bill bills'])
})

test('a routing key in an answer is the queue that the worker binds to it', () => {
  const fleet = createFleet()
  const queues = [
    { name: 'bills', routing_key: 'shop.bill.#' },
    { name: 'emails', routing_key: 'emails' },
  ]
  const request = { id: 'a', name: 'shop.bill', delivery_info: { routing_key: 'shop.bill.#' } }
  fleet.observe({ kind: 'inspect', method: 'active_queues', replies: new Map([['w1@hostA', queues]]) }, T0)
  fleet.observe({ kind: 'inspect', method: 'active', replies: new Map([['w1@hostA', [request]]]) }, T0)
  fleet.apply(succeeded('a', { atMs: T0 + 1 }), T0 + 1)
  expect(brief(fleet)).toEqual(['succeeded shop.bill bills'])
})

test('without either the queue is the only one that the worker consumes, if it is the only one', () => {
  const fleet = createFleet()
  const consumes = (names: readonly string[]) =>
    fleet.observe(
      {
        kind: 'inspect',
        method: 'active_queues',
        replies: new Map([['w1@hostA', names.map(name => ({ name, routing_key: name }))]]),
      },
      T0,
    )
  consumes(['bills'])
  fleet.apply(received('a'), T0)
  consumes(['bills', 'emails'])
  fleet.apply(received('b'), T0)
  fleet.tick(T0 + 5000)
  expect(brief(fleet)).toEqual(['received shop.bill bills', 'received shop.bill unknown'])
})

test('a task whose beginning nobody saw is named unknown', () => {
  const fleet = createFleet()
  fleet.apply(succeeded('a', { runtime: null }), T0)
  fleet.tick(T0 + 5000)
  expect(drain(fleet)).toEqual([{ kind: 'task', event: 'succeeded', task: 'unknown', queue: 'unknown' }])
})

test('the wait of a task with an ETA begins at the ETA, and is never negative', () => {
  const fleet = createFleet()
  const eta = new Date(T0 + 10_000).toISOString().replace('Z', '+00:00')
  fleet.apply(sent('a', { eta }), T0)
  fleet.apply(started('a', { atMs: T0 + 10_250 }), T0 + 10_250)
  fleet.apply(sent('b', { atMs: T0 + 500 }), T0 + 500)
  fleet.apply(started('b', { atMs: T0 }), T0 + 600)
  expect(drain(fleet).flatMap(change => ('waitSeconds' in change ? [change.waitSeconds] : []))).toEqual([
    0.25, 0,
  ])
})

test('an ETA without an offset is UTC, one that cannot be read is none', () => {
  const fleet = createFleet()
  fleet.apply(sent('a', { eta: new Date(T0 + 5000).toISOString().replace('Z', '') }), T0)
  fleet.apply(started('a', { atMs: T0 + 6000 }), T0 + 6000)
  fleet.apply(sent('b', { eta: 'tomorrow' }), T0)
  fleet.apply(started('b', { atMs: T0 + 6000 }), T0 + 6000)
  expect(drain(fleet).flatMap(change => ('waitSeconds' in change ? [change.waitSeconds] : []))).toEqual([
    1, 6,
  ])
})

test('a retry waits from its own task-sent and ETA, not from the first one', () => {
  const fleet = createFleet()
  const eta = new Date(T0 + 60_000).toISOString()
  fleet.apply(sent('a'), T0)
  fleet.apply(received('a'), T0)
  fleet.apply(started('a', { atMs: T0 + 1000 }), T0 + 1000)
  // The worker publishes the retry before it says that it retried.
  fleet.apply(sent('a', { retries: 1, eta, atMs: T0 + 2000 }), T0 + 2000)
  fleet.apply(retried('a', { atMs: T0 + 2001 }), T0 + 2001)
  fleet.apply(received('a', { retries: 1, eta, atMs: T0 + 2100 }), T0 + 2100)
  fleet.apply(started('a', { atMs: T0 + 60_500 }), T0 + 60_500)
  fleet.apply(succeeded('a', { atMs: T0 + 61_000 }), T0 + 61_000)
  const changes = drain(fleet)
  expect(changes.flatMap(change => ('waitSeconds' in change ? [change.waitSeconds] : []))).toEqual([1, 0.5])
  expect(new Set(changes.map(change => change.queue))).toEqual(new Set(['bills']))
})

test('a retry without a task-sent of its own has no wait, and keeps its queue', () => {
  const fleet = createFleet()
  fleet.apply(sent('a'), T0)
  fleet.apply(received('a'), T0)
  fleet.apply(started('a', { atMs: T0 + 1000 }), T0 + 1000)
  fleet.apply(retried('a', { atMs: T0 + 2000 }), T0 + 2000)
  fleet.apply(received('a', { retries: 1, atMs: T0 + 2100 }), T0 + 2100)
  fleet.apply(started('a', { atMs: T0 + 9000 }), T0 + 9000)
  const changes = drain(fleet)
  expect(changes.flatMap(change => ('waitSeconds' in change ? [change.waitSeconds] : []))).toEqual([1])
  expect(changes.at(-1)).toEqual({ kind: 'task', event: 'started', task: 'shop.bill', queue: 'bills' })
})

test('a retry that another worker ran before the first one said that it retried keeps its name, its queue and its wait', () => {
  const W2 = 'w2@hostB'
  const told = (lateAtMs: number) => {
    const fleet = createFleet()
    const events: [number, () => void][] = [
      [0, () => fleet.apply(sent('a'), T0)],
      [10, () => fleet.apply(received('a'), T0 + 10)],
      [20, () => fleet.apply(started('a', { atMs: T0 + 20 }), T0 + 20)],
      [30, () => fleet.apply(sent('a', { retries: 1, atMs: T0 + 30 }), T0 + 30)],
      [40, () => fleet.apply(received('a', { retries: 1, worker: W2 }), T0 + 40)],
      [1030, () => fleet.apply(started('a', { worker: W2, atMs: T0 + 1030 }), T0 + 1030)],
      [1040, () => fleet.apply(succeeded('a', { worker: W2, atMs: T0 + 1040 }), T0 + 1040)],
      [lateAtMs, () => fleet.apply(retried('a', { atMs: T0 + 31 }), T0 + lateAtMs)],
    ]
    for (const [, apply] of events.sort(([a], [b]) => a - b)) apply()
    fleet.tick(T0 + 60_000)
    return drain(fleet)
  }
  for (const lateAtMs of [35, 45, 1035, 1045, 5000]) {
    const changes = told(lateAtMs)
    expect(
      changes.flatMap(change => ('waitSeconds' in change ? [change.waitSeconds] : [])),
      `late at ${lateAtMs}`,
    ).toEqual([0.02, 1])
    expect(
      changes.filter(change => change.kind === 'task' && change.event === 'retried'),
      `late at ${lateAtMs}`,
    ).toEqual([{ kind: 'task', event: 'retried', task: 'shop.bill', queue: 'bills' }])
  }
})

test('a worker that receives the retry before its pool told it of the last run waits for each run, in whatever order it says so', () => {
  const waits = (lateMs: number, sentLateMs: number) => {
    const fleet = createFleet()
    const events: [number, () => void][] = []
    const at = (ms: number, apply: (atMs: number) => void): unknown => events.push([ms, () => apply(T0 + ms)])
    at(0, atMs => fleet.apply(sent('a', { atMs }), atMs))
    for (const retries of [0, 1, 2]) {
      const beginMs = retries * 1000
      const readyMs = T0 + beginMs + 500
      if (retries > 0) {
        const eta = new Date(readyMs).toISOString()
        const publishedMs = T0 + beginMs
        at(beginMs + sentLateMs, atMs => fleet.apply(sent('a', { retries, eta, atMs: publishedMs }), atMs))
        at(beginMs + lateMs, atMs => fleet.apply(retried('a', { atMs }), atMs))
      }
      at(beginMs + 10, atMs => fleet.apply(received('a', { retries, atMs }), atMs))
      at(beginMs + 600, atMs => fleet.apply(started('a', { atMs }), atMs))
    }
    at(3000, atMs => fleet.apply(succeeded('a', { atMs }), atMs))
    for (const [, apply] of events.sort(([a], [b]) => a - b)) apply()
    fleet.tick(T0 + 60_000)
    return drain(fleet).flatMap(change => (change.waitSeconds === undefined ? [] : [change.waitSeconds]))
  }
  for (const lateMs of [1, 5, 20, 300])
    for (const sentLateMs of [0, 3, 15, 200])
      expect(waits(lateMs, sentLateMs), `retried ${lateMs} ms, sent ${sentLateMs} ms later`).toEqual([
        0.6, 0.1, 0.1,
      ])
})

test.each([
  'sent0 received0 started0 sent1 retried0 received1 started1 succeeded1',
  'sent0 received0 sent1 started0 retried0 received1 started1 succeeded1',
  'sent0 received0 sent1 received1 started0 retried0 started1 succeeded1',
  'sent0 received0 started0 received1 sent1 retried0 started1 succeeded1',
  'received0 sent0 started0 sent1 received1 started1 retried0 succeeded1',
  'sent0 received0 started0 retried0 received1 sent1 started1 succeeded1',
  'sent0 received0 sent1 received1 started1 started0 retried0 succeeded1',
  'sent0 received0 sent1 received1 started1 succeeded1 started0 retried0',
])('both runs of a task retried on another worker have their wait, heard as %s', order => {
  const W2 = 'w2@hostB'
  const fleet = createFleet()
  const steps: Readonly<Record<string, () => void>> = {
    sent0: () => fleet.apply(sent('a'), T0),
    received0: () => fleet.apply(received('a', { atMs: T0 + 10 }), T0 + 10),
    started0: () => fleet.apply(started('a', { atMs: T0 + 20 }), T0 + 20),
    sent1: () => fleet.apply(sent('a', { retries: 1, atMs: T0 + 30 }), T0 + 30),
    retried0: () => fleet.apply(retried('a', { atMs: T0 + 31 }), T0 + 31),
    received1: () => fleet.apply(received('a', { retries: 1, worker: W2, atMs: T0 + 40 }), T0 + 40),
    started1: () => fleet.apply(started('a', { worker: W2, atMs: T0 + 1030 }), T0 + 1030),
    succeeded1: () => fleet.apply(succeeded('a', { worker: W2, atMs: T0 + 1040 }), T0 + 1040),
  }
  for (const step of order.split(' ')) steps[step]?.()
  fleet.tick(T0 + 60_000)
  const waits = drain(fleet).flatMap(change => ('waitSeconds' in change ? [change.waitSeconds] : []))
  expect(waits.toSorted()).toEqual([0.02, 1])
})

test('a task delivered again was published once: its second start has no wait', () => {
  const fleet = createFleet()
  fleet.apply(sent('a'), T0)
  fleet.apply(received('a'), T0)
  fleet.apply(started('a', { atMs: T0 + 1000 }), T0 + 1000)
  fleet.apply(received('a', { worker: 'w2@hostA', atMs: T0 + 3000 }), T0 + 3000)
  fleet.apply(started('a', { worker: 'w2@hostA', atMs: T0 + 4000 }), T0 + 4000)
  expect(drain(fleet).flatMap(change => ('waitSeconds' in change ? [change.waitSeconds] : []))).toEqual([1])
})

test('a task put back into its queue is not over: it keeps its queue for as long as it takes', () => {
  const fleet = createFleet()
  fleet.apply(sent('a'), T0)
  fleet.apply(received('a'), T0)
  fleet.apply(started('a', { atMs: T0 + 1000 }), T0 + 1000)
  fleet.apply(rejected('a', { requeue: true, atMs: T0 + 2000 }), T0 + 2000)
  fleet.tick(T0 + 600_000)
  fleet.apply(started('a', { atMs: T0 + 600_000 }), T0 + 600_000)
  expect(drain(fleet).at(-1)).toEqual({ kind: 'task', event: 'started', task: 'shop.bill', queue: 'bills' })
})

test('a copy of a task-sent does not make an ended task wait again', () => {
  const fleet = createFleet()
  fleet.apply(sent('a'), T0)
  fleet.apply(failed('a', { atMs: T0 + 1000 }), T0 + 1000)
  fleet.apply(sent('a'), T0 + 2000)
  expect(fleet.queues(T0 + 5000)).toMatchObject([{ queue: 'bills', oldestTaskAgeSeconds: 0 }])
})

test('the publication of a retry that overtakes the start of the run before goes on waiting', () => {
  const fleet = createFleet()
  fleet.apply(sent('a'), T0)
  fleet.apply(received('a'), T0)
  fleet.apply(sent('a', { retries: 1, atMs: T0 + 1000 }), T0 + 1000)
  fleet.apply(started('a', { atMs: T0 + 500 }), T0 + 1001)
  expect(fleet.queues(T0 + 3000)).toMatchObject([{ queue: 'bills', oldestTaskAgeSeconds: 2 }])
})

test('tasks whose start comes after their end leave nothing behind', () => {
  const fleet = createFleet({ maxTasks: 100 })
  for (let i = 0; i < 1000; i++) {
    const atMs = T0 + i * 100
    fleet.apply(received(`t${i}`, { atMs }), atMs)
    fleet.apply(failed(`t${i}`, { atMs }), atMs)
    fleet.apply(started(`t${i}`, { atMs }), atMs)
  }
  expect(fleet.evictions.tasks).toBe(0)
})

test('a killed child is named by its traceback', () => {
  const fleet = createFleet()
  fleet.apply(sent('a'), T0)
  const traceback =
    'Traceback (most recent call last):\n  File "billiard/pool.py", line 1265, in mark_as_worker_lost\n    raise WorkerLostError(\nbilliard.exceptions.WorkerLostError: Worker exited prematurely: signal 9 (SIGKILL) Job: 1.'
  fleet.apply(failed('a', { exception: 'ExceptionWithTraceback()', traceback }), T0)
  fleet.apply(sent('b'), T0)
  fleet.apply(failed('b', { exception: "KeyError('x')" }), T0)
  const classes = drain(fleet).flatMap(change =>
    change.kind === 'task' && change.event === 'failed' ? [change.exception] : [],
  )
  expect(classes).toEqual(['WorkerLostError', 'KeyError'])
})

test('a hard time limit is one failure, though Celery 5.7 tells of it twice', () => {
  const fleet = createFleet()
  const exception = 'ExceptionWithTraceback()'
  const traceback = '  File "x", line 1\nbilliard.exceptions.TimeLimitExceeded: TimeLimitExceeded(1,)'
  const timeOut = (worker: string) => fleet.apply(failed('a', { worker, exception, traceback }), T0)
  const run = (worker: string) => {
    fleet.apply(received('a', { worker }), T0)
    fleet.apply(started('a', { worker }), T0)
  }
  const told = () => brief(fleet).filter(line => line.startsWith('failed')).length
  fleet.apply(sent('a'), T0)
  run('w1@hostA')
  timeOut('w1@hostA')
  timeOut('w1@hostA')
  expect(told()).toBe(1)
  // Delivered again, it fails again.
  run('w2@hostA')
  timeOut('w2@hostA')
  expect(told()).toBe(1)
})

test('the second end that Celery sends for a terminated task still has its name', () => {
  const fleet = createFleet()
  fleet.apply(sent('a'), T0)
  fleet.apply(revoked('a'), T0)
  fleet.apply(revoked('a'), T0 + 100)
  expect(brief(fleet)).toEqual(['sent shop.bill bills', 'revoked shop.bill bills', 'revoked shop.bill bills'])
})

test('the real name of a task wins over a shadow name, which may differ for each call', () => {
  const fleet = createFleet()
  fleet.apply(sent('a', { name: 'shop.bill' }), T0)
  fleet.apply(received('a', { name: 'bill for Ms Example' }), T0)
  expect(brief(fleet)).toEqual(['sent shop.bill bills', 'received shop.bill bills'])
})

test('a full table forgets the oldest tasks, counts them, and still counts their events', () => {
  const fleet = createFleet({ maxTasks: 100 })
  for (let i = 0; i < 150; i++) fleet.apply(sent(`t${i}`, { atMs: T0 + i }), T0 + i)
  expect(fleet.evictions.tasks).toBe(50)
  fleet.apply(succeeded('t0', { atMs: T0 + 1000 }), T0 + 1000)
  fleet.tick(T0 + 5000)
  expect(brief(fleet).at(-1)).toBe('succeeded unknown unknown')
  // The oldest waiting task is among the forgotten ones: its age is not known, until a younger one starts.
  expect(fleet.queues(T0 + 5000)).toMatchObject([{ queue: 'bills', oldestTaskAgeSeconds: null }])
  fleet.apply(started('t60', { atMs: T0 + 5000 }), T0 + 5000)
  expect(fleet.queues(T0 + 5000)[0]?.oldestTaskAgeSeconds).toBeGreaterThan(4.9)
})
