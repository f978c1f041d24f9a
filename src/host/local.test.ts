import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { memoryLog } from '../base/index.ts'
import { createHostFiles, type HostFiles } from './files.ts'
import { GIB, HostTree } from './host-tree.case.ts'
import { createLocalHost, type HostReading, type LocalHost, type WorkerClaim } from './index.ts'

const ID = '4f0c7b5e9d3a4f0c7b5e9d3a4f0c7b5e9d3a4f0c7b5e9d3a4f0c7b5e9d3a4f0c'
const OTHER_ID = ID.replaceAll('4', 'a')
const UNIT = '/system.slice/celery.service'
const SESSION = '/user.slice/user-1000.slice/session-3.scope'

let tree: HostTree
let log: ReturnType<typeof memoryLog>
let nowMs: number
let files: HostFiles
let host: LocalHost

beforeEach(() => {
  tree = new HostTree()
  log = memoryLog()
  nowMs = 1_000_000
  files = createHostFiles(tree.root)
  host = createLocalHost(log, { files, hostname: 'box', uptimeMs: () => nowMs })
})
afterEach(() => tree.remove())

const claim = (worker: string, pid: number, pids: readonly number[] = []): WorkerClaim => ({
  broker: 'default',
  worker,
  pid,
  pids,
})

/** Ten seconds later. */
const cycle = (...claims: readonly WorkerClaim[]): Promise<readonly HostReading[]> => {
  nowMs += 10_000
  return host.cycle(claims)
}

const messages = (): readonly string[] => log.lines.map(({ message }) => message)

