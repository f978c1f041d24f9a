import type { WorkerClaim } from './contract.ts'
import type { HostFiles } from './files.ts'
import { type Placement, placementOf } from './placement.ts'
import { parseCgroup, parseCommandLine, parseStat, parseStatus } from './proc.ts'

/** What is known of a process, whoever may claim it. */
export interface ProcessFacts {
  readonly pid: number
  /** With the pid it names the process for good. */
  readonly startTicks: number
  /** Its pid in its own namespace: what the worker would call its pid. */
  readonly ownPid: number
  readonly command: string
  readonly arguments: readonly string[]
  /** Every name its own host is known to have: a container's, else this machine's. */
  readonly hostnames: readonly string[]
  /** It has a host name of its own (UTS namespace). */
  readonly ownHostname: boolean
  readonly allowedCpus: ReadonlySet<number>
  /** Undefined when its cgroup cannot be read. */
  readonly placement: Placement | undefined
  /** Version 1 governs its CPU or memory. */
  readonly legacyCgroup: boolean
}

/** Reads what is known of a process; undefined when it is gone, is a zombie or hides. */
export async function readFacts(
  files: HostFiles,
  pid: number,
  hostname: string,
): Promise<ProcessFacts | undefined> {
  const at = `/proc/${pid}`
  const stat = parseStat((await files.read(`${at}/stat`)) ?? '')
  const status = parseStatus((await files.read(`${at}/status`)) ?? '')
  if (stat === undefined || status === undefined || stat.state === 'Z') return undefined
  const command = await files.read(`${at}/cmdline`)
  const cgroup = parseCgroup((await files.read(`${at}/cgroup`)) ?? '')
  const placement = cgroup.path === undefined ? undefined : await placed(files, cgroup.path)
  const own = await files.link(`${at}/ns/uts`)
  const ours = await files.link('/proc/self/ns/uts')
  // Without the right to look: who shares our pid namespace and lies in no container shares our name.
  const inContainer = placement?.kind === 'container' || placement?.kind === 'pod' || status.depth > 1
  const ownHostname = typeof own === 'string' && typeof ours === 'string' ? own !== ours : inContainer
  const hostnames = ownHostname ? [] : [hostname]
  if (ownHostname) {
    const named = await files.read(`${at}/root/etc/hostname`)
    if (typeof named === 'string' && named.trim() !== '') hostnames.push(named.trim())
    // Docker, Podman: without a name given, the first twelve digits of the id.
    if (placement?.kind === 'container' && placement.name.length === ID_LENGTH)
      hostnames.push(placement.name.slice(0, SHORT_ID_LENGTH))
  }
  return {
    pid,
    startTicks: stat.startTicks,
    ownPid: status.ownPid,
    command: stat.command,
    arguments: parseCommandLine(command ?? ''),
    hostnames,
    ownHostname,
    allowedCpus: status.allowedCpus,
    placement,
    legacyCgroup: cgroup.legacy,
  }
}

const ID_LENGTH = 64
export const SHORT_ID_LENGTH = 12

/** The root we see is a container's when it has what the root of a machine lacks: then we run in that container. */
async function placed(files: HostFiles, path: string): Promise<Placement> {
  if (path === '/' && typeof (await files.read('/sys/fs/cgroup/cgroup.type')) === 'string')
    return { kind: 'container', path: '/', name: '' }
  return placementOf(path)
}

/**
 * Whether a process is the worker that claims it. All must hold:
 * - its pid, as it sees itself, is the one claimed;
 * - its host has the name that follows the @ of the node name, or its command line names the node in full;
 * - it runs a Celery worker, by its command line or because it is the parent of pool processes that were claimed.
 */
export function isWorker(
  claim: WorkerClaim,
  facts: ProcessFacts,
  childrenOwnPids: readonly number[],
): boolean {
  if (facts.ownPid !== claim.pid) return false
  const named = namesNode(facts.arguments, claim.worker)
  const host = hostPart(claim.worker)
  if (!named && !facts.hostnames.some(name => sameHost(name, host))) return false
  return looksLikeWorker(facts.arguments) || childrenOwnPids.some(pid => claim.pids.includes(pid))
}

/** What follows the @ of a node name; '' without one. */
export const hostPart = (worker: string): string => /@(.*)$/s.exec(worker)?.[1] ?? ''

/** Equal, or the short and the long form of one name. */
const sameHost = (a: string, b: string): boolean => {
  const [x, y] = [a.toLowerCase(), b.toLowerCase()]
  return x === y || x.startsWith(`${y}.`) || y.startsWith(`${x}.`)
}

/** The title Celery gives its processes where setproctitle is installed: `[celeryd: node@host:MainProcess] …`. */
const TITLE = /^\[celeryd: (\S+):MainProcess\]/

/** `celery -A app worker`, `python -m celery … worker`, `manage.py celery worker`, or Celery's title; not beat, flower or a pool process. */
export function looksLikeWorker(command: readonly string[]): boolean {
  if (TITLE.test(command[0] ?? '')) return true
  const celery = command.findIndex(argument =>
    /(?:^|\/)celeryd?$|\/celery\/(?:__main__|bin\/\w+)\.py$/.test(argument),
  )
  return celery >= 0 && command.slice(celery + 1).includes('worker')
}

/** The node name stands in the command line itself, with nothing for the worker to fill in. */
function namesNode(command: readonly string[], node: string): boolean {
  if (TITLE.exec(command[0] ?? '')?.[1] === node) return true
  return command.some((argument, i) => {
    const before = command[i - 1]
    const value =
      before === '-n' || before === '--hostname'
        ? argument
        : /^(?:--hostname=|-n)(?=.)(.*)$/s.exec(argument)?.[1]
    if (value === undefined || value.includes('%')) return false
    // Celery puts its default name before a value that is only a host (`utils/nodenames.py` default_nodename).
    return value.includes('@') ? value === node : `celery@${value}` === node
  })
}

/** How a worker that is nothing but processes is called: `celery` where its command line shows it, else its command. */
export const workerCommand = (facts: ProcessFacts): string =>
  looksLikeWorker(facts.arguments) ? 'celery' : facts.command
