/**
 * Question: how many events a second become metrics on one core, and what does that cost against the least that any monitor must
 * do, which is `JSON.parse` of kombu's envelope and `JSON.parse` of the decoded body, on the same bytes in the same run?
 *
 * The bytes are those of real workers (Celery 5.6.3, `test/fixtures/wire`) with ids, names and times replaced: 50,000 tasks on 4
 * queues and 50 workers, 6 % of them failing, 200 in flight at once. Once as a worker with time on its hands sends them, one event
 * a message, and once as batches of 24, the most that a worker puts into one. The page for celery-exporter's users counts along, as in
 * the program; what it alone costs is told too.
 *
 * `--json` prints the numbers as JSON.
 */
import { readFileSync } from 'node:fs'
import { decodeEventMessage, type RawEventMessage } from '../src/celery/index.ts'
import { CELERY_EXPORTER_DEFAULTS, createCeleryExporterPage } from '../src/compat/index.ts'
import { createFleet, type FleetChange } from '../src/fleet/index.ts'
import { createMetrics } from '../src/metrics/index.ts'

const TASKS = 50_000
const IN_FLIGHT = 200
const BATCH = 24
const ROUNDS = 5
const START_MS = 1_800_000_000_000
/** The fleet's own clock in the bench: 25,000 tasks a second. */
const TASK_MS = 0.04
const MESSAGES_A_SLICE = 64
const NAMES = Array.from({ length: 20 }, (_, i) => `shop.tasks.job_${i}`)
const QUEUES = ['celery', 'reports', 'emails', 'bills']

type Kind = 'task-sent' | 'task-received' | 'task-started' | 'task-succeeded' | 'task-failed'

const FIXTURES: Readonly<Record<Kind, string>> = {
  'task-sent': 'redis-5.6.3-event-task-sent',
  'task-received': 'redis-5.6.3-event-multi-task-received',
  'task-started': 'redis-5.6.3-event-multi-task-started',
  'task-succeeded': 'redis-5.6.3-event-multi-task-succeeded',
  'task-failed': 'redis-5.6.3-event-multi-task-failed',
}

interface Template {
  readonly envelope: string
  /** One event's JSON, without the brackets of a list. */
  readonly event: string
  readonly uuid: string
}

function readTemplates(): Readonly<Record<Kind, Template>> {
  // dist/bench when compiled, bench when not.
  const root = import.meta.url.includes('/dist/') ? '../../' : '../'
  const lines = readFileSync(
    new URL(`${root}test/fixtures/wire/redis-celery-5.6.3.jsonl`, import.meta.url),
    'utf8',
  )
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as { readonly id: string; readonly payload: string })
  const template = (id: string): Template => {
    const envelope = lines.find(line => line.id === id)?.payload
    if (envelope === undefined) throw new Error(`no fixture ${id}`)
    const { body } = JSON.parse(envelope) as { readonly body: string }
    const text = Buffer.from(body, 'base64').toString()
    const event = text.startsWith('[') ? text.slice(1, -1) : text
    const { uuid } = JSON.parse(event) as { readonly uuid: string }
    return { envelope: envelope.replace(body, '@body'), event, uuid }
  }
  return {
    'task-sent': template(FIXTURES['task-sent']),
    'task-received': template(FIXTURES['task-received']),
    'task-started': template(FIXTURES['task-started']),
    'task-succeeded': template(FIXTURES['task-succeeded']),
    'task-failed': template(FIXTURES['task-failed']),
  }
}

const templates = readTemplates()

function eventText(kind: Kind, task: number, atMs: number): string {
  const { event, uuid } = templates[kind]
  const id = `${task.toString(16).padStart(8, '0')}${uuid.slice(8)}`
  const text = event
    .replaceAll(uuid, id)
    .replace(/"timestamp": [\d.]+/, `"timestamp": ${(atMs / 1000).toFixed(6)}`)
    .replace('"name": "t.add"', `"name": "${NAMES[task % NAMES.length]}"`)
    .replace('"queue": "celery"', `"queue": "${QUEUES[task % QUEUES.length]}"`)
  return kind === 'task-sent' ? text : text.replace('w1@hostA', `w${task % 50}@hostA`)
}

