import { expect, test } from 'vitest'
import { buildHealth } from './health.ts'
import { createStage, type Stage, WORKERS } from './stage.case.ts'

const health = (stage: Stage) => buildHealth(stage.input())

test('a healthy fleet answers in the words of the guide', () => {
  const stage = createStage()
  stage.connect()
  stage.pass(120)
  expect(health(stage)).toEqual({
    celery: { ok: true, body: { status: 'healthy', worker_count: 2 }, hosts: { workers: [...WORKERS] } },
    broker: { ok: true, body: { status: 'healthy', connected: true } },
    queue: { ok: true, body: { queue_depth: 10, worker_count: 2, backend: 'redis' } },
  })
})

test('a lost broker is unhealthy everywhere, says why in a code, and never where it was', () => {
  const stage = createStage()
  stage.connect()
  stage.pass(120)
  stage.lose()
  stage.pass(30)
  const reports = health(stage)
  expect(reports).toEqual({
    celery: { ok: false, body: { status: 'unhealthy', reason: 'broker_unreachable' } },
    broker: { ok: false, body: { status: 'unhealthy', connected: false, reason: 'broker_unreachable' } },
    queue: {
      ok: false,
      body: { queue_depth: null, worker_count: null, backend: 'redis', reason: 'broker_unreachable' },
    },
  })
  expect(JSON.stringify(reports)).not.toContain('cache')
})

test('a refused password has its own code', () => {
  const stage = createStage()
  stage.connection.error = { code: 'BROKER_AUTH', message: 'redis://cache refused' }
  expect(health(stage).broker.body).toEqual({ status: 'unhealthy', connected: false, reason: 'broker_auth' })
})

test('a broker that is connected and no longer answers is silent', () => {
  const stage = createStage()
  stage.connect()
  stage.pass(120)
  stage.nowMs += 60_000
  expect(health(stage).broker).toEqual({
    ok: false,
    body: { status: 'unhealthy', connected: true, reason: 'broker_silent' },
  })
})

test('no workers is a proven 0 and unhealthy; the depth is still told', () => {
  const stage = createStage()
  stage.connect()
  stage.pass(120)
  stage.alive = []
  stage.pass(120)
  const { celery, queue } = health(stage)
  expect(celery).toEqual({
    ok: false,
    body: { status: 'unhealthy', reason: 'no_workers', worker_count: 0 },
  })
  expect(queue).toEqual({ ok: true, body: { queue_depth: 10, worker_count: 0, backend: 'redis' } })
})

test('before anything is known all is unhealthy, not 0', () => {
  const stage = createStage()
  stage.connect()
  const { celery, queue } = health(stage)
  expect(celery.body).toEqual({ status: 'unhealthy', reason: 'not_known_yet' })
  expect(queue).toMatchObject({ ok: false, body: { queue_depth: null, worker_count: null } })
})

test('a queue with work that no worker reads is named', () => {
  const stage = createStage()
  stage.depths.set('reports', 7)
  stage.connect()
  stage.pass(120)
  expect(health(stage).celery.body).toMatchObject({ queues_without_consumers: ['reports'] })
})

test('without a broker there is nothing to be healthy', () => {
  const reports = buildHealth({ ...createStage().input(), brokers: [], fleets: [] })
  expect(Object.values(reports).every(report => !report.ok && report.body.reason === 'no_broker')).toBe(true)
})
