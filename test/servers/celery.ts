import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '..', '..')

/** The Python that has Celery; `node scripts/servers.mjs` makes it. CELERIAC_TEST_PYTHON names another, to test with another Celery. */
export const PYTHON = process.env['CELERIAC_TEST_PYTHON'] ?? join(root, '.cache', 'venv', 'bin', 'python')

/** Debian's Python, whose Celery is years older than PyPI's newest. */
export const SYSTEM_PYTHON = '/usr/bin/python3'

/** The two Celery apps there are: tasks that write down the truth, and the example report service. */
export const APPS = {
  fleet: join(root, 'test', 'fleet'),
  reports: join(root, 'examples', 'reports'),
} as const

export type AppName = keyof typeof APPS

const START_TIMEOUT_MS = 45_000
const STOP_TIMEOUT_MS = 15_000
const PRODUCE_BUFFER_BYTES = 256 * 1024 * 1024

export interface WorkerOptions {
  readonly brokerUrl: string
  /** `PYTHON` when left out. */
  readonly python?: string
  /** The node will be `name@test`. */
  readonly name: string
  readonly app?: AppName
  readonly concurrency?: number
  /** What to consume; `reports` and `default` when left out. `['parked']` starts a worker that takes nothing until told. */
  readonly queues?: readonly string[]
  readonly pool?: 'prefork' | 'threads' | 'solo' | 'gevent'
  /** Task events (`-E`); true when left out. */
  readonly events?: boolean
  /** Where tasks write what happened; required by the fleet app. */
  readonly truthFile?: string
  readonly environment?: Readonly<Record<string, string>>
  /** Celery settings of the fleet app, over its own. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** More arguments of `celery worker`. */
  readonly args?: readonly string[]
}

export interface LoggedProcess {
  /** The parent process, which is what events and `stats` call `pid`. It leads a process group of its own. */
  readonly pid: number
  readonly logFile: string
  readonly running: boolean
  /** The whole group at once with SIGKILL, as an out-of-memory kill of the container does: no goodbye. Resolves when it is gone. */
  kill(): Promise<void>
  /** SIGTERM, as a deployment does: running tasks end, the worker says goodbye. Killed when that takes over 15 s. */
  stop(): Promise<void>
  /** The log so far; also after the end, when the file is gone. */
  log(): string
}

export interface RunningWorker extends LoggedProcess {
  /** Full node name, `name@test`. */
  readonly node: string
}

/**
 * Starts a real Celery worker and resolves when it says it is ready. Rejects with the end of its log when it does not within 45 s.
 * Stop it in `afterAll`; it is killed when the test process ends.
 */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const node = `${options.name}@test`
  const args = [
    '-m',
    'celery',
    '-A',
    'app.celery_app',
    'worker',
    '-n',
    node,
    '-l',
    'INFO',
    '--without-mingle',
  ]
  args.push('-P', options.pool ?? 'prefork', '-c', String(options.concurrency ?? 2))
  args.push('-Q', (options.queues ?? ['reports', 'default']).join(','))
  if (options.events ?? true) args.push('-E')
  const running = await spawnLogged({
    command: options.python ?? PYTHON,
    args: [...args, ...(options.args ?? [])],
    cwd: APPS[options.app ?? 'fleet'],
    environment: pythonEnvironment(options.brokerUrl, options.truthFile, {
      ...withSettings(options.settings),
      ...options.environment,
    }),
    name: options.name,
    ready: log => log.includes(`${node} ready.`),
  })
  return {
    ...running,
    node,
    // A spread would keep the answer of this moment.
    get running() {
      return running.running
    },
  }
}

/** One task as the producer sent it; times are epoch seconds. `eta` null: at once. */
export interface ProducedTask {
  readonly id: string
  readonly task: string
  readonly queue: string
  readonly priority: number
  readonly retries: number
  readonly outcome: 'succeeded' | 'failed'
  readonly eta: number | null
  readonly sentBefore: number
  readonly sentAfter: number
}

/** What must be counted once everything has ended; retries are counted in. */
export interface ExpectedCounts {
  readonly task: string
  readonly queue: string
  readonly sent: number
  readonly received: number
  readonly started: number
  readonly succeeded: number
  readonly failed: number
  readonly retried: number
}

export interface Produced {
  readonly tasks: readonly ProducedTask[]
  readonly expected: readonly ExpectedCounts[]
  /** Messages this run put into each queue: its depth while nobody consumes. */
  readonly depth: Readonly<Record<string, number>>
  readonly first: number
  readonly last: number
}