describe('a container', () => {
  const path = `/system.slice/docker-${ID}.scope`
  const worker = claim(`celery@${ID.slice(0, 12)}`, 1, [8, 9])

  beforeEach(() => {
    tree.cgroup('/system.slice', { memoryMax: 'max', cpuMax: 'max 100000' })
    tree.cgroup(path, {
      cpuSeconds: 100,
      memory: { current: 700_000_000, inactiveFile: 188_000_000 },
      memoryMax: 1_024_000_000,
      cpuMax: '150000 100000',
    })
    tree.process(5000, { inner: [1], cgroup: `0::${path}\n`, uts: 77 })
    tree.process(5008, { ppid: 5000, inner: [8], cgroup: `0::${path}\n`, uts: 77 })
  })

  test('is measured as a whole, by its pid inside and its host name, which is its id', async () => {
    expect(await cycle(worker)).toEqual([
      {
        broker: 'default',
        worker: worker.worker,
        container: ID.slice(0, 12),
        cpuPercent: null,
        memoryPercent: 50,
        memoryBytes: 512_000_000,
        memoryLimitBytes: 1_024_000_000,
      },
    ])
    // 12 s in 10 s of 1.5 cores.
    tree.cgroup(path, { cpuSeconds: 112 })
    expect((await cycle(worker))[0]?.cpuPercent).toBeCloseTo(80, 9)
    expect(messages()).toEqual([])
  })

  test('has the name that Docker keeps, when that may be read', async () => {
    tree.write(
      `/var/lib/docker/containers/${ID}/config.v2.json`,
      JSON.stringify({ HostConfig: { RestartPolicy: { Name: 'always' } }, Name: '/shop-worker-1' }),
    )
    expect((await cycle(worker))[0]?.container).toBe('shop-worker-1')
  })

  test('that was given a host name is found by it, where its root may be looked into', async () => {
    tree.process(5000, { inner: [1], cgroup: `0::${path}\n`, uts: 77, hostname: 'w1.shop.internal' })
    expect(await cycle(claim('celery@w1.shop.internal', 1))).toHaveLength(1)
    expect(await cycle(claim('celery@w1', 1))).toHaveLength(1)
    expect(await cycle(claim('celery@w2', 1))).toEqual([])
  })

  test('is not believed for the host name of the machine, though the pid fits', async () => {
    expect(await cycle(claim('celery@box', 1))).toEqual([])
    expect(await cycle(claim('celery@box', 5000))).toEqual([])
  })

  test('whose host name would be a link to a file of the host is not followed there', async () => {
    tree.write('/etc/secret', 'w1\n')
    tree.link('/proc/5000/root/etc/hostname', `${tree.root}/etc/secret`)
    expect(await cycle(claim('celery@w1', 1))).toEqual([])
  })

  test('limits above it count, the smallest of all', async () => {
    tree.cgroup('/system.slice', { memoryMax: 600_000_000, cpuMax: '50000 100000' })
    expect((await cycle(worker))[0]).toMatchObject({ memoryLimitBytes: 600_000_000 })
    tree.cgroup(path, { cpuSeconds: 104 })
    expect((await cycle(worker))[0]?.cpuPercent).toBeCloseTo(80, 9)
  })

  test('without limits is measured by its host: the cores it may use, and all memory', async () => {
    tree.cgroup(path, { memoryMax: 'max', cpuMax: 'max 100000' })
    tree.process(5000, { inner: [1], cgroup: `0::${path}\n`, uts: 77, cpus: '0-1,64-127' })
    const [first] = await cycle(worker)
    expect(first?.memoryLimitBytes).toBe(16 * GIB)
    tree.cgroup(path, { cpuSeconds: 110 })
    // 10 s in 10 s of 2 cores that are both allowed and there.
    expect((await cycle(worker))[0]?.cpuPercent).toBeCloseTo(50, 9)
  })

  test('with two workers: both are told of the whole, each of its own memory', async () => {
    tree.process(5000, { inner: [1], cgroup: `0::${path}\n`, uts: 77, hostname: 'w', pssKib: 1000 })
    tree.process(5008, { ppid: 5000, inner: [8], cgroup: `0::${path}\n`, uts: 77, pssKib: 24 })
    tree.process(5050, { inner: [50], cgroup: `0::${path}\n`, uts: 77, hostname: 'w', pssKib: 2000 })
    const found = await cycle(claim('a@w', 1), claim('b@w', 50))
    expect(
      found.map(({ worker: name, memoryPercent, memoryBytes }) => [name, memoryPercent, memoryBytes]),
    ).toEqual([
      ['a@w', 50, 1024 * 1024],
      ['b@w', 50, 2000 * 1024],
    ])
  })

  test('started anew under the same path begins to count anew', async () => {
    await cycle(worker)
    tree.cgroup(path, { cpuSeconds: 1 })
    expect((await cycle(worker))[0]?.cpuPercent).toBeNull()
    tree.cgroup(path, { cpuSeconds: 4 })
    expect((await cycle(worker))[0]?.cpuPercent).toBeCloseTo(20, 9)
  })

  test('of two that fit the same claim none is told', async () => {
    const twin = `/system.slice/docker-${OTHER_ID}.scope`
    tree.cgroup(twin, { cpuSeconds: 1, memory: { current: 5, inactiveFile: 0 } })
    tree.process(5000, { inner: [1], cgroup: `0::${path}\n`, uts: 77, hostname: 'worker' })
    tree.process(6000, { inner: [1], cgroup: `0::${twin}\n`, uts: 78, hostname: 'worker' })
    expect(await cycle(claim('celery@worker', 1))).toEqual([])
  })
})

describe('a pod', () => {
  const path = `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod8a1c.slice/cri-containerd-${ID}.scope`

  beforeEach(() => {
    tree.cgroup('/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod8a1c.slice', {
      memoryMax: 900_000_000,
      cpuMax: 'max 100000',
    })
    tree.cgroup(path, {
      cpuSeconds: 5,
      memory: { current: 450_000_000, inactiveFile: 0 },
      memoryMax: 1_000_000_000,
      cpuMax: '200000 100000',
    })
  })

  test('goes by its name, which is its host name, and the limit of the pod counts too', async () => {
    tree.process(900, { inner: [1], cgroup: `0::${path}\n`, uts: 9, hostname: 'worker-7f9c-x2x' })
    expect((await cycle(claim('celery@worker-7f9c-x2x', 1)))[0]).toMatchObject({
      container: 'worker-7f9c-x2x',
      memoryPercent: 50,
    })
  })

  test('in the network of its node goes by the id of its container', async () => {
    tree.process(900, { inner: [1], cgroup: `0::${path}\n` })
    expect((await cycle(claim('celery@box', 1)))[0]?.container).toBe(ID.slice(0, 12))
  })
})

