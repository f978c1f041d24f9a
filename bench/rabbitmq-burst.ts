/**
 * Question: does a burst of 100,000 events that another process publishes to a real RabbitMQ at 14,000 to 20,000 a second reach the
 * counters of the whole program without loss, how long does it take, and what does it cost? And does it when the program is stopped
 * (SIGSTOP) for the whole burst, as a paused container is, so that the broker holds all of it? Celery's own receivers lose whatever
 * waits longer than five seconds. What the broker itself used is told beside it.
 *
 * Usage: npm run bench -- rabbitmq-burst
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { startRabbitmq } from '../test/servers/rabbitmq.ts'
import { cpuSecondsOf, publish, startProgram } from './load/program.ts'

const SHAPE = {
  tasks: 25_000,
  names: 20,
  queues: 4,
  workers: 50,
  events: ['sent', 'received', 'started', 'succeeded'],
} as const
const EVENTS = SHAPE.tasks * SHAPE.events.length
const RATES = [14_000, 17_000, 20_000]

const say = (text: string): void => void process.stdout.write(`${text}\n`)

const rabbitmq = await startRabbitmq()
try {
  for (const rate of RATES) await burst(rate, `asked for ${rate} events/s`)
  await burst(0, 'as fast as it goes, stopped meanwhile', true)
} finally {
  await rabbitmq.stop()
}

async function burst(rate: number, title: string, stopped = false): Promise<void> {
  const program = await startProgram(rabbitmq.url, ['--log-level', 'warn'])
  try {
    const cpu = program.cpuSeconds()
    const brokerCpu = cpuSecondsOf(rabbitmq.pid)
    if (stopped) process.kill(program.pid, 'SIGSTOP')
    const began = performance.now()
    const { events, seconds } = await publish(rabbitmq.port, SHAPE, rate, 'amqp')
    const brokerUsed = cpuSecondsOf(rabbitmq.pid) - brokerCpu
    if (stopped) process.kill(program.pid, 'SIGCONT')
    let counted = 0
    for (let i = 0; i < 300 && counted < EVENTS; i++) {
      counted = await program.metric('celeriac_events_total')
      if (counted < EVENTS) await sleep(100)
    }
    const total = (performance.now() - began) / 1000
    const used = program.cpuSeconds() - cpu
    say(
      `${title}: ${events} published at ${Math.round(events / seconds)} events/s, ${events - counted} lost, all counted ` +
        `${Math.max(0, total - seconds).toFixed(1)} s after the last; ${((used / events) * 100_000).toFixed(2)} CPU-s per 100,000 events, ` +
        `RSS ${(program.rssBytes() / 1024 / 1024).toFixed(0)} MiB; RabbitMQ used ${(brokerUsed / seconds).toFixed(2)} cores while they were published`,
    )
  } finally {
    await program.stop()
  }
}