export interface ProduceOptions {
  readonly brokerUrl: string
  readonly count: number
  /** `mixed`: of ten tasks six succeed, one fails, two retry and then succeed, one has an ETA 1 to 2 s ahead. */
  readonly mix?: 'mixed' | 'work' | 'fail' | 'flaky' | 'eta'
  /** The queues to spread over; `reports` and `default` when left out. */
  readonly queues?: readonly string[]
  /** Number of the first task: what is sent depends on the number alone. */
  readonly offset?: number
  /** Every task takes this long; 0 to 60 ms when left out. */
  readonly seconds?: number
  /** Celery settings of the sender, over those of the fleet app. */
  readonly settings?: Readonly<Record<string, unknown>>
}

/** Sends tasks of the fleet app with a real Celery client and returns what must come of them. */
export async function produce(options: ProduceOptions): Promise<Produced> {
  const args = ['--count', String(options.count), '--mix', options.mix ?? 'mixed']
  if (options.queues !== undefined) args.push('--spread', ...options.queues)
  if (options.offset !== undefined) args.push('--offset', String(options.offset))
  if (options.seconds !== undefined) args.push('--seconds', String(options.seconds))
  return JSON.parse(await runPython('app.produce', args, options.brokerUrl, options.settings)) as Produced
}

/** The arguments of Celery's `send_task`. */
export interface Call {
  readonly name: string
  readonly args?: readonly unknown[]
  readonly kwargs?: Readonly<Record<string, unknown>>
  readonly queue?: string
  readonly countdown?: number
}

/** Sends tasks of the fleet app with a real Celery client and returns their ids. */
export async function send(brokerUrl: string, calls: readonly Call[]): Promise<readonly string[]> {
  return JSON.parse(await runPython('app.send', [JSON.stringify(calls)], brokerUrl)) as string[]
}

/** What each node said about each queue: `{ok: text}` or `{error: text}`. */
export type ConsumeAnswers = Readonly<
  Record<string, Readonly<Record<string, { ok?: string; error?: string }>>>
>

/**
 * Makes workers of the fleet app stop consuming. When it resolves, nothing more is taken from the queues. Faster with `nodes`: it then
 * knows when all have answered.
 */
export async function stopConsuming(
  brokerUrl: string,
  queues: readonly string[],
  nodes?: readonly string[],
): Promise<ConsumeAnswers> {
  return consume('stop', brokerUrl, queues, nodes)
}

/** Makes workers of the fleet app consume the queues, also those they were started without. */
export async function startConsuming(
  brokerUrl: string,
  queues: readonly string[],
  nodes?: readonly string[],
): Promise<ConsumeAnswers> {
  return consume('start', brokerUrl, queues, nodes)
}

/** One run of a task as the task itself saw it; times are epoch seconds of this machine. */
export interface TaskRun {
  readonly id: string
  readonly task: string
  readonly queue: string
  readonly worker: string
  readonly retries: number
  readonly start: number
  readonly end: number
  readonly outcome: 'succeeded' | 'failed' | 'retried'
}

/** Reads what tasks wrote down so far, in the order of their ends. */
export const readTruth = (truthFile: string): TaskRun[] => readRuns(truthFile, 0).runs

/** The runs written from `offset` bytes on, and where the next begin. A line that is still being written is left for later. */
function readRuns(truthFile: string, offset: number): { readonly runs: TaskRun[]; readonly next: number } {
  if (!existsSync(truthFile)) return { runs: [], next: offset }
  const bytes = readFileSync(truthFile)
  const next = bytes.lastIndexOf('\n') + 1
  if (next <= offset) return { runs: [], next: offset }
  const lines = bytes.toString('utf8', offset, next).trimEnd().split('\n')
  return { runs: lines.map(line => JSON.parse(line) as TaskRun), next }
}

/** Resolves with the runs once every task sent has ended; rejects after `timeoutMs` telling how many are missing. */
export async function untilEnded(
  truthFile: string,
  tasks: readonly ProducedTask[],
  timeoutMs: number,
): Promise<TaskRun[]> {
  const deadline = Date.now() + timeoutMs
  const missing = new Set(tasks.map(task => task.id))
  const runs: TaskRun[] = []
  for (let offset = 0; ;) {
    const read = readRuns(truthFile, offset)
    offset = read.next
    for (const run of read.runs) {
      runs.push(run)
      if (run.outcome !== 'retried') missing.delete(run.id)
    }
    if (missing.size === 0) return runs
    if (Date.now() > deadline)
      throw new Error(`${missing.size} of ${tasks.length} tasks have not ended after ${timeoutMs} ms`)
    await sleep(50)
  }
}

