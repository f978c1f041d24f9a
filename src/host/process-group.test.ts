import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createHostFiles } from './files.ts'
import { HostTree } from './host-tree.case.ts'
import { cpuSecondsBetween, type MemberReading, readGroup } from './process-group.ts'

interface Process {
  pid: number
  parent: Process | undefined
  startTicks: number
  ownTicks: number
  waitedTicks: number
}

/** A tree of processes as the kernel counts it: work, fork, and end with the parent waiting. Pids are given away again. */
class Tree {
  nowTicks = 1000
  used = 0
  readonly alive: Process[] = [{ pid: 1, parent: undefined, startTicks: 900, ownTicks: 0, waitedTicks: 0 }]

  run(command: number, pick: number, ticks: number): void {
    const chosen = this.alive[pick % this.alive.length]!
    this.nowTicks += ticks
    if (command === 0) {
      chosen.ownTicks += ticks
      this.used += ticks
    } else if (command === 1) {
      let pid = 2
      while (this.alive.some(each => each.pid === pid)) pid++
      this.alive.push({ pid, parent: chosen, startTicks: this.nowTicks, ownTicks: 0, waitedTicks: 0 })
    } else if (chosen.parent !== undefined && !this.alive.some(each => each.parent === chosen)) {
      this.alive.splice(this.alive.indexOf(chosen), 1)
      chosen.parent.waitedTicks += chosen.ownTicks + chosen.waitedTicks
    }
  }

  read(): { atMs: number; members: MemberReading[] } {
    return {
      atMs: this.nowTicks * 10,
      members: this.alive.map(({ parent: _parent, ...rest }) => ({ ...rest })),
    }
  }
}

test('the CPU time of a tree is exact, however its processes come, work and end between two readings', () => {
  const step = fc.tuple(fc.nat(2), fc.nat(20), fc.integer({ min: 3, max: 50 }))
  fc.assert(
    fc.property(fc.array(fc.array(step, { maxLength: 30 }), { minLength: 1, maxLength: 6 }), rounds => {
      const tree = new Tree()
      let before = tree.read()
      for (const steps of rounds) {
        const usedBefore = tree.used
        for (const [command, pick, ticks] of steps) tree.run(command, pick, ticks)
        const after = tree.read()
        expect(cpuSecondsBetween(before, after)).toBeCloseTo((tree.used - usedBefore) / 100, 9)
        before = after
      }
    }),
    { numRuns: 500 },
  )
})

const member = (pid: number, startTicks: number, ownTicks: number, waitedTicks = 0): MemberReading => ({
  pid,
  startTicks,
  ownTicks,
  waitedTicks,
})

test('a process that ended and that nobody waited for makes the count too small, never negative', () => {
  const before = { atMs: 10_000, members: [member(1, 100, 500), member(2, 200, 9000)] }
  expect(cpuSecondsBetween(before, { members: [member(1, 100, 510)] })).toBe(0.1)
})

test('another process under an old pid counts from its own start', () => {
  const before = { atMs: 10_000, members: [member(1, 100, 500), member(2, 200, 300)] }
  expect(cpuSecondsBetween(before, { members: [member(1, 100, 500, 300), member(2, 1005, 50)] })).toBe(0.5)
})

test('a process that was there before and not seen brings none of its past along', () => {
  const before = { atMs: 10_000, members: [member(1, 100, 500)] }
  expect(cpuSecondsBetween(before, { members: [member(1, 100, 600), member(2, 700, 360_000)] })).toBe(1)
})

test('an orphan that the index still has as a child, and the children of a root that is gone, do not count', async () => {
  const tree = new HostTree()
  try {
    tree.process(10, { pssKib: 1 })
    tree.process(11, { ppid: 10, pssKib: 1 })
    tree.process(12, { ppid: 1, pssKib: 99 })
    const files = createHostFiles(tree.root)
    const read = (pids: readonly number[]): ReturnType<typeof readGroup> => readGroup(files, pids, () => 5)
    expect(await read([10, 11, 12])).toMatchObject({
      atMs: 5,
      members: [{ pid: 10 }, { pid: 11 }],
      memoryBytes: 2048,
    })
    tree.end(10)
    expect((await read([10, 11, 12])).members).toEqual([])
  } finally {
    tree.remove()
  }
})
