import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createHostFiles, type HostFiles } from './files.ts'
import { HostTree } from './host-tree.case.ts'
import { cpuSecondsBetween, type MemberReading, readGroup, readMemory } from './process-group.ts'

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

  read(): { listedMs: number; members: MemberReading[] } {
    return {
      listedMs: this.nowTicks * 10,
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
  const before = { listedMs: 10_000, members: [member(1, 100, 500), member(2, 200, 9000)] }
  expect(cpuSecondsBetween(before, { members: [member(1, 100, 510)] })).toBe(0.1)
})

test('another process under an old pid counts from its own start', () => {
  const before = { listedMs: 10_000, members: [member(1, 100, 500), member(2, 200, 300)] }
  expect(cpuSecondsBetween(before, { members: [member(1, 100, 500, 300), member(2, 1005, 50)] })).toBe(0.5)
})

test('a process that was there before and not seen brings none of its past along', () => {
  const before = { listedMs: 10_000, members: [member(1, 100, 500)] }
  expect(cpuSecondsBetween(before, { members: [member(1, 100, 600), member(2, 700, 360_000)] })).toBe(1)
})

describe('a tree that is read', () => {
  let tree: HostTree
  let files: HostFiles
  /** What happens right before a file is read. */
  let interfere: (path: string) => void

  beforeEach(() => {
    tree = new HostTree()
    interfere = () => {}
    const real = createHostFiles(tree.root)
    files = {
      opened: 0,
      folders: path => real.folders(path),
      link: path => real.link(path),
      read(path) {
        interfere(path)
        return real.read(path)
      },
    }
  })
  afterEach(() => tree.remove())

  const read = (pids: readonly number[]): ReturnType<typeof readGroup> =>
    readGroup(files, { pids, listedMs: 4 }, () => 5)

  test('has no orphan that the index still takes for a child, and nobody when its root is gone', async () => {
    tree.process(10, {})
    tree.process(11, { ppid: 10 })
    tree.process(12, { ppid: 1 })
    expect(await read([10, 11, 12])).toMatchObject({
      atMs: 5,
      listedMs: 4,
      members: [{ pid: 10 }, { pid: 11 }],
      isSteady: true,
    })
    tree.end(10)
    expect((await read([10, 11, 12])).members).toEqual([])
  })

  test('is read anew when a process ends while it is read, so that its time is counted once', async () => {
    tree.process(10, { ownTicks: 5, waitedTicks: 0 })
    tree.process(11, { ppid: 10, ownTicks: 360_000 })
    const before = await read([10, 11])
    interfere = path => {
      if (path !== '/proc/11/stat') return
      tree.end(11)
      tree.process(10, { ownTicks: 5, waitedTicks: 360_007 })
    }
    const after = await read([10, 11])
    expect(after).toMatchObject({ members: [{ pid: 10, waitedTicks: 360_007 }], isSteady: true })
    expect(cpuSecondsBetween(before, after)).toBeCloseTo(0.07, 9)
  })

  test('is told not to be steady when processes keep ending', async () => {
    let waitedTicks = 0
    interfere = () => tree.process(10, { waitedTicks: waitedTicks++ })
    expect((await read([10])).isSteady).toBe(false)
  })

  test('has the memory of every process that is there; zombies and those that ended have none', async () => {
    tree.process(10, { pssKib: 1 })
    tree.process(11, { ppid: 10, anonymousKib: 2 })
    tree.write('/proc/12/status', 'Name:\tx\nState:\tZ (zombie)\nPid:\t12\nPPid:\t10\n')
    expect(await readMemory(files, [10, 11, 12, 13])).toBe(3 * 1024)
    // Neither may be read.
    tree.write('/proc/14/smaps_rollup/x', '')
    tree.write('/proc/14/status/x', '')
    expect(await readMemory(files, [10, 14])).toBeNull()
  })
})