interface Message extends RawEventMessage {
  /** For the floor only: what the body decodes to. */
  readonly body: string
}

/** A string of its own in one piece, as a socket gives it. */
const flat = (text: string): string => Buffer.from(text, 'latin1').toString('latin1')

function message(kind: Kind, body: string, receivedAtMs: number): Message {
  const payload = templates[kind].envelope.replace('@body', Buffer.from(body).toString('base64'))
  return { form: 'envelope', payload: flat(payload), receivedAtMs, body: flat(body) }
}

/** Every task's events, 200 tasks at different points of their lives at any time. */
function* life(): Generator<{ kind: Kind; task: number; atMs: number }> {
  const lag = IN_FLIGHT / 4
  for (let i = 0; i < TASKS + IN_FLIGHT; i++) {
    const atMs = START_MS + i * TASK_MS
    if (i < TASKS) yield { kind: 'task-sent', task: i, atMs }
    const stage = (kind: Kind, behind: number): { kind: Kind; task: number; atMs: number } | undefined =>
      i >= behind && i - behind < TASKS ? { kind, task: i - behind, atMs } : undefined
    const events = [
      stage('task-received', lag),
      stage('task-started', 2 * lag),
      stage((i - 3 * lag) % 17 === 0 ? 'task-failed' : 'task-succeeded', 3 * lag),
    ]
    for (const event of events) if (event !== undefined) yield event
  }
}

function singles(): readonly Message[] {
  return Array.from(life(), ({ kind, task, atMs }) => {
    const text = eventText(kind, task, atMs)
    return message(kind, kind === 'task-sent' ? text : `[${text}]`, atMs)
  })
}

function batches(): readonly Message[] {
  const messages: Message[] = []
  let texts: string[] = []
  let lastMs = START_MS
  for (const { kind, task, atMs } of life()) {
    lastMs = atMs
    // Clients never batch.
    if (kind === 'task-sent') messages.push(message(kind, eventText(kind, task, atMs), atMs))
    else if (texts.push(eventText(kind, task, atMs)) === BATCH) {
      messages.push(message('task-started', `[${texts.join(', ')}]`, atMs))
      texts = []
    }
  }
  if (texts.length > 0) messages.push(message('task-started', `[${texts.join(', ')}]`, lastMs))
  return messages
}

/** Keeps the results of the floor alive, so that nothing is optimised away. */
let sink = 0

function floor(messages: readonly Message[]): void {
  for (const { payload, body } of messages) {
    sink += (JSON.parse(payload) as { body: string }).body.length
    sink += Object.keys(JSON.parse(body) as object).length
  }
}

function decodeOnly(messages: readonly Message[]): void {
  for (const raw of messages) sink += decodeEventMessage(raw).events.length
}

const newPage = () =>
  createCeleryExporterPage({
    options: CELERY_EXPORTER_DEFAULTS,
    brokers: ['bench'],
    dropped() {
      throw new Error('the page has no room')
    },
  })

/** What the fleet makes of the messages, in the slices in which it is counted. */
function changesOf(messages: readonly Message[]): readonly (readonly FleetChange[])[] {
  const fleet = createFleet({ broker: 'bench' })
  const slices: (readonly FleetChange[])[] = []
  messages.forEach((raw, i) => {
    for (const event of decodeEventMessage(raw).events) fleet.apply(event, raw.receivedAtMs)
    if (i % MESSAGES_A_SLICE === 0) slices.push(fleet.drainChanges())
  })
  return slices
}

/** Each slice several times in a row: in the program changes are counted right after they were made, while they lie in the cache. */
const PAGE_REPEATS = 20