describe('a systemd unit', () => {
  const worker = claim('celery@box', 700, [701, 702])

  beforeEach(() => {
    tree.cgroup('/system.slice', { memoryMax: 'max', cpuMax: 'max 100000' })
    tree.cgroup(UNIT, {
      cpuSeconds: 40,
      memory: { current: 3 * GIB, inactiveFile: GIB },
      memoryMax: 4 * GIB,
      cpuMax: '100000 100000',
      pids: [700, 701, 702],
    })
    tree.process(700, { cgroup: `0::${UNIT}\n`, pssKib: 100 * 1024 })
    for (const pid of [701, 702])
      tree.process(pid, { ppid: 700, cgroup: `0::${UNIT}\n`, pssKib: 50 * 1024, startTicks: 10_100 })
  })

  test('in which nothing else runs is measured as a whole, under its name', async () => {
    expect(await cycle(worker)).toMatchObject([
      { container: 'celery.service', cpuPercent: null, memoryPercent: 50, memoryBytes: 2 * GIB },
    ])
    tree.cgroup(UNIT, { cpuSeconds: 47 })
    expect((await cycle(worker))[0]?.cpuPercent).toBeCloseTo(70, 9)
  })

  test('may hold what started the worker and what its tasks start', async () => {
    tree.process(699, { command: ['sh', '-c', 'celery -A app worker'], name: 'sh', cgroup: `0::${UNIT}\n` })
    tree.process(700, { ppid: 699, cgroup: `0::${UNIT}\n` })
    tree.process(720, { ppid: 701, command: ['ffmpeg'], name: 'ffmpeg', cgroup: `0::${UNIT}\n` })
    tree.cgroup(UNIT, { pids: [699, 700, 701, 702, 720] })
    expect((await cycle(worker))[0]?.container).toBe('celery.service')
  })

  test('with another program in it: the processes of the worker are summed, the limits of the unit hold', async () => {
    tree.process(710, { command: ['gunicorn'], name: 'gunicorn', cgroup: `0::${UNIT}\n` })
    tree.cgroup(UNIT, { pids: [700, 701, 702, 710] })
    expect(await cycle(worker)).toMatchObject([
      {
        container: 'celery:700',
        cpuPercent: null,
        memoryBytes: 200 * 1024 * 1024,
        memoryLimitBytes: 4 * GIB,
        memoryPercent: (200 / 4096) * 100,
      },
    ])
    tree.process(700, { cgroup: `0::${UNIT}\n`, pssKib: 100, ownTicks: 100 })
    tree.process(702, { ppid: 700, cgroup: `0::${UNIT}\n`, pssKib: 100, ownTicks: 400, startTicks: 10_100 })
    expect((await cycle(worker))[0]?.cpuPercent).toBeCloseTo(50, 9)
  })

  test('is not taken for shared because of a guest that leaves again', async () => {
    await cycle(worker)
    tree.process(715, { command: ['kill'], name: 'kill', cgroup: `0::${UNIT}\n` })
    tree.cgroup(UNIT, { cpuSeconds: 45, pids: [700, 701, 702, 715] })
    expect((await cycle(worker))[0]).toMatchObject({ container: 'celery.service' })
    tree.cgroup(UNIT, { pids: [700, 701, 702, 716] })
    expect((await cycle(worker))[0]?.container).toBe('celery.service')
    expect((await cycle(worker))[0]?.container).toBe('celery:700')
  })

  test('whose memory is not accounted tells the memory of its processes', async () => {
    tree.remove(`/sys/fs/cgroup${UNIT}/memory.current`)
    expect((await cycle(worker))[0]).toMatchObject({
      container: 'celery.service',
      memoryBytes: 200 * 1024 * 1024,
    })
  })
})

