import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CheckReport } from '../../src/app/index.ts'
import { run } from '../../src/cli/run.ts'
import { produce, type RunningWorker, startWorker } from '../servers/celery.ts'
import { type RabbitmqServer, startRabbitmq } from '../servers/rabbitmq.ts'

/** `celeriac check` on a real RabbitMQ: a fleet that is well, with and without the management API, and a virtual host without one. */
let folder: string
let rabbitmq: RabbitmqServer
let worker: RunningWorker
let report: CheckReport

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'celeriac-check-rabbitmq-'))
  rabbitmq = await startRabbitmq()
  const [fleet, empty] = await Promise.all([rabbitmq.createVhost('fleet'), rabbitmq.createVhost('empty')])
  worker = await startWorker({
    brokerUrl: fleet,
    name: 'w1',
    truthFile: join(folder, 'truth'),
    concurrency: 1,
  })
  // Work for longer than the check takes, sent at once.
  await produce({ brokerUrl: fleet, count: 300, mix: 'work', seconds: 0.25 })
  const config = join(folder, 'celeriac.yaml')
  writeFileSync(
    config,
    JSON.stringify({
      brokers: [
        { name: 'plain', url: fleet },
        { name: 'managed', url: fleet, managementUrl: rabbitmq.managementUrl },
        { name: 'empty', url: empty, managementUrl: rabbitmq.managementUrl },
      ],
    }),
  )
  let out = ''
  const stdout = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      out += chunk
      done()
    },
  })
  await run(['check', '--json', '--watch', '25s', '--config', config], {
    env: {},
    folder,
    stdout,
    stderr: process.stderr,
    untilStopped: () => Promise.resolve('SIGTERM'),
  })
  report = JSON.parse(out) as CheckReport
}, 180_000)

afterAll(async () => {
  await worker?.kill()
  await rabbitmq?.stop()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

const findings = (name: string) => report.brokers.find(broker => broker.name === name)?.findings ?? []
const bad = (name: string) => findings(name).filter(({ level }) => level !== 'ok')

test('a fleet that is well has nothing to be said of it', () => {
  expect(bad('managed')).toEqual([])
  expect(findings('managed').map(({ code }) => code)).toEqual([
    'connected',
    'queues-visible',
    'workers-visible',
    'events-visible',
  ])
})

test('without the management API it is said what that costs', () => {
  expect(bad('plain')).toMatchObject([
    {
      code: 'management-missing',
      level: 'missing',
      cost: expect.stringMatching(/^Unacknowledged messages/) as string,
    },
  ])
})

test('in another virtual host nobody is there', () => {
  expect(bad('empty').map(({ code, level }) => [code, level])).toEqual([
    ['workers-silent', 'wrong'],
    ['no-queue', 'missing'],
  ])
  expect(bad('empty')[0]?.fix).toMatch(/^Compare the virtual host at the end of the broker URL with/)
  expect(report.ok).toBe(false)
})
