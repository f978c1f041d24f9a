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

test('sentinels are asked with their own credentials, over TLS when ssl says so', () => {
  const { sentinel } = parseTransportOptions({
    min_other_sentinels: '1',
    sentinel_kwargs: { username: 'u', password: 's3cret', socket_timeout: 0.5, ssl_ca_certs: '/ca.pem' },
    master_name: 'mymaster',
    sentinel_fanout_compat: true,
  })
  expect(sentinel).toMatchObject({
    masterName: 'mymaster',
    minOtherSentinels: 1,
    username: 'u',
    tls: undefined,
  })
  expect(sentinel?.password?.reveal()).toBe('s3cret')
  expect(
    parseTransportOptions({
      sentinel_kwargs: {
        ssl: true,
        ssl_ca_certs: '/ca.pem',
        ssl_cert_reqs: 'none',
        ssl_check_hostname: false,
        password: null,
      },
    }).sentinel,
  ).toEqual({
    masterName: undefined,
    minOtherSentinels: 0,
    username: undefined,
    password: undefined,
    tls: { verify: false, checkHostname: false, caFile: '/ca.pem', certFile: undefined, keyFile: undefined },
  })
})

test.each([
  [{ passwd: 's3cret' }, /"passwd" is not known; did you mean "password"\?/],
  [{ password: 7 }, /"password" must be a text/],
  [{ ssl: 'yes' }, /"ssl" must be true or false/],
  [{ ssl: true, ssl_cert_reqs: 's3cret' }, /ssl_cert_reqs must be one of/],
  [{ ssl: true, ssl_ca_certs: ['s3cret'] }, /"ssl_ca_certs" must be a text/],
])('sentinel_kwargs %j is refused by its key, without its values', (kwargs, message) => {
  const parse = (): unknown => parseTransportOptions({ sentinel_kwargs: kwargs })
  expect(parse).toThrow(message)
  expect(parse).not.toThrow(/s3cret/)
})

test('an unknown name is refused by name', () => {
  expect(() => parseTransportOptions({ global_key_prefix: 'x' })).toThrow(
    /"global_key_prefix" is not known; did you mean "global_keyprefix"\?/,
  )
  expect(() => parseTransportOptions({ constructor: 'x' })).toThrow(/"constructor" is not known/)
  expect(() => parseTransportOptions({ mastername: 'x' })).toThrow(/did you mean "master_name"\?/)
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
  ['master_name', ''],
  ['min_other_sentinels', -1],
  ['min_other_sentinels', 1.5],
  ['sentinel_kwargs', 'password=x'],
])('%s = %j is refused by name', (name, value) => {
  expect(() => parseTransportOptions({ [name]: value })).toThrow(new RegExp(`"${name}" must be`))
})
