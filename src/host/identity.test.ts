import { expect, test } from 'vitest'
import { isWorker, type ProcessFacts } from './identity.ts'

const facts: ProcessFacts = {
  pid: 4711,
  startTicks: 1,
  ownPid: 7,
  command: 'celery',
  arguments: ['celery', 'worker'],
  hostnames: ['Web1.shop.internal'],
  ownHostname: true,
  allowedCpus: new Set(),
  placement: undefined,
  legacyCgroup: false,
}
const claim = { broker: 'b', worker: 'celery@web1', pid: 7, pids: [] }

test('pid, host and program must all fit', () => {
  expect(isWorker(claim, facts, [])).toBe(true)
  expect(isWorker({ ...claim, pid: 4711 }, facts, [])).toBe(false)
  expect(isWorker({ ...claim, worker: 'celery@web' }, facts, [])).toBe(false)
  expect(isWorker(claim, { ...facts, hostnames: [] }, [])).toBe(false)
  expect(isWorker(claim, { ...facts, arguments: ['celery'] }, [])).toBe(false)
})

test('the short and the long form of a host name are one, in any case', () => {
  for (const worker of ['celery@web1.shop.internal', 'celery@WEB1', 'w@web1.shop'])
    expect(isWorker({ ...claim, worker }, facts, [])).toBe(true)
  for (const worker of ['celery@web', 'celery@web10', 'celery@shop.internal', 'celery@', 'web1x'])
    expect(isWorker({ ...claim, worker }, facts, [])).toBe(false)
})