describe('a plain process', () => {
  const worker = claim('celery@box', 300, [301])
  const own = (ownTicks: number): Parameters<HostTree['process']>[1] => ({
    cgroup: `0::${SESSION}\n`,
    ownTicks,
  })

  beforeEach(() => {
    tree.cgroup(SESSION, {
      cpuSeconds: 9999,
      memory: { current: 9e9, inactiveFile: 0 },
      memoryMax: 'max',
      pids: [300, 301],
    })
    tree.process(300, { ...own(50), pssKib: 1024 })
    tree.process(301, { ...own(70), ppid: 300, pssKib: 1024 })
    tree.process(400, { ...own(0), command: ['vim'], name: 'vim', pssKib: 99_999 })
  })

  test('in a login session is measured by its processes against the machine', async () => {
    expect(await cycle(worker)).toEqual([
      {
        broker: 'default',
        worker: 'celery@box',
        container: 'celery:300',
        cpuPercent: null,
        memoryPercent: (2 / (16 * 1024)) * 100,
        memoryBytes: 2 * 1024 * 1024,
        memoryLimitBytes: 16 * GIB,
      },
    ])
    tree.process(301, { ...own(70 + 1000), ppid: 300, pssKib: 1024 })
    // One of four cores.
    expect((await cycle(worker))[0]?.cpuPercent).toBeCloseTo(25, 9)
  })

  test('its new pool processes and what they start are found without being told', async () => {
    await cycle(worker)
    tree.process(301, { ...own(70), ppid: 300, pssKib: 1024 })
    tree.process(302, { ...own(1000), ppid: 300, startTicks: 101_500, pssKib: 1024 })
    tree.process(303, { ...own(1000), ppid: 302, name: 'ffmpeg', startTicks: 101_600, pssKib: 1024 })
    expect(await cycle(worker)).toMatchObject([{ cpuPercent: 50, memoryBytes: 4 * 1024 * 1024 }])
  })

  test('where proportional memory may not be read, anonymous memory stands in', async () => {
    tree.remove('/proc/300/smaps_rollup')
    tree.process(300, { ...own(50), anonymousKib: 512 })
    expect((await cycle(worker))[0]?.memoryBytes).toBe(1536 * 1024)
  })

  test.each([
    ['another host has the node', claim('celery@other', 300, [301])],
    ['another process has the pid', claim('celery@box', 400)],
    ['nobody has the pid', claim('celery@box', 12_345)],
  ])('nothing is told when %s', async (_case, foreign) => {
    expect(await cycle(foreign)).toEqual([])
    expect(messages()).toEqual([])
  })

  test.each([
    ['a script whose pool processes fit', ['python', 'worker.py'], [301], true],
    ['a script without any', ['python', 'worker.py'], [], false],
    ['a script whose children are others', ['python', 'worker.py'], [555], false],
    ['beat', ['celery', '-A', 'app', 'beat'], [], false],
    ['Django', ['python', 'manage.py', 'celery', 'worker'], [], true],
    ['python -m', ['python3', '-m', 'celery', '-A', 'worker', 'worker'], [], true],
    ['a title', ['[celeryd: celery@box:MainProcess] -active- (worker -E)'], [], true],
    ['a pool process by its title', ['[celeryd: celery@box:ForkPoolWorker-1]'], [], false],
  ])('%s', async (_case, command, pids, told) => {
    tree.process(300, { ...own(0), command, pssKib: 1 })
    expect(await cycle(claim('celery@box', 300, pids))).toHaveLength(told ? 1 : 0)
  })

  test.each([
    [['-n', 'w1@shop'], 'w1@shop', true],
    [['-nw1@shop'], 'w1@shop', true],
    [['--hostname=w1@shop'], 'w1@shop', true],
    [['--hostname', 'w1@shop'], 'w1@shop', true],
    [['-n', 'w1'], 'celery@w1', true],
    [['-n', 'w1@shop'], 'w2@shop', false],
    [['-n', 'w1@%h'], 'w1@box', true],
    [['-n', 'w1@%h'], 'w1@%h', false],
  ])('a command line with %j names %s: %s', async (named, node, told) => {
    tree.process(300, { ...own(0), command: ['celery', 'worker', ...named], pssKib: 1 })
    expect(await cycle(claim(node, 300))).toHaveLength(told ? 1 : 0)
  })

  test('a pid that was given to another process is not believed any longer', async () => {
    expect(await cycle(worker)).toHaveLength(1)
    tree.process(300, { ...own(0), command: ['vim'], startTicks: 50_000, pssKib: 1 })
    expect(await cycle(worker)).toEqual([])
    tree.process(300, { ...own(0), startTicks: 60_000, pssKib: 1 })
    // It may be a worker again; its CPU begins anew.
    for (let i = 0; i < 7; i++) await cycle(worker)
    expect(await cycle(worker)).toHaveLength(1)
  })

  test('a worker that ended, or is a zombie, is told no more', async () => {
    expect(await cycle(worker)).toHaveLength(1)
    tree.process(300, { ...own(50), state: 'Z' })
    expect(await cycle(worker)).toEqual([])
    tree.end(300)
    expect(await cycle(worker)).toEqual([])
    expect(messages()).toEqual([])
  })

  test('a restarted worker is found under its new pid', async () => {
    await cycle(worker)
    tree.end(300)
    tree.end(301)
    tree.process(310, { ...own(0), startTicks: 100_500, pssKib: 1 })
    expect(await cycle(claim('celery@box', 310))).toMatchObject([
      { container: 'celery:310', cpuPercent: null },
    ])
  })
})

