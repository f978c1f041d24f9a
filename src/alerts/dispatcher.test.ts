import { expect, test } from 'vitest'
import { OPS, scene } from './timeline.case.ts'

test('an alert is told once after the group wait, and its end once at the next interval', () => {
  const s = scene()
  s.fire('Depth/a')
  s.until(1000)
  s.resolve('Depth/a')
  s.until(5000)
  expect(s.told).toEqual(['30 ops firing Depth/a | first firing', '1230 ops resolved Depth/a | resolved'])
  expect(s.dispatcher.stats).toEqual({ groups: 0, alerts: 0, refused: 0 })
  expect(s.dispatcher.nextDueMs()).toBeUndefined()
})

test('alerts of one rule share a message; another rule has its own', () => {
  const s = scene()
  s.fire('Depth/a')
  s.fire('Depth/b')
  s.until(10)
  s.fire('Workers/x')
  s.until(100)
  expect(s.told).toEqual([
    '30 ops firing Depth/a Depth/b | first firing',
    '40 ops firing Workers/x | first firing',
  ])
  expect(s.notifications[0]).toMatchObject({
    groupKey: '{}:{alertname="Depth", broker="default"}',
    commonAnnotations: { severity: 'the same' },
    externalURL: 'http://celeriac.example',
  })
  expect(s.notifications[0]?.commonLabels.toString()).toBe('{alertname="Depth", broker="default"}')
  expect(s.notifications[0]?.commonAnnotations).not.toHaveProperty('summary')
})

test('what fires and ends within the group wait is told to nobody', () => {
  const s = scene()
  s.fire('Depth/a')
  s.until(20)
  s.resolve('Depth/a')
  s.until(2000)
  expect(s.told).toEqual([])
  expect(s.skipped).toEqual(['30 ops resolved before told'])
  expect(s.dispatcher.stats.groups).toBe(0)
})

test('a new member of a live group waits for the next interval, not for the group wait', () => {
  const s = scene()
  s.fire('Depth/a')
  s.until(100)
  s.fire('Depth/b')
  s.until(1000)
  expect(s.told).toEqual([
    '30 ops firing Depth/a | first firing',
    '330 ops firing Depth/a Depth/b | new alert',
  ])
})

test('an alert that is older than the group wait is told at once', () => {
  const s = scene()
  s.fire('Depth/a')
  s.until(20)
  s.restart()
  s.until(59)
  expect(s.told).toEqual(['45 ops firing Depth/a | first firing'])
})

test('one of two ends: it is marked resolved in a message that still fires, and left out afterwards', () => {
  const s = scene()
  s.fire('Depth/a')
  s.fire('Depth/b')
  s.until(400)
  s.resolve('Depth/a')
  s.until(1000)
  s.resolve('Depth/b')
  s.until(3000)
  expect(s.told).toEqual([
    '30 ops firing Depth/a Depth/b | first firing',
    '630 ops firing Depth/b Depth/a(resolved) | resolved',
    '1230 ops resolved Depth/b | resolved',
  ])
})

test('an alert that came and went between two flushes of a live group is not told', () => {
  const s = scene()
  s.fire('Depth/a')
  s.until(100)
  s.fire('Depth/b')
  s.until(200)
  s.resolve('Depth/b')
  s.until(1000)
  expect(s.told).toEqual(['30 ops firing Depth/a | first firing'])
})

test('an alert that ended and fired again between two flushes changes nothing', () => {
  const s = scene()
  s.fire('Depth/a')
  s.until(100)
  s.resolve('Depth/a')
  s.until(200)
  s.fire('Depth/a')
  s.until(1000)
  expect(s.told).toEqual(['30 ops firing Depth/a | first firing'])
})

test('an alert that fires again after its end was told starts anew with the group wait', () => {
  const s = scene()
  s.fire('Depth/a')
  s.until(100)
  s.resolve('Depth/a')
  s.until(400)
  s.fire('Depth/a')
  s.until(1000)
  expect(s.told).toEqual([
    '30 ops firing Depth/a | first firing',
    '330 ops resolved Depth/a | resolved',
    '430 ops firing Depth/a | first firing',
  ])
})

test('the repeat interval is looked at on group ticks only: 5 s on 2 s ticks gives 1, 7, 13', () => {
  const s = scene({ ...OPS, groupWaitMs: 1000, groupIntervalMs: 2000, repeatIntervalMs: 5000 })
  s.fire('Depth/a')
  s.until(14)
  expect(s.told).toEqual([
    '1 ops firing Depth/a | first firing',
    '7 ops firing Depth/a | repeat',
    '13 ops firing Depth/a | repeat',
  ])
})

test('a failed send is decided anew at the next interval, with what is true then', () => {
  const s = scene()
  s.dead.add('ops')
  s.fire('Depth/a')
  s.until(100)
  s.fire('Depth/b')
  s.until(400)
  s.dead.delete('ops')
  s.until(1000)
  expect(s.told).toEqual([
    '30 ops FAILED firing Depth/a | first firing',
    '330 ops FAILED firing Depth/a Depth/b | first firing',
    '630 ops firing Depth/a Depth/b | first firing',
  ])
})