function pageOnly(slices: readonly (readonly FleetChange[])[]): void {
  const page = newPage()
  for (const changes of slices) for (let i = 0; i < PAGE_REPEATS; i++) page.record('bench', changes)
}

function pipeline(messages: readonly Message[]): { readonly events: number; readonly series: number } {
  const fleet = createFleet({ broker: 'bench' })
  const registry = createMetrics()
  const page = newPage()
  let events = 0
  let sliced = 0
  const finish = (): void => {
    const changes = fleet.drainChanges()
    registry.record('bench', changes)
    page.record('bench', changes)
    sliced = 0
  }
  for (const raw of messages) {
    const decoded = decodeEventMessage(raw)
    if (decoded.problems.length > 0) throw new Error(decoded.problems[0]?.detail)
    for (const event of decoded.events) fleet.apply(event, raw.receivedAtMs)
    events += decoded.events.length
    if (++sliced === MESSAGES_A_SLICE) finish()
  }
  fleet.tick(START_MS + 60_000)
  finish()
  let counted = 0
  for (const { labels, value } of registry.samples())
    if (/^celery_task_(sent|received|started|succeeded|failed)_total$/.test(labels.metric)) counted += value
  if (counted !== events) throw new Error(`counted ${counted} of ${events} events`)
  return { events, series: registry.seriesCount }
}

/** CPU seconds of a run: user and system, garbage collection included. */
function cpuSeconds(run: () => void): number {
  globalThis.gc?.()
  const before = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

function measure(name: string, messages: readonly Message[]) {
  const cpu = { floor: [] as number[], decode: [] as number[], page: [] as number[], all: [] as number[] }
  const slices = changesOf(messages)
  let result = pipeline(messages)
  floor(messages)
  for (let round = 0; round < ROUNDS; round++) {
    cpu.floor.push(cpuSeconds(() => floor(messages)))
    cpu.decode.push(cpuSeconds(() => decodeOnly(messages)))
    cpu.page.push(cpuSeconds(() => pageOnly(slices)) / PAGE_REPEATS)
    cpu.all.push(
      cpuSeconds(() => {
        result = pipeline(messages)
      }),
    )
  }
  const { events, series } = result
  const micros = (values: readonly number[]): number => Number(((median(values) * 1e6) / events).toFixed(3))
  const ratios = cpu.all.map((seconds, i) => seconds / (cpu.floor[i] ?? Number.NaN))
  return {
    name,
    messages: messages.length,
    events,
    megabytes: Math.round(messages.reduce((sum, { payload }) => sum + payload.length, 0) / 1e6),
    series,
    eventsPerSecond: Math.round(events / median(cpu.all)),
    microsAnEvent: {
      floor: micros(cpu.floor),
      decode: micros(cpu.decode),
      page: micros(cpu.page),
      all: micros(cpu.all),
    },
    timesTheFloor: Number(median(ratios).toFixed(2)),
  }
}

const outcomes = [measure('one event a message', singles()), measure(`batches of ${BATCH}`, batches())]

if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(outcomes, undefined, 2)}\n`)
else {
  process.stdout.write('events-to-metrics: medians of 5 interleaved rounds, CPU seconds of one process\n')
  for (const { name, messages, events, megabytes, eventsPerSecond, microsAnEvent, timesTheFloor } of outcomes)
    process.stdout.write(
      `${name.padEnd(20)} ${events.toLocaleString('en')} events in ${messages.toLocaleString('en')} messages (${megabytes} MB): ` +
        `${eventsPerSecond.toLocaleString('en')} events/s, ${microsAnEvent.all} µs an event ` +
        `(decoding ${microsAnEvent.decode}, celery-exporter's page ${microsAnEvent.page}, floor ${microsAnEvent.floor}), ${timesTheFloor} times the floor\n`,
    )
}
if (sink === 0) throw new Error('nothing was measured')
