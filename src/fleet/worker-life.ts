import { Consuming } from './consuming.ts'
import type { Run, Runner } from './run.ts'
import { ClockSkew } from './skew.ts'
import { StartAccount } from './starts.ts'
import type { TaskRecord } from './task-record.ts'

/**
 * What one process under a worker's name was heard to say; null and NaN mean "not known". Everything here ends with the process: a
 * restarted worker begins with nothing, since nothing that was said of the old process holds.
 */
export class WorkerLife implements Runner<TaskRecord> {
  readonly worker: string
  readonly runs = new Set<Run<TaskRecord>>()
  gone = false
  /** Its newest word was a goodbye. */
  saidGoodbye = false
  pid: number | null
  /** When it was first and last heard. */
  readonly metAtMs: number
  heardAtMs: number
  /** Before this it was not there: it replaced another. */
  readonly bornAtMs: number
  version: string | null = null
  /** NaN until a heartbeat said how often they come. */
  heartbeatMs = Number.NaN
  /** When the newest heartbeat came that nobody asked for. */
  beatAtMs = Number.NaN
  /** Pool slots now. */
  concurrency: number | null = null
  pool: string | null = null
  /** Processes of the pool, without the parent. */
  pids: readonly number[] | null = null
  prefetch: number | null = null
  queues: readonly string[] | null = null
  /** Routing key to queue, for the queues it consumes. */
  routes: ReadonlyMap<string, string> = new Map()
  onlyQueue = ''
  active: number | null = null
  activeAtMs = Number.NEGATIVE_INFINITY
  reserved: number | null = null
  reservedAtMs = Number.NEGATIVE_INFINITY
  /** Reserved tasks by queue; null when the queue of one of them is not known. */
  reservedByQueue: ReadonlyMap<string, number> | null = null
  scheduled: number | null = null
  scheduledAtMs = Number.NEGATIVE_INFINITY
  /** When it was asked for its newest answer that lists what is active. */
  listedAtMs = Number.NEGATIVE_INFINITY
  /** It did not answer the first question of the round that is being asked. */
  silentInRound = false
  /** Rounds of questions in a row in which it said all that it holds. */
  fullRounds = 0
  processed: number | null = null
  /** A task event came since the last heartbeat, or may have been lost while nothing could be heard. */
  spokeSinceBeat = true
  /** How often, since its last task event, a heartbeat told of more tasks than the one before: from 2 on it sends none. */
  silentRises = 0
  /** It has sent a task event. */
  speaks = false
  /** Its newest task event was a start: a solo pool then answers and beats only after the task. */
  running = false
  readonly clock = new ClockSkew()
  readonly consuming = new Consuming()
  readonly starts = new StartAccount()

  constructor(worker: string, pid: number | null, metAtMs: number, bornAtMs: number) {
    this.worker = worker
    this.pid = pid
    this.metAtMs = metAtMs
    this.heardAtMs = metAtMs
    this.bornAtMs = bornAtMs
  }

  /** A solo pool in the middle of a task: it cannot be heard before the task ends. */
  get isDeafened(): boolean {
    return this.pool === 'solo' && this.running
  }

  noteProcessed(processed: number): void {
    if (!this.spokeSinceBeat && this.processed !== null && processed > this.processed) this.silentRises++
    this.spokeSinceBeat = false
    this.processed = processed
  }

  noteTaskEvent(): void {
    this.speaks = true
    this.spokeSinceBeat = true
    this.silentRises = 0
  }
}