test('an end that could not be told is told later, once', () => {
  const s = scene()
  s.fire('Depth/a')
  s.until(100)
  s.dead.add('ops')
  s.resolve('Depth/a')
  s.until(400)
  s.dead.delete('ops')
  s.until(5000)
  expect(s.told).toEqual([
    '30 ops firing Depth/a | first firing',
    '330 ops FAILED resolved Depth/a | resolved',
    '630 ops resolved Depth/a | resolved',
  ])
})

test('channels of a receiver keep their own log: one that works is not told twice while another fails', () => {
  const s = scene({ receivers: [{ name: 'ops', integrations: ['slack', 'webhook'] }] })
  s.dead.add('ops.slack')
  s.fire('Depth/a')
  s.until(400)
  s.resolve('Depth/a')
  s.until(2000)
  expect(s.told).toEqual([
    '30 ops.slack FAILED firing Depth/a | first firing',
    '30 ops.webhook firing Depth/a | first firing',
    '330 ops.slack FAILED firing Depth/a | first firing',
    '630 ops.webhook resolved Depth/a | resolved',
  ])
  expect(s.dispatcher.stats.groups).toBe(0)
})

test('a receiver that does not want to hear of ends hears of the next beginning', () => {
  const s = scene({ receivers: [{ name: 'ops', sendResolved: false }] })
  s.fire('Depth/a')
  s.until(100)
  s.resolve('Depth/a')
  s.until(400)
  s.fire('Depth/a')
  s.until(1000)
  expect(s.told).toEqual(['30 ops firing Depth/a | first firing', '430 ops firing Depth/a | first firing'])
  expect(s.skipped).toContain('330 ops resolved not wanted')
})

test('a flush that falls due while the last send is under way is made up for when that ends', () => {
  const s = scene()
  s.hold = true
  s.fire('Depth/a')
  s.until(100)
  s.resolve('Depth/a')
  s.until(400)
  expect(s.skipped).toEqual(['330 ops still sending'])
  s.arrive(true)
  s.hold = false
  s.until(1000)
  expect(s.told).toEqual(['30 ops firing Depth/a | first firing', '400 ops resolved Depth/a | resolved'])
})

test('a send that nobody ever reports on is given up and made again', () => {
  const s = scene()
  s.hold = true
  s.fire('Depth/a')
  s.until(700)
  expect(s.told).toEqual(['30 ops firing Depth/a | first firing', '630 ops firing Depth/a | first firing'])
})

test('after a restart the log prevents a repeat, and an end that came meanwhile is told', () => {
  const s = scene()
  s.fire('Depth/a')
  s.fire('Workers/x')
  s.until(100)
  s.restart(JSON.parse(JSON.stringify(s.dispatcher.snapshot())))
  s.resolve('Workers/x')
  s.until(400)
  s.resolve('Depth/a')
  s.until(2000)
  expect(s.told).toEqual([
    '30 ops firing Depth/a | first firing',
    '30 ops firing Workers/x | first firing',
    '100 ops resolved Workers/x | resolved',
    '700 ops resolved Depth/a | resolved',
  ])
})

test('without the log a restart tells again: that is what the log is for', () => {
  const s = scene()
  s.fire('Depth/a')
  s.until(100)
  s.restart()
  s.until(200)
  expect(s.told).toHaveLength(2)
})

test('a log of another shape is refused with what to do, and changes nothing', () => {
  const s = scene()
  s.fire('Depth/a')
  s.until(100)
  expect(() => s.dispatcher.restore({ version: 2, entries: [] })).toThrow(/notification log/)
  expect(s.dispatcher.snapshot().entries).toHaveLength(1)
})

test('a dead group is forgotten after twice the repeat interval', () => {
  const s = scene({ ...OPS, repeatIntervalMs: 600_000 })
  s.fire('Depth/a')
  s.until(100)
  s.resolve('Depth/a')
  s.until(1000)
  expect(s.dispatcher.snapshot().entries).toHaveLength(1)
  s.until(1600)
  expect(s.dispatcher.snapshot().entries).toHaveLength(0)
})

test('alerts beyond the bound are refused and counted, and taken once there is room', () => {
  const s = scene({ ...OPS, maxAlerts: 1 })
  s.fire('Depth/a')
  s.fire('Depth/b')
  expect(s.dispatcher.stats).toMatchObject({ alerts: 1, refused: 1 })
  s.until(40)
  s.resolve('Depth/a')
  s.until(400)
  expect(s.dispatcher.stats.alerts).toBe(1)
  expect(s.told.at(-1)).toBe('345 ops firing Depth/b | first firing')
})

test('without receivers every flush says so, and nothing piles up', () => {
  const s = scene({})
  s.fire('Depth/a')
  s.until(40)
  s.resolve('Depth/a')
  s.until(400)
  expect(s.told).toEqual([])
  expect(s.dispatcher.stats).toEqual({ groups: 0, alerts: 0, refused: 0 })
})

test('grouping by everything gives each alert its own message', () => {
  const s = scene({ ...OPS, groupBy: ['...'] })
  s.fire('Depth/a')
  s.fire('Depth/b')
  s.until(40)
  expect(s.told).toEqual(['30 ops firing Depth/a | first firing', '30 ops firing Depth/b | first firing'])
})
