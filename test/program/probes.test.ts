import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, type RunningCeleriac, startCeleriac } from '../servers/celeriac.ts'

/** The built program, whose broker nobody will ever answer for: port 9 (discard) of the loopback address. */
let celeriac: RunningCeleriac
beforeAll(async () => {
  celeriac = await startCeleriac(['--broker', 'redis://:s3cret-word@127.0.0.1:9/0'])
})
afterAll(() => celeriac.stop())

test('a broker that is away takes readiness and never liveness, and no answer says where it was', async () => {
  const ready = await eventually('a reason', 30_000, async () => {
    const answer = await celeriac.get('/readyz')
    return JSON.stringify(answer.body).includes('broker_unreachable') ? answer : undefined
  })
  expect(ready.status).toBe(503)
  for (const path of ['/livez', '/healthz', '/-/healthy']) {
    const { status, body } = await celeriac.get(path)
    expect([path, status, body]).toEqual([path, 200, { status: 'healthy' }])
  }
  expect(JSON.stringify(ready.body)).not.toMatch(/127\.0\.0\.1|s3cret/)
})
