import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  decodeControlReply,
  decodeControlRequest,
  decodeTask,
  encodeControlReply,
  encodeControlRequest,
  encodeEnvelope,
  encodeTask,
  priorityOf,
  taskMessage,
} from './index.ts'

const json = fc.json().map(text => JSON.parse(text) as unknown)
const text = fc.string({ minLength: 1, unit: 'grapheme' }).filter(word => word !== '__proto__')

test('a request comes out as it went in', () => {
  const request = fc.record({
    method: text,
    arguments: fc.dictionary(text, json),
    destination: fc.option(fc.array(text)),
    ticket: fc.option(text),
    replyTo: fc.option(fc.record({ exchange: fc.string(), routingKey: text })),
  })
  fc.assert(
    fc.property(request, message => {
      const written = encodeControlRequest(message, { deliveryTag: 'x', clock: 3, expiresSeconds: 1.5 })
      expect(decodeControlRequest(written)).toEqual({
        ok: true,
        value: JSON.parse(JSON.stringify(message)) as unknown,
      })
    }),
  )
})

test('a reply comes out under its ticket', () => {
  fc.assert(
    fc.property(text, text, json, (ticket, node, value) => {
      const written = encodeControlReply(
        { ticket, node, value },
        { deliveryTag: 'x', to: { exchange: '', routingKey: 'r' } },
      )
      const plain = JSON.parse(JSON.stringify(value)) as unknown
      const decoded = decodeControlReply(written)
      expect(decoded).toMatchObject({ ok: true, value: { ticket, replies: [{ node }] } })
      const [reply] = decoded.ok ? decoded.value.replies : []
      expect(reply?.ok === true ? reply.value : { error: reply?.error }).toEqual(plain)
    }),
  )
})

test('requests and replies that are wrong are reported, never thrown', () => {
  const envelope = (body: string, more = {}) =>
    encodeEnvelope({
      body,
      exchange: '',
      routingKey: '',
      deliveryTag: 'x',
      headers: { ticket: 't' },
      ...more,
    })
  for (const body of [
    '5',
    '{}',
    '{"method": 5}',
    '{"method": ""}',
    '{"method": "x", "destination": "w"}',
    'no',
  ])
    expect(decodeControlRequest(envelope(body)).ok).toBe(false)
  expect(decodeControlReply('no').ok).toBe(false)
  expect(decodeControlReply(envelope('[]'))).toMatchObject({
    value: {
      ticket: 't',
      replies: [{ node: 'unknown', ok: false, error: 'expected {node: answer}, got a list' }],
    },
  })
  expect(decodeControlReply(envelope('x', { contentType: 'application/x-yaml' }))).toMatchObject({
    value: { replies: [{ ok: false, error: expect.stringContaining('application/x-yaml') as string }] },
  })
  fc.assert(
    fc.property(fc.string(), fc.json(), (junk, value) => {
      for (const message of [junk, value, envelope(junk), envelope(value)]) {
        decodeControlRequest(message)
        decodeControlReply(message)
        decodeTask(message)
      }
    }),
  )
})

test('a pickled answer says so and names its node without being executed', () => {
  const pickled = (bytes: string): string =>
    encodeEnvelope({
      body: '',
      exchange: '',
      routingKey: '',
      deliveryTag: 'x',
      headers: { ticket: 't' },
      contentType: 'application/x-python-serialize',
      contentEncoding: 'binary',
    }).replace('"body": ""', `"body": "${Buffer.from(bytes, 'latin1').toString('base64')}"`)
  const nodeOf = (bytes: string): unknown => {
    const decoded = decodeControlReply(pickled(bytes))
    return decoded.ok && decoded.value.ticket === 't' && decoded.value.replies[0]
  }
  // Python: pickle.dumps({'w1@a': {'ok': 'pong'}}, 4) and protocol 5
  for (const protocol of ['\x04', '\x05'])
    expect(
      nodeOf(
        `\x80${protocol}\x95\x1b\0\0\0\0\0\0\0}\x94\x8c\x04w1@a\x94}\x94\x8c\x02ok\x94\x8c\x04pong\x94ss.`,
      ),
    ).toMatchObject({
      node: 'w1@a',
      ok: false,
      error: expect.stringMatching(/pickle.*task_serializer to json/) as string,
      serializer: 'application/x-python-serialize',
    })
  expect(nodeOf('cos\nsystem\n(S"true"\ntR.')).toMatchObject({ node: 'unknown', ok: false })
  expect(nodeOf('')).toMatchObject({ node: 'unknown', ok: false })
})

test('a task comes out as it went in, with its priority', () => {
  fc.assert(
    fc.property(
      fc.array(json),
      fc.dictionary(text, json),
      fc.integer({ min: 0, max: 9 }),
      (args, kwargs, priority) => {
        const task = taskMessage({
          id: 'i',
          name: 'shop.sync',
          args,
          kwargs,
          origin: 'gen1@h',
          priority,
          eta: '2026-01-01T00:00:00+00:00',
        })
        const decoded = decodeTask(encodeTask(task, { deliveryTag: 'x', routingKey: 'q' }))
        if (!decoded.ok) throw new Error(decoded.detail)
        expect(decoded.value.headers).toEqual(JSON.parse(JSON.stringify(task.headers)))
        expect(decoded.value.body).toEqual(JSON.parse(JSON.stringify(task.body)))
        expect(priorityOf(decoded.value)).toBe(priority)
      },
    ),
  )
})
