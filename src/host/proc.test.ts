import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  parseCgroup,
  parseCommandLine,
  parseCpuList,
  parseCpuMax,
  parseKeyed,
  parseLimit,
  parseMemTotal,
  parsePss,
  parseStat,
  parseStatus,
} from './proc.ts'

test('a stat line is read whatever the command is called', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 15 }),
        fc.constantFrom('a) R 1 (b', ')', '((', 'tmux: server'),
      ),
      fc.array(fc.nat(1e9), { minLength: 50, maxLength: 50 }),
      fc.constantFrom('R', 'S', 'D', 'Z'),
      (command, numbers, state) => {
        // The kernel writes what is negative with a sign: tpgid, nice.
        const fields = [...numbers.slice(0, 4), -1, ...numbers.slice(5)]
        expect(parseStat(`42 (${command}) ${state} ${fields.join(' ')}\n`)).toEqual({
          command,
          state,
          ppid: fields[0],
          ownTicks: (fields[10] ?? 0) + (fields[11] ?? 0),
          waitedTicks: (fields[12] ?? 0) + (fields[13] ?? 0),
          startTicks: fields[18],
        })
      },
    ),
  )
})

test('a stat line that was cut, or is none, is not read', () => {
  for (const text of [
    '',
    '42',
    '42 (sh',
    '42 (sh) S 1 1',
    ') x (',
    '42 (sh) S a b c d e f g h i j k l m n o p q r s t',
  ])
    expect(parseStat(text)).toBeUndefined()
})

test('status tells the pid a process has in its own namespace', () => {
  const status =
    'Name:\tcelery\nPid:\t4711\nPPid:\t4690\nNSpid:\t4711\t7\nRssAnon:\t  51200 kB\nCpus_allowed_list:\t0-1,4\n'
  expect(parseStatus(status)).toEqual({
    ppid: 4690,
    ownPid: 7,
    depth: 2,
    anonymousBytes: 52_428_800,
    allowedCpus: new Set([0, 1, 4]),
  })
  expect(parseStatus('Name:\tkthreadd\nPid:\t2\nPPid:\t0\n')).toMatchObject({ ownPid: 2, depth: 1, ppid: 0 })
  expect(parseStatus('Name:\tx\n')).toBeUndefined()
  expect(parseStatus('')).toBeUndefined()
})

test.each([
  ['0', [0]],
  ['0-3', [0, 1, 2, 3]],
  ['0,2-3\n', [0, 2, 3]],
  ['', []],
  ['x', []],
  ['0-', []],
  ['3-1', []],
])('the list of cores %j is %j', (text, cpus) => {
  expect([...parseCpuList(text)]).toEqual(cpus)
})

test('a list of cores without end stays small', () => {
  expect(parseCpuList('0-4294967295').size).toBe(0)
  expect(parseCpuList('0-9999').size).toBe(8193)
})

test('version 1 is seen where it governs CPU or memory, and not where systemd only names its tree', () => {
  expect(parseCgroup('0::/system.slice/celery.service\n')).toEqual({
    path: '/system.slice/celery.service',
    legacy: false,
  })
  expect(parseCgroup('1:name=systemd:/x\n0::/x\n')).toEqual({ path: '/x', legacy: false })
  expect(parseCgroup('5:cpu,cpuacct:/x\n4:memory:/x\n1:name=systemd:/x\n0::/x\n')).toEqual({
    path: '/x',
    legacy: true,
  })
  expect(parseCgroup('12:memory:/docker/abc\n')).toEqual({ path: undefined, legacy: true })
  expect(parseCgroup('0::/a:b (deleted)\n')).toEqual({ path: '/a:b', legacy: false })
  expect(parseCgroup('')).toEqual({ path: undefined, legacy: false })
})

test('limits and counters are read, and what is no number is not guessed', () => {
  expect(parseLimit('max\n')).toBe(Infinity)
  expect(parseLimit('536870912\n')).toBe(536_870_912)
  expect(parseLimit('')).toBeUndefined()
  expect(parseCpuMax('150000 100000\n')).toBe(1.5)
  expect(parseCpuMax('max 100000\n')).toBe(Infinity)
  expect(parseCpuMax('100000')).toBeUndefined()
  expect(parseCpuMax('1 0')).toBeUndefined()
  const stat = 'usage_usec 1500000\nuser_usec 1\ninactive_file_x 9\ninactive_file 5\n'
  expect(parseKeyed(stat, 'usage_usec')).toBe(1_500_000)
  expect(parseKeyed(stat, 'inactive_file')).toBe(5)
  expect(parseKeyed(stat, 'system_usec')).toBeUndefined()
  expect(
    parsePss(
      '55a8-7fff ---p 00000000 00:00 0 [rollup]\nRss: 1728 kB\nPss:                 282 kB\nPss_Dirty: 1 kB\n',
    ),
  ).toBe(288_768)
  expect(parsePss('')).toBeUndefined()
  expect(parseMemTotal('MemTotal:       16384256 kB\nMemFree: 1 kB\n')).toBe(16_777_478_144)
  expect(parseCommandLine('python\0-m\0celery\0')).toEqual(['python', '-m', 'celery'])
  expect(parseCommandLine('')).toEqual([])
})