export interface LoggedProcessOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** For the log file and for errors. */
  readonly name: string
  readonly ready: (log: string) => boolean
}

/**
 * Starts a process in a group of its own, its output in a file, and resolves when `ready` accepts that output.
 * The group is killed when this process ends.
 */
export async function spawnLogged(options: LoggedProcessOptions): Promise<LoggedProcess> {
  const folder = mkdtempSync(join(tmpdir(), `celeriac-${options.name}-`))
  const logFile = join(folder, 'output.log')
  let kept: string | undefined
  const log = (): string => kept ?? (existsSync(logFile) ? readFileSync(logFile, 'utf8') : '')
  const output = await open(logFile, 'a')
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: options.environment,
    detached: true,
    stdio: ['ignore', output.fd, output.fd],
  })
  // An error handler must be there before the event loop turns: a missing program is told by an event, not by an exception.
  const failed = new Promise<string>(resolve => child.once('error', error => resolve(error.message)))
  await output.close()
  if (child.pid === undefined) {
    await rm(folder, { recursive: true, force: true })
    throw new Error(`${options.name}: ${await failed}. Does .cache/venv exist? Run node scripts/servers.mjs`)
  }
  const pid = child.pid
  const endWithUs = (): void => signalGroup(pid, 'SIGKILL')
  process.on('exit', endWithUs)
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null

  const kill = async (): Promise<void> => {
    await endProcess(child, pid, 'SIGKILL')
    process.off('exit', endWithUs)
    kept ??= log()
    await rm(folder, { recursive: true, force: true })
  }
  const deadline = Date.now() + START_TIMEOUT_MS
  while (!options.ready(log())) {
    if (ended() || Date.now() > deadline) {
      await kill()
      throw new Error(`${options.name} did not get ready. The end of its output:\n${log().slice(-3000)}`)
    }
    await sleep(50)
  }
  return {
    pid,
    logFile,
    get running() {
      return !ended()
    },
    kill,
    async stop() {
      await endProcess(child, pid, 'SIGTERM')
      // Children that outlived their parent, and the log file, must not stay.
      await kill()
    },
    log,
  }
}

/** The environment a Python program gets: this one's, without what would lead it to another broker. */
export function pythonEnvironment(
  brokerUrl: string,
  truthFile?: string,
  more?: Readonly<Record<string, string>>,
): Record<string, string | undefined> {
  return {
    ...process.env,
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONUNBUFFERED: '1',
    CELERY_BROKER_URL: brokerUrl,
    ...(truthFile === undefined ? {} : { FLEET_TRUTH_FILE: truthFile }),
    ...more,
  }
}

const withSettings = (settings: Readonly<Record<string, unknown>> | undefined): Record<string, string> =>
  settings === undefined ? {} : { FLEET_SETTINGS: JSON.stringify(settings) }

async function runPython(
  module: string,
  args: readonly string[],
  brokerUrl: string,
  settings?: Readonly<Record<string, unknown>>,
): Promise<string> {
  const { stdout } = await promisify(execFile)(PYTHON, ['-m', module, ...args], {
    cwd: APPS.fleet,
    env: pythonEnvironment(brokerUrl, undefined, withSettings(settings)),
    maxBuffer: PRODUCE_BUFFER_BYTES,
  })
  return stdout
}

async function consume(
  action: 'start' | 'stop',
  brokerUrl: string,
  queues: readonly string[],
  nodes: readonly string[] | undefined,
): Promise<ConsumeAnswers> {
  const args = [action, ...queues, ...(nodes === undefined ? [] : ['--workers', ...nodes])]
  return JSON.parse(await runPython('app.consume', args, brokerUrl)) as ConsumeAnswers
}

/** `signal` to the parent (SIGTERM) or to the whole group (SIGKILL); resolves when the parent is gone. */
async function endProcess(child: ChildProcess, pid: number, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exit = once(child, 'exit')
    if (signal === 'SIGKILL') signalGroup(pid, 'SIGKILL')
    else child.kill('SIGTERM')
    const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), STOP_TIMEOUT_MS)
    await exit
    clearTimeout(timer)
  }
  if (signal === 'SIGKILL') signalGroup(pid, 'SIGKILL')
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // ESRCH: the group is gone already, which is what was wanted.
  }
}
