import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { WorkerClaim } from './index.ts'
import { childrenOf, CORES, LEGACY, MOUNT, pssOf, usedBetween, watch } from './kernel.case.ts'

/**
 * Real processes and the real kernel: what is told is compared with an independent count taken right before and right after. Needs
 * Linux and python3.
 */
/** `burning` children that burn CPU, one that sleeps, each holding `mib` MiB; every half second one burner is replaced. */
const BURNER = `
import os, sys, time
burning, mib = int(sys.argv[1]), int(sys.argv[2])
shared = bytearray(os.urandom(1024)) * (1024 * mib)
def child(seconds):
    pid = os.fork()
    if pid == 0:
        own = bytearray(os.urandom(1024)) * (1024 * mib)
        end = time.monotonic() + seconds
        while seconds and time.monotonic() < end: sum(range(1000))
        if not seconds: time.sleep(600)
        os._exit(0)
    return pid
child(0)
for _ in range(burning): child(0.5)
print('ready', flush=True)
while burning:
    os.wait()
    child(0.5)
time.sleep(600)
`

const started: ChildProcess[] = []
const folders: string[] = []

/** In a process group of its own; its command line is that of the node `burner@nowhere`. */
async function burn(burning: number, mib: number): Promise<WorkerClaim> {
  const args = ['-c', BURNER, String(burning), String(mib), 'celery', 'worker', '-n', 'burner@nowhere']
  const child = spawn('python3', args, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
  started.push(child)
  await once(child.stdout, 'data')
  return { broker: 'default', worker: 'burner@nowhere', pid: child.pid ?? 0, pids: [] }
}

afterEach(async () => {
  for (const child of started.splice(0)) {
    const ended = once(child, 'exit')
    process.kill(-(child.pid ?? 0), 'SIGKILL')
    await ended
  }
  for (const folder of folders.splice(0)) {
    // Killed children are gone a moment after their parent.
    for (let tries = 0; readFileSync(`${folder}/cgroup.procs`, 'utf8') !== '' && tries < 100; tries++)
      await sleep(50)
    rmdirSync(folder)
  }
})

describe('processes', () => {
  test('CPU of a tree whose processes come and go is what the kernel counts', async () => {
    const look = watch(await burn(2, 1), 'box')
    let before = await look()
    expect(before.reading).toMatchObject({ container: `celery:${started[0]?.pid}`, cpuPercent: null })
    for (let i = 0; i < 3; i++) {
      await sleep(1500)
      const after = await look()
      const { told, least, most } = usedBetween(before, after, CORES)
      expect(told).toBeGreaterThanOrEqual(least)
      expect(told).toBeLessThanOrEqual(most)
      expect(told).toBeGreaterThan(0.05)
      before = after
    }
  })

  test('memory of a tree is its proportional set size: what is shared counts once', async () => {
    const claim = await burn(0, 32)
    const look = watch(claim, 'box')
    let told: number | null | undefined
    // The sleeping child takes a moment to fill its own memory.
    for (let tries = 0; tries < 100; tries++) {
      const before = pssOf(claim.pid)
      told = (await look()).reading?.memoryBytes
      if (
        before > 64 * 1024 ** 2 &&
        told !== null &&
        told !== undefined &&
        Math.abs(told - before) < 0.02 * before
      )
        return
      await sleep(100)
    }
    expect(told).toBeCloseTo(pssOf(claim.pid))
  })

  test('a process that ended is told no more', async () => {
    const claim = await burn(0, 1)
    const look = watch(claim, 'box')
    expect((await look()).reading).toBeDefined()
    const [child] = started.splice(0)
    const ended = once(child!, 'exit')
    process.kill(-claim.pid, 'SIGKILL')
    await ended
    expect((await look()).reading).toBeUndefined()
  })
})

/** A cgroup of version 2 of our own, named as a unit; undefined where it may not be made. */
function makeCgroup(): string | undefined {
  if (MOUNT === undefined) return undefined
  const folder = `${MOUNT}/celeriac-test-${process.pid}.service`
  try {
    mkdirSync(folder)
  } catch {
    return undefined
  }
  folders.push(folder)
  return folder
}

describe('a cgroup of version 2', () => {
  test('CPU of a unit of its own is what the kernel counts for the cgroup', async context => {
    const folder = makeCgroup()
    if (folder === undefined) return context.skip('no cgroup of version 2 may be made here')
    const claim = await burn(2, 1)
    writeFileSync(`${folder}/cgroup.procs`, String(claim.pid))
    for (const child of childrenOf(claim.pid)) {
      try {
        writeFileSync(`${folder}/cgroup.procs`, String(child))
      } catch {
        // A burner that ended meanwhile; its successor is born inside.
      }
    }
    // Burners that were being born outside have ended by then.
    await sleep(1200)
    const look = watch(claim, 'box')
    const usage = (): number =>
      Number(/^usage_usec (\d+)$/m.exec(readFileSync(`${folder}/cpu.stat`, 'utf8'))?.[1]) / 1e6
    const startBefore = usage()
    const first = await look()
    const startAfter = usage()
    await sleep(1500)
    const endBefore = usage()
    const second = await look()
    const endAfter = usage()
    expect(second.reading?.container).toBe(`celeriac-test-${process.pid}.service`)
    const { told } = usedBetween(first, second, CORES)
    expect(told).toBeGreaterThanOrEqual(endBefore - startAfter - 0.01)
    expect(told).toBeLessThanOrEqual(endAfter - startBefore + 0.01)
  })

  test('percentages are of cpu.max and memory.max', async context => {
    const folder = makeCgroup()
    if (folder === undefined) return context.skip('no cgroup of version 2 may be made here')
    if (!existsSync(`${folder}/cpu.max`) || !existsSync(`${folder}/memory.max`))
      return context.skip(
        `the controllers cpu and memory are not available in it${LEGACY ? ': version 1 has them on this machine' : ''}`,
      )
    writeFileSync(`${folder}/cpu.max`, '20000 100000')
    writeFileSync(`${folder}/memory.max`, String(256 * 1024 ** 2))
    const claim = await burn(2, 16)
    writeFileSync(`${folder}/cgroup.procs`, String(claim.pid))
    await sleep(1200)
    const look = watch(claim, 'box')
    const first = await look()
    await sleep(2000)
    const second = await look()
    // Two burners want all there is and get a fifth of a core, never more; what a period of 100 ms may shift is let pass.
    expect(second.reading?.cpuPercent).toBeGreaterThan(5)
    expect(second.reading?.cpuPercent).toBeLessThan(125)
    expect(second.reading?.memoryLimitBytes).toBe(256 * 1024 ** 2)
    expect(first.reading?.memoryPercent).toBeGreaterThan(0)
    expect(first.reading?.memoryPercent).toBeLessThanOrEqual(100)
  })
})
