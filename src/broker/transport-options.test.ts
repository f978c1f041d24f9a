import { expect, test } from 'vitest'
import { parseTransportOptions } from './transport-options.ts'

test('options are read as settings files and flags write them', () => {
  const expected = {
    globalKeyprefix: 'app1:',
    fanoutPrefix: false,
    fanoutPatterns: true,
    sep: ':',
    prioritySteps: [0, 5],
    eventExchange: 'ev',
    controlExchange: 'ctl',
  }
  expect(
    parseTransportOptions({
      global_keyprefix: 'app1:',
      fanout_prefix: false,
      fanout_patterns: true,
      sep: ':',
      priority_steps: [0, 5],
      event_exchange: 'ev',
      control_exchange: 'ctl',
      socket_timeout: 3,
      unacked_restore_limit: 10,
    }),
  ).toEqual(expected)
  expect(
    parseTransportOptions({
      global_keyprefix: 'app1:',
      fanout_prefix: 'False',
      fanout_patterns: 'true',
      sep: ':',
      priority_steps: '[0, 5]',
      event_exchange: 'ev',
      control_exchange: 'ctl',
    }),
  ).toEqual(expected)
  expect(
    parseTransportOptions({
      unacked_key: 'u',
      unacked_index_key: 'ui',
      unacked_mutex_key: 'um',
      visibility_timeout: '7200.5',
      ack_emulation: 'False',
      event_queue_prefix: 'evq',
      task_default_queue: 'jobs',
    }),
  ).toEqual({
    unackedKey: 'u',
    unackedIndexKey: 'ui',
    unackedMutexKey: 'um',
    visibilityTimeoutSeconds: 7200.5,
    ackEmulation: false,
    eventQueuePrefix: 'evq',
    taskDefaultQueue: 'jobs',
  })
  expect(parseTransportOptions({ fanout_prefix: '/{db}/' })).toEqual({ fanoutPrefix: '/{db}/' })
})

test('an unknown name is refused by name', () => {
  expect(() => parseTransportOptions({ global_key_prefix: 'x' })).toThrow(
    /"global_key_prefix" is not known; did you mean "global_keyprefix"\?/,
  )
  expect(() => parseTransportOptions({ constructor: 'x' })).toThrow(/"constructor" is not known/)
  expect(() => parseTransportOptions({ master_name: 'x' })).toThrow(/"master_name"/)
})

test.each([
  ['fanout_patterns', 'maybe'],
  ['fanout_prefix', 3],
  ['sep', ''],
  ['global_keyprefix', 7],
  ['priority_steps', []],
  ['priority_steps', [3, 0]],
  ['priority_steps', [0, 0]],
  ['priority_steps', '0,x'],
  ['priority_steps', [0, 1.5]],
  ['event_exchange', ''],
  ['visibility_timeout', 0],
  ['visibility_timeout', 'an hour'],
  ['visibility_timeout', true],
  ['unacked_key', ''],
  ['task_default_queue', 3],
  ['ack_emulation', 1],
])('%s = %j is refused by name', (name, value) => {
  expect(() => parseTransportOptions({ [name]: value })).toThrow(new RegExp(`"${name}" must be`))
})