describe('when little can be seen', () => {
  const worker = claim('celery@box', 300)

  test('a host with cgroup version 1 is told of once, and only memory in bytes is told', async () => {
    tree.process(300, { cgroup: '9:name=systemd:/\n4:memory:/x\n1:cpu:/\n0::/\n', pssKib: 1024 })
    for (let i = 0; i < 3; i++)
      expect(await cycle(worker)).toMatchObject([
        {
          container: 'celery:300',
          cpuPercent: null,
          memoryPercent: null,
          memoryBytes: 1024 * 1024,
          memoryLimitBytes: null,
        },
      ])
    expect(messages()).toEqual([expect.stringContaining('cgroup version 1')])
  })

  test('in a container of our own the root we see is that container', async () => {
    tree.write('/sys/fs/cgroup/cgroup.type', 'domain\n')
    tree.cgroup('/', {
      cpuSeconds: 1,
      memory: { current: 300, inactiveFile: 100 },
      memoryMax: 400,
      cpuMax: 'max 100000',
    })
    tree.process(300, { cgroup: '0::/\n' })
    expect(await cycle(worker)).toMatchObject([{ container: 'box', memoryPercent: 50 }])
  })

  test('a container beside ours has no limits that we could read, which is said once', async () => {
    tree.process(300, {
      inner: [1],
      cgroup: `0::/../docker-${ID}.scope\n`,
      uts: 8,
      hostname: 'w1',
      pssKib: 2048,
    })
    for (let i = 0; i < 2; i++)
      expect(await cycle(claim('celery@w1', 1))).toMatchObject([
        { memoryBytes: 2 * 1024 * 1024, memoryPercent: null, cpuPercent: null },
      ])
    expect(messages()).toEqual([expect.stringContaining('cgroup namespace')])
  })

  test('a hierarchy that is not mounted says nothing about limits', async () => {
    tree.remove('/sys/fs/cgroup')
    tree.process(300, { cgroup: `0::${UNIT}\n`, pssKib: 2048 })
    expect(await cycle(worker)).toMatchObject([{ memoryBytes: 2 * 1024 * 1024, memoryLimitBytes: null }])
  })

  test('a limit that may not be read is no limit of the machine', async () => {
    tree.cgroup(UNIT, { cpuSeconds: 1, memory: { current: 5, inactiveFile: 0 }, pids: [300] })
    // A folder cannot be read as a file, not even by root.
    tree.write(`/sys/fs/cgroup${UNIT}/memory.max/x`, '')
    tree.process(300, { cgroup: `0::${UNIT}\n` })
    expect(await cycle(worker)).toMatchObject([
      { memoryBytes: 5, memoryPercent: null, memoryLimitBytes: null },
    ])
  })

  test('hidden processes are said once, and only when a worker may be among them', async () => {
    tree.end(1)
    expect(await cycle()).toEqual([])
    expect(messages()).toEqual([])
    await cycle(claim('celery@other', 77))
    await cycle(claim('celery@other', 77))
    expect(messages()).toEqual([expect.stringContaining('hidepid')])
  })

  test('without /proc it says so once and goes on', async () => {
    tree.remove('/proc')
    for (let i = 0; i < 2; i++) expect(await cycle(worker)).toEqual([])
    expect(messages()).toEqual([expect.stringContaining('no /proc')])
  })

  test('files that make no sense are read as nothing known', async () => {
    tree.cgroup(UNIT, { memory: { current: 5, inactiveFile: 0 }, pids: [300] })
    for (const file of ['cpu.stat', 'memory.current', 'memory.max', 'cpu.max', 'cgroup.stat'])
      tree.write(`/sys/fs/cgroup${UNIT}/${file}`, '\0garbage\n')
    tree.process(300, { cgroup: `0::${UNIT}\n` })
    tree.write('/proc/300/smaps_rollup', 'garbage')
    tree.write('/proc/meminfo', '')
    for (let i = 0; i < 2; i++)
      expect(await cycle(worker)).toMatchObject([{ cpuPercent: null, memoryPercent: null }])
  })
})

