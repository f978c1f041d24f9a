import fc from 'fast-check'
import { expect, test } from 'vitest'
import { priorityStep, redisNames } from './index.ts'

test('with no options the names are those of a plain fleet', () => {
  const names = redisNames()
  expect(names.eventPatterns).toEqual(['/0.celeryev/*'])
  expect(names.eventChannel('task.sent')).toBe('/0.celeryev/task.sent')
  expect(names.controlChannel).toBe('/0.celery.pidbox')
  expect(names.controlExchange).toBe('celery.pidbox')
  expect(names.replyExchange).toBe('reply.celery.pidbox')
  expect(names.queueLists('celery')).toEqual([
    'celery',
    'celery\u0006\u00163',
    'celery\u0006\u00166',
    'celery\u0006\u00169',
  ])
  expect(names.bindingKey('celery')).toBe('_kombu.binding.celery')
  expect(names.replyList('x')).toBe('x')
})

test('every option moves its names', () => {
  expect(redisNames({ database: 3 }).eventPatterns).toEqual(['/3.celeryev/*'])
  expect(redisNames({ fanoutPrefix: false }).eventPatterns).toEqual(['celeryev/*'])
  expect(redisNames({ fanoutPrefix: '' }).controlChannel).toBe('celery.pidbox')
  expect(redisNames({ fanoutPrefix: 'f-{db}-', database: 2 }).controlChannel).toBe('f-2-celery.pidbox')
  expect(redisNames({ fanoutPatterns: false }).eventPatterns).toEqual(['/0.celeryev'])
  expect(redisNames({ fanoutPatterns: false }).eventChannel('task.sent')).toBe('/0.celeryev')
  expect(redisNames({ eventExchange: 'ev', controlExchange: 'ctl' })).toMatchObject({
    eventPatterns: ['/0.ev/*'],
    controlChannel: '/0.ctl.pidbox',
    replyExchange: 'reply.ctl.pidbox',
  })
  const prefixed = redisNames({ globalKeyprefix: 'app1:', sep: ':', prioritySteps: [0, 5] })
  expect(prefixed.eventPatterns).toEqual(['app1:/0.celeryev/*'])
  expect(prefixed.controlChannel).toBe('app1:/0.celery.pidbox')
  expect(prefixed.queueLists('q')).toEqual(['app1:q', 'app1:q:5'])
  expect(prefixed.bindingKey('celery')).toBe('app1:_kombu.binding.celery')
  expect(prefixed.replyList('r')).toBe('app1:r')
})

test('keys of events, control and replies are told from all others', () => {
  const names = redisNames()
  expect(names.controlKey('1f0c.reply.celery.pidbox')).toEqual({
    kind: 'reply',
    queue: '1f0c.reply.celery.pidbox',
  })
  expect(names.controlKey('1f0c.reply.celery.pidbox\u0006\u00169')).toEqual({
    kind: 'reply',
    queue: '1f0c.reply.celery.pidbox',
  })
  expect(names.controlKey('w1@host.celery.pidbox')?.kind).toBe('control')
  expect(names.controlKey('celeryev.1f0c')?.kind).toBe('event')
  expect(names.controlKey(names.replyList(names.ownReplyKey('1f0c')))?.kind).toBe('own')
  for (const other of [
    'celery',
    'reports\u0006\u00163',
    '_kombu.binding.reply.celery.pidbox',
    '_kombu.binding.celery.pidbox',
    'celeryev',
    'celery-task-meta-1',
    'unacked',
  ])
    expect(names.controlKey(other), other).toBeUndefined()
  const moved = redisNames({
    globalKeyprefix: 'app1:',
    controlExchange: 'ctl',
    eventQueuePrefix: 'evq',
    sep: ':',
  })
  expect(moved.controlKey('app1:a.reply.ctl.pidbox:3')).toEqual({
    kind: 'reply',
    queue: 'a.reply.ctl.pidbox',
  })
  expect(moved.controlKey('app1:w@h.ctl.pidbox')?.kind).toBe('control')
  expect(moved.controlKey('app1:evq.1')?.kind).toBe('event')
  for (const other of ['a.reply.ctl.pidbox', 'app1:a.reply.celery.pidbox', 'app1:_kombu.binding.ctl.pidbox'])
    expect(moved.controlKey(other), other).toBeUndefined()
})

test('what is not acknowledged lies under names of its own, prefixed as all', () => {
  expect(redisNames()).toMatchObject({ unacked: 'unacked', unackedIndex: 'unacked_index' })
  expect(
    redisNames({ globalKeyprefix: 'p:', unackedKey: 'u', unackedIndexKey: 'ui', taskDefaultQueue: 'jobs' }),
  ).toMatchObject({ unacked: 'p:u', unackedIndex: 'p:ui', defaultQueue: 'jobs' })
})

test('a fleet behind sentinels is heard and spoken to on the channels of old and new workers', () => {
  const names = redisNames({ database: 2, literalDatabaseToo: true })
  expect(names.eventPatterns).toEqual(['/2.celeryev/*', '/{db}.celeryev/*'])
  expect(names.controlChannels).toEqual(['/2.celery.pidbox', '/{db}.celery.pidbox'])
  expect(names.isEventChannel('/{db}.celeryev/task.sent')).toBe(true)
  expect(names.eventChannel('task.sent')).toBe('/2.celeryev/task.sent')
  expect(redisNames({ database: 2 }).controlChannels).toEqual(['/2.celery.pidbox'])
  expect(redisNames({ literalDatabaseToo: true, fanoutPrefix: false }).eventPatterns).toEqual(['celeryev/*'])
})

test('a prefix with glob characters is taken literally in the pattern', () => {
  expect(redisNames({ globalKeyprefix: 'a*[x]?\\' }).eventPatterns).toEqual([
    'a\\*\\[x\\]\\?\\\\/0.celeryev/*',
  ])
})

test('a priority is rounded down to its step', () => {
  expect([0, 1, 2, 3, 4, 5, 6, 8, 9, 255].map(priority => priorityStep(priority))).toEqual([
    0, 0, 0, 3, 3, 3, 6, 6, 9, 9,
  ])
  expect(priorityStep(NaN)).toBe(0)
  expect(priorityStep(1, [2, 5])).toBe(5)
})

test('a queue name is found again in its binding, and every priority in its lists', () => {
  const name = fc.string({ minLength: 1 }).filter(text => !text.includes('\u0006\u0016'))
  fc.assert(
    fc.property(name, name, fc.integer({ min: 0, max: 12 }), (routingKey, queue, priority) => {
      const names = redisNames()
      const binding = { routingKey, pattern: '', queue }
      expect(names.parseBinding(names.bindingMember(binding))).toEqual(binding)
      expect(names.queueLists(queue)).toContain(names.queueList(queue, priority))
    }),
  )
  expect(redisNames().parseBinding('no binding')).toBeUndefined()
})
