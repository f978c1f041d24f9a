import {
  type Cancel,
  type Clock,
  errorText,
  HOUR,
  type Log,
  MINUTE,
  type Sample,
  SECOND,
} from '../../base/index.ts'
import { metrics, type PublishedMetric } from '../../catalog/index.ts'
import { batchSize } from './batch.ts'
import { type Datum, gaugeData, Increments } from './datum.ts'
import type { MetricSink, PutFailure } from './sink.ts'

/** Why data were given up, a label value of `celeriac_cloudwatch_data_dropped_total`. */
export type DropReason =
  /** The queue was full; the oldest went. */
  | 'overflow'
  | 'refused'
  /** More metrics than `maxMetrics` allows. */
  | 'max_metrics'
  /** Celeriac stopped before they could be sent. */
  | 'stopped'

export interface PublishOptions {
  readonly namespace: string
  readonly intervalMs: number
  readonly highResolution: boolean
  /** Every task by itself, and not only those with limits of their own. */
  readonly taskDetail: boolean
  /** Metrics, by CloudWatch's count, that may be published within an hour: what bounds the cost. */
  readonly maxMetrics: number
}

export interface PublisherPorts extends PublishOptions {
  readonly table: readonly PublishedMetric[]
  readonly sink: MetricSink
  readonly clock: Clock
  readonly log: Log
  /** When numbers were last collected; null before the first time. */
  readonly collectedAtMs: () => number | null
  readonly vector: (expr: string, atMs: number) => Promise<readonly Sample[]>
  /** Every series of this process, totals as they are. */
  readonly samples: () => Iterable<Sample>
  readonly published: (data: number) => void
  readonly failed: (reason: PutFailure) => void
  readonly dropped: (reason: DropReason, data: number) => void
}

export interface Publisher {
  start(): void
  /** Publishes what there is once more, within `deadlineMs`. Never rejects. */
  stop(deadlineMs?: number): Promise<void>
}

/** About an hour of a fleet of 300 metrics. */
const QUEUE_LIMIT = 20_000
const FIRST_BACKOFF_MS = SECOND
const LONGEST_BACKOFF_MS = MINUTE
const STOP_MS = 3 * SECOND

/** Publishes what the table says, again and again; what cannot be sent waits in memory, the oldest goes first when that is full. */
export function createPublisher(ports: PublisherPorts): Publisher {
  return new CloudWatchPublisher(ports)
}

class CloudWatchPublisher implements Publisher {
  readonly #ports: PublisherPorts
  readonly #increments: Increments
  readonly #queue: Datum[] = []
  /** When each metric was last published, as CloudWatch tells metrics apart. */
  readonly #known = new Map<string, number>()
  readonly #abort = new AbortController()
  #cancel: Cancel | undefined
  #wake: (() => void) | undefined
  #gathering: Promise<void> | undefined
  #sending: Promise<void> | undefined
  #stopping = false
  #failing: string | undefined
  #bounded = false

  constructor(ports: PublisherPorts) {
    this.#ports = ports
    this.#increments = new Increments(ports.table)
  }

  start(): void {
    this.#plan()
  }

