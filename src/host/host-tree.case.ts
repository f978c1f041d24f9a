import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface TreeProcess {
  readonly ppid?: number
  /** Pids in ever deeper namespaces, the outermost left out. */
  readonly inner?: readonly number[]
  readonly command?: readonly string[]
  readonly name?: string
  readonly state?: string
  readonly cgroup?: string
  readonly startTicks?: number
  readonly ownTicks?: number
  readonly waitedTicks?: number
  readonly pssKib?: number
  readonly anonymousKib?: number
  readonly cpus?: string
  /** UTS namespace; that of the host is 1. */
  readonly uts?: number
  /** What its root's /etc/hostname holds. */
  readonly hostname?: string
}

export const GIB = 1024 ** 3
const CELERY = ['/usr/bin/python3', '/usr/bin/celery', '-A', 'app', 'worker', '-E']

/** A folder laid out as /proc, /sys and /var of a Linux host with 4 cores and 16 GiB. */
export class HostTree {
  readonly root = mkdtempSync(join(tmpdir(), 'celeriac-host-'))

  constructor() {
    this.write('/proc/meminfo', `MemTotal:       ${16 * 1024 * 1024} kB\nMemFree:        1 kB\n`)
    this.write('/sys/devices/system/cpu/online', '0-3\n')
    this.write('/sys/fs/cgroup/cgroup.controllers', 'cpuset cpu memory\n')
    this.link('/proc/self/ns/uts', 'uts:[1]')
    this.process(1, { name: 'systemd', command: ['/sbin/init'], cgroup: '0::/init.scope\n', startTicks: 1 })
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(this.root + path), { recursive: true })
    writeFileSync(this.root + path, text)
  }

  link(path: string, target: string): void {
    mkdirSync(dirname(this.root + path), { recursive: true })
    rmSync(this.root + path, { force: true })
    symlinkSync(target, this.root + path)
  }

  remove(path = ''): void {
    rmSync(this.root + path, { recursive: true, force: true })
  }

  process(pid: number, given: TreeProcess): void {
    const {
      ppid = 1,
      inner = [],
      command = CELERY,
      name = 'celery',
      state = 'S',
      startTicks = 10_000,
    } = given
    const { ownTicks = 0, waitedTicks = 0, cgroup = '0::/\n', uts = 1, cpus = '0-127' } = given
    const at = `/proc/${pid}`
    this.write(
      `${at}/stat`,
      `${pid} (${name}) ${state} ${ppid} 1 1 0 -1 4194560 1 1 0 0 ${ownTicks} 0 ${waitedTicks} 0 20 0 1 0 ${startTicks} 1 1 1\n`,
    )
    this.write(
      `${at}/status`,
      [
        `Name:\t${name}`,
        `Pid:\t${pid}`,
        `PPid:\t${ppid}`,
        `NSpid:\t${[pid, ...inner].join('\t')}`,
        `RssAnon:\t${given.anonymousKib ?? 0} kB`,
        `Cpus_allowed_list:\t${cpus}`,
        '',
      ].join('\n'),
    )
    this.write(`${at}/cmdline`, command.map(argument => `${argument}\0`).join(''))
    this.write(`${at}/cgroup`, cgroup)
    this.link(`${at}/ns/uts`, `uts:[${uts}]`)
    if (given.pssKib !== undefined)
      this.write(`${at}/smaps_rollup`, `5-7 ---p 0 00:00 0 [rollup]\nRss: 9 kB\nPss: ${given.pssKib} kB\n`)
    if (given.hostname !== undefined) this.write(`${at}/root/etc/hostname`, `${given.hostname}\n`)
  }

  end(pid: number): void {
    this.remove(`/proc/${pid}`)
  }

  /** Sets files of a cgroup; what is left out is not there. */
  cgroup(
    path: string,
    files: {
      readonly cpuSeconds?: number
      readonly memory?: { readonly current: number; readonly inactiveFile: number }
      readonly memoryMax?: number | 'max'
      readonly cpuMax?: string
      readonly pids?: readonly number[]
    },
  ): void {
    const at = `/sys/fs/cgroup${path}`
    this.write(`${at}/cgroup.controllers`, 'cpu memory\n')
    this.write(`${at}/cgroup.type`, 'domain\n')
    if (files.cpuSeconds !== undefined)
      this.write(`${at}/cpu.stat`, `usage_usec ${files.cpuSeconds * 1e6}\nuser_usec 1\nsystem_usec 1\n`)
    if (files.memory !== undefined) {
      this.write(`${at}/memory.current`, `${files.memory.current}\n`)
      this.write(`${at}/memory.stat`, `anon 1\nfile 1\ninactive_file ${files.memory.inactiveFile}\n`)
    }
    if (files.memoryMax !== undefined) this.write(`${at}/memory.max`, `${files.memoryMax}\n`)
    if (files.cpuMax !== undefined) this.write(`${at}/cpu.max`, `${files.cpuMax}\n`)
    if (files.pids !== undefined) {
      this.write(`${at}/cgroup.procs`, files.pids.map(pid => `${pid}\n`).join(''))
      this.write(`${at}/cgroup.stat`, 'nr_descendants 0\nnr_dying_descendants 0\n')
    }
  }
}