describe('a sum over processes is not told in part', () => {
  const worker = claim('celery@box', 300)

  test('while the processes of a large host are not all known', async () => {
    tree.process(300, { pssKib: 1024 })
    for (let pid = 1000; pid < 1600; pid++) tree.process(pid, { command: ['x'], name: 'x' })
    // The pool process is among the last that are looked at.
    tree.process(1700, { ppid: 300, pssKib: 1024 })
    const told: (number | null | undefined)[] = []
    for (let i = 0; i < 4; i++) told.push((await cycle(worker))[0]?.memoryBytes)
    expect(told[0]).toBeNull()
    expect(told.filter(bytes => bytes !== null)).toEqual([2 * 1024 * 1024, 2 * 1024 * 1024])
  })

  test('when there are more than can be read in one cycle', async () => {
    tree.process(300, { pssKib: 1024 })
    for (let pid = 1000; pid < 1300; pid++) tree.process(pid, { ppid: 300, pssKib: 1 })
    for (let i = 0; i < 4; i++)
      expect(await cycle(worker)).toMatchObject([{ memoryBytes: null, cpuPercent: null }])
  })
})

test('a cycle opens a bounded number of files, and everyone has a turn', async () => {
  const claims: WorkerClaim[] = []
  for (let i = 0; i < 120; i++) {
    const pid = 1000 + 4 * i
    tree.process(pid, {
      cgroup: `0::${SESSION}\n`,
      command: ['celery', 'worker', '-n', `w${i}@box`],
      pssKib: 1,
    })
    for (const child of [1, 2, 3])
      tree.process(pid + child, { ppid: pid, cgroup: `0::${SESSION}\n`, pssKib: 1 })
    claims.push(claim(`w${i}@box`, pid))
  }
  const seen = new Set<string>()
  let most = 0
  for (let i = 0; i < 16; i++) {
    const before = files.opened
    for (const { worker } of await cycle(...claims)) seen.add(worker)
    most = Math.max(most, files.opened - before)
  }
  expect(seen.size).toBe(120)
  expect(most).toBeLessThan(600)
})
