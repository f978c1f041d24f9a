import { CeleriacError, type Clock, type Log, SECOND } from '../base/index.ts'
import type { Broker } from '../broker/index.ts'
import type { BrokerConfig, Config } from '../config/index.ts'
import type { Fleet } from '../fleet/index.ts'
import { openBroker, openFleet } from './open.ts'
import { createWatch } from './watch.ts'

/** `missing` costs something and has a remedy; `wrong` means that watching does not work. */
export interface Finding {
  readonly level: 'ok' | 'missing' | 'wrong'
  readonly text: string
  /** What to do about it; null when there is nothing to do. */
  readonly fix: string | null
}

export interface CheckReport {
  /** False when anything is wrong. */
  readonly ok: boolean
  readonly brokers: readonly {
    readonly name: string
    readonly address: string
    readonly findings: readonly Finding[]
  }[]
}

export interface CheckOptions {
  readonly config: Config
  readonly log: Log
  readonly clock: Clock
  /** How long to listen once connected. */
  readonly watchMs: number
}

const CONNECT_TIMEOUT_MS = 6 * SECOND
const NAMES_SHOWN = 8

const some = (names: readonly string[]): string =>
  names.length <= NAMES_SHOWN
    ? names.join(', ')
    : `${names.slice(0, NAMES_SHOWN).join(', ')} and ${names.length - NAMES_SHOWN} more`

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

const ok = (text: string): Finding => ({ level: 'ok', text, fix: null })

/** Connects to every configured broker at once, listens, asks, and says what it found. Rejects only on a wrong configuration. */
export async function runCheck(options: CheckOptions): Promise<CheckReport> {
  const brokers = await Promise.all(options.config.brokers.map(broker => checkBroker(broker, options)))
  return { ok: brokers.every(broker => broker.findings.every(finding => finding.level !== 'wrong')), brokers }
}

async function checkBroker(
  entry: BrokerConfig,
  { config, log, clock, watchMs }: CheckOptions,
): Promise<CheckReport['brokers'][number]> {
  const broker = openBroker(entry, { clock, log })
  const fleet = openFleet(entry, config)
  let events = 0
  let skipped = 0
  const watch = createWatch({
    broker,
    fleet,
    clock,
    log,
    readIntervalMs: SECOND,
    inspectIntervalMs: watchMs,
    sink: {
      decoded(batch) {
        events += batch.events
        skipped += batch.problems.length
      },
      dropped() {},
      state() {},
      gapEnded() {},
    },
  })
  watch.start()
  try {
    await broker.ready(CONNECT_TIMEOUT_MS)
    await new Promise<void>(resolve => {
      clock.after(watchMs, resolve)
    })
    watch.flush()
    fleet.tick(clock.now())
    return {
      name: entry.name,
      address: broker.address,
      findings: findings(broker, fleet, clock.now(), { events, skipped, watchMs }),
    }
  } catch (error) {
    if (!(error instanceof CeleriacError)) throw error
    return {
      name: entry.name,
      address: broker.address,
      findings: [{ level: 'wrong', text: error.message, fix: error.hint ?? null }],
    }
  } finally {
    await watch.stop()
  }
}

function findings(
  broker: Broker,
  fleet: Fleet,
  nowMs: number,
  seen: { events: number; skipped: number; watchMs: number },
): Finding[] {
  const server = fleet.server(nowMs)
  const found: Finding[] = [
    ok(
      `Connected to ${broker.transport} ${server?.version ?? ''}${server === null ? '' : `, answers in ${(server.roundTripSeconds * 1000).toPrecision(2)} ms`}.`,
    ),
  ]
  const queues = fleet.queues(nowMs)
  found.push(
    queues.length === 0
      ? {
          level: 'missing',
          text: 'No queue is known.',
          fix: 'Send a task once, start a worker, or name queues with --queues.',
        }
      : ok(
          `${plural(queues.length, 'queue')}: ${some(queues.map(queue => `${queue.queue} ${queue.depth ?? '-'}`))}.`,
        ),
  )
  for (const queue of queues) {
    if ((queue.depth ?? 0) > 0 && queue.consumers === 0) {
      found.push({
        level: 'wrong',
        text: `Queue ${queue.queue} holds ${plural(queue.depth ?? 0, 'message')} and no worker consumes it.`,
        fix: `Start a worker with -Q ${queue.queue}, or fix the route.`,
      })
    }
  }
  const workers = fleet.workers(nowMs).filter(worker => worker.state === 'up')
  found.push(
    workers.length === 0
      ? {
          level: 'wrong',
          text: `No worker sent a heartbeat or answered within ${seen.watchMs / SECOND} s.`,
          fix: 'Start one (celery -A yourapp worker -E), or check that workers use this broker, this database number and these prefixes.',
        }
      : ok(
          `${plural(workers.length, 'worker')} up: ${some(workers.map(worker => `${worker.worker} (${worker.pool ?? 'pool unknown'}, ${worker.concurrency ?? '-'} slots)`))}.`,
        ),
  )
  found.push(ok(`${plural(seen.events, 'event')} in ${seen.watchMs / SECOND} s.`))
  if (seen.skipped > 0)
    found.push({
      level: 'missing',
      text: `${plural(seen.skipped, 'event')} were not understood and skipped.`,
      fix: 'Run with --log-level warn to see why.',
    })
  for (const source of fleet.sources(nowMs))
    if (source.detail !== null) found.push({ level: 'missing', text: source.detail, fix: null })
  if (
    server?.maxmemoryPolicy !== null &&
    server?.maxmemoryPolicy !== undefined &&
    server.maxmemoryPolicy !== 'noeviction' &&
    (server.memoryMaxBytes ?? 0) > 0
  ) {
    found.push({
      level: 'wrong',
      text: `maxmemory-policy is ${server.maxmemoryPolicy}: Redis may evict queues when memory runs out.`,
      fix: 'Set maxmemory-policy noeviction.',
    })
  }
  return found
}
