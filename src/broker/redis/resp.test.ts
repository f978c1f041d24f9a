import { ErrorReply } from '@redis/client'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeCommand, MAX_PAYLOAD_BYTES, ProtocolError, RespReader, type RespValue } from './resp.ts'

type Heard = { readonly message: string } | { readonly reply: RespValue }

/** Everything that a reader tells when it is fed `bytes` cut at `cuts`. */
function read(bytes: Buffer, cuts: readonly number[] = []): Heard[] {
  const heard: Heard[] = []
  const reader = new RespReader(
    message => heard.push({ message }),
    reply => heard.push({ reply }),
  )
  let at = 0
  for (const cut of [...new Set(cuts.map(cut => cut % (bytes.length + 1)))].sort((a, b) => a - b)) {
    if (cut > at) reader.feed(bytes.subarray(at, cut))
    at = Math.max(at, cut)
  }
  if (at < bytes.length) reader.feed(bytes.subarray(at))
  return heard
}

const bulk = (text: string): string => `$${Buffer.byteLength(text)}\r\n${text}\r\n`
const message = (payload: string, channel = '/0.celeryev/task.sent'): string =>
  `*4\r\n${bulk('pmessage')}${bulk('/0.celeryev/*')}${bulk(channel)}${bulk(payload)}`

function encode(value: RespValue): string {
  if (value === null) return '$-1\r\n'
  if (typeof value === 'string') return bulk(value)
  if (typeof value === 'number') return `:${value}\r\n`
  if (value instanceof ErrorReply) return `-${value.message}\r\n`
  return `*${value.length}\r\n${value.map(encode).join('')}`
}

const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.stringMatching(/^[*$+\-:\r\n\d]*$/),
  fc.constant('*4\r\n$8\r\npmessage\r\n'),
)
const anyReply = fc.letrec<{ value: RespValue; list: RespValue }>(tie => ({
  list: fc.array(tie('value'), { maxLength: 4 }),
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 5 },
    anyText,
    fc.integer(),
    fc.constant(null),
    fc.stringMatching(/^[A-Z]{2,8} [a-z ]*$/).map(text => new ErrorReply(text)),
    tie('list'),
  ),
})).value

test('messages and replies come out as they went in, in order, wherever the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          anyText.map((text): Heard => ({ message: text })),
          anyReply.map((reply): Heard => ({ reply })),
        ),
        { maxLength: 8 },
      ),
      fc.array(fc.nat(), { maxLength: 20 }),
      (sent, cuts) => {
        // A lone surrogate has no bytes.
        const wellFormed = JSON.parse(
          Buffer.from(JSON.stringify(sent.map(part => ('message' in part ? part.message : 0)))).toString(),
        ) as unknown[]
        const bytes = Buffer.from(
          sent.map(part => ('message' in part ? message(part.message) : encode(part.reply))).join(''),
        )
        const heard = read(bytes, cuts)
        expect(heard).toHaveLength(sent.length)
        expect(heard.map(part => ('message' in part ? part.message : 0))).toEqual(wellFormed)
        expect(heard).toEqual(read(bytes))
        for (const [at, part] of sent.entries())
          if ('reply' in part) expect(heard[at]).toEqual({ reply: part.reply })
      },
    ),
    { numRuns: 1_000 },
  )
})

test('each message comes with its channel, however its bytes are cut', () => {
  const channels = ['a', 'a', 'b', 'größer', 'b', 'ba', 'b']
  const bytes = Buffer.from(channels.map(channel => message('x', channel)).join(''))
  for (const step of [1, 7, bytes.length]) {
    const heard: string[] = []
    const reader = new RespReader(
      (_text, channel) => heard.push(channel),
      () => {},
    )
    for (let at = 0; at < bytes.length; at += step) reader.feed(bytes.subarray(at, at + step))
    expect(heard).toEqual(channels)
  }
})

test('one byte at a time is as good as all at once', () => {
  const bytes = Buffer.from(`+OK\r\n${message('größer')}*2\r\n$4\r\npong\r\n$0\r\n\r\n:12\r\n*-1\r\n`)
  const cuts = Array.from({ length: bytes.length }, (_, i) => i)
  expect(read(bytes, cuts)).toEqual([
    { reply: 'OK' },
    { message: 'größer' },
    { reply: ['pong', ''] },
    { reply: 12 },
    { reply: null },
  ])
})

test('a text beyond the limit is cut, and what follows is heard', () => {
  const long = 'x'.repeat(3 * MAX_PAYLOAD_BYTES)
  const bytes = Buffer.from(message(long) + message('after') + message('y'.repeat(MAX_PAYLOAD_BYTES)))
  for (const step of [65_536, 1_000_000, bytes.length]) {
    const cuts = Array.from({ length: Math.floor(bytes.length / step) }, (_, i) => i * step)
    const heard = read(bytes, cuts).map(part => ('message' in part ? part.message : ''))
    expect(heard.map(text => text.length)).toEqual([MAX_PAYLOAD_BYTES, 5, MAX_PAYLOAD_BYTES])
    expect(heard[1]).toBe('after')
  }
})

test('a message of one megabyte in small pieces is not copied for each piece', () => {
  const bytes = Buffer.from(message('x'.repeat(1_000_000)))
  const cuts = Array.from({ length: 10_000 }, (_, i) => i * 100)
  expect(read(bytes, cuts)).toHaveLength(1)
})

test.each([
  'HTTP/1.1 400 Bad Request\r\n',
  '$x\r\n',
  '$-2\r\n',
  '*999999999\r\n',
  '$99999999\r\n',
  '*1\r\n'.repeat(50),
  '*4\r\n$8\r\npmessage\r\n:1\r\n',
])('%j is not taken for Redis', text => {
  expect(() => read(Buffer.from(text))).toThrow(ProtocolError)
})

test('any bytes give replies, wait for more, or are refused', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array().map(bytes => Buffer.from(bytes)),
        fc.stringMatching(/^[*$+\-:\r\n\d]*$/).map(text => Buffer.from(text)),
      ),
      fc.array(fc.nat(), { maxLength: 5 }),
      (bytes, cuts) => {
        try {
          read(bytes, cuts)
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError)
        }
      },
    ),
    { numRuns: 2_000 },
  )
})

test('a command is written as Redis reads it, in bytes', () => {
  expect(encodeCommand(['AUTH', 'größe'])).toBe('*2\r\n$4\r\nAUTH\r\n$7\r\ngröße\r\n')
})