  async stop(deadlineMs = STOP_MS): Promise<void> {
    this.#stopping = true
    this.#cancel?.()
    this.#wake?.()
    const cancel = this.#ports.clock.after(deadlineMs, () => this.#abort.abort())
    await this.#gathering
    await this.#sending
    await this.#gather()
    await this.#send()
    cancel()
    if (this.#queue.length > 0) this.#ports.dropped('stopped', this.#queue.length)
    this.#ports.sink.close()
  }

  /** On the grid of the interval, so that each period of CloudWatch holds as many numbers as the next. */
  #plan(): void {
    const { clock, intervalMs } = this.#ports
    this.#cancel = clock.after(intervalMs - (clock.now() % intervalMs), () => {
      this.#gathering ??= this.#gather().finally(() => {
        this.#gathering = undefined
        this.#sending ??= this.#send().finally(() => (this.#sending = undefined))
      })
      if (!this.#stopping) this.#plan()
    })
  }

  async #gather(): Promise<void> {
    try {
      this.#enqueue(await this.#collect())
    } catch (error) {
      this.#ports.log.error('Numbers for CloudWatch could not be gathered.', { error: errorText(error) })
    }
  }

  async #collect(): Promise<readonly Datum[]> {
    const { table, collectedAtMs, vector, samples, clock, highResolution, taskDetail } = this.#ports
    const atMs = collectedAtMs()
    if (atMs === null) return []
    const options = { atMs, highResolution, taskDetail }
    const data: Datum[] = []
    for (const entry of table)
      if (entry.kind === 'gauge') data.push(...gaugeData(entry, await vector(entry.expr.text, atMs), options))
    const now = [...samples()]
    const heard = new Set(
      now
        .filter(
          ({ labels, value }) =>
            labels.metric === metrics.sourceUp.name && labels.get('source') === 'events' && value === 1,
        )
        .map(({ labels }) => labels.get('broker')),
    )
    data.push(...this.#increments.take(now, broker => heard.has(broker), { ...options, atMs: clock.now() }))
    return this.#withinBounds(data, clock.now())
  }

  /** The widest sets first, on which the alarms rest. */
  #withinBounds(data: readonly Datum[], nowMs: number): readonly Datum[] {
    for (const [key, atMs] of this.#known) if (nowMs - atMs > HOUR) this.#known.delete(key)
    let refused = 0
    const kept = data
      .toSorted((a, b) => a.dimensions.length - b.dimensions.length)
      .filter(({ name, dimensions }) => {
        const key = [name, ...dimensions.map(each => `${each.name}=${each.value}`)].join('\u0000')
        if (!this.#known.has(key) && this.#known.size >= this.#ports.maxMetrics) {
          refused++
          return false
        }
        this.#known.set(key, nowMs)
        return true
      })
    if (refused > 0) {
      this.#ports.dropped('max_metrics', refused)
      if (!this.#bounded)
        this.#ports.log.warn('More metrics than CloudWatch may be given: the narrowest are left out.', {
          maxMetrics: this.#ports.maxMetrics,
        })
    }
    this.#bounded = refused > 0
    return kept
  }

  #enqueue(data: readonly Datum[]): void {
    this.#queue.push(...data)
    const over = this.#queue.length - QUEUE_LIMIT
    if (over <= 0) return
    this.#queue.splice(0, over)
    this.#ports.dropped('overflow', over)
  }

  async #send(): Promise<void> {
    let backoffMs = FIRST_BACKOFF_MS
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, batchSize(this.#queue))
      const result = await this.#ports.sink.put(this.#ports.namespace, batch, this.#abort.signal)
      if (result.ok) {
        this.#ports.published(batch.length)
        this.#recovered()
        backoffMs = FIRST_BACKOFF_MS
        continue
      }
      this.#ports.failed(result.reason)
      this.#fails(result.detail)
      if (result.reason === 'refused') {
        this.#ports.dropped('refused', batch.length)
        continue
      }
      this.#queue.unshift(...batch)
      if (this.#stopping) return
      // Meanwhile numbers go on being gathered; the queue bounds them.
      await this.#wait(Math.min(backoffMs, LONGEST_BACKOFF_MS))
      backoffMs *= 2
    }
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise(resolve => {
      const cancel = this.#ports.clock.after(delayMs, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }

  #fails(detail: string): void {
    if (this.#failing === detail) return
    this.#failing = detail
    this.#ports.log.warn('CloudWatch does not take numbers.', { detail, waiting: this.#queue.length })
  }

  #recovered(): void {
    if (this.#failing === undefined) return
    this.#failing = undefined
    this.#ports.log.info('CloudWatch takes numbers again.')
  }
}
