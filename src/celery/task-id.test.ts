import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { elementStarts, memberStart, stringAt } from './json-scan.ts'
import { encodeTask, taskMessage } from './task.ts'
import { taskIdOf, unackedOrigin } from './task-id.ts'

const fixtures = ['redis-celery-5.2.6', 'redis-celery-5.6.3', 'redis-variants'].flatMap(file =>
  readFileSync(new URL(`../../test/fixtures/wire/${file}.jsonl`, import.meta.url), 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as { readonly id: string; readonly argv?: readonly string[] }),
)

const parts = { deliveryTag: 'tag', routingKey: 'q' }

test('the id of every recorded task message is read as a full parser reads it', () => {
  let read = 0
  for (const { argv, id } of fixtures) {
    if (argv?.[0] !== 'LPUSH' || argv[2] === undefined) continue
    const { headers } = JSON.parse(argv[2]) as { headers: { id?: string } }
    if (headers.id === undefined) continue
    expect(taskIdOf(argv[2]), id).toBe(headers.id)
    read++
  }
  expect(read).toBeGreaterThan(4)
})

test('a protocol 1 message has its id in the body, before or after arguments, plain or base64', () => {
  const body = JSON.stringify({ task: 't', id: 'one-1', args: ['x'.repeat(9_000)], kwargs: { id: 'no' } })
  const envelope = (text: string, encoding?: string): string =>
    JSON.stringify({ body: text, headers: {}, properties: { body_encoding: encoding } })
  expect(taskIdOf(envelope(Buffer.from(body).toString('base64'), 'base64'))).toBe('one-1')
  expect(taskIdOf(envelope(JSON.stringify({ task: 't', id: 'one-2' })))).toBe('one-2')
  expect(
    taskIdOf(JSON.stringify({ body: 'gAJ9cQE=', headers: {}, properties: { correlation_id: 'pickled' } })),
  ).toBe('pickled')
})

test.each([
  '',
  'x',
  '{',
  '{"headers": ',
  '{"headers": {"id": 7}}',
  '{"headers": {"id": null}, "body": null}',
  '{"headers": {"id": "x',
  '[{"id": "no"}]',
  '{"body": "%%%", "headers": {}}',
  `{"headers": {"id": "${'x'.repeat(300)}"}}`,
])('%s has no id', text => {
  expect(taskIdOf(text)).toBe('')
})

test('a header that holds what looks like an id changes nothing', () => {
  const message = taskMessage({ id: 'right', name: 't', origin: 'o', args: ['"id": "wrong"'] })
  const headers = { meta: { id: 'wrong', list: [{ id: 'wrong' }, '"id": "wrong"}'] }, ...message.headers }
  expect(taskIdOf(encodeTask({ ...message, headers }, parts))).toBe('right')
})

test('the id of a message of ten megabytes is read', () => {
  const message = taskMessage({ id: 'large', name: 't', origin: 'o', args: ['x'.repeat(7_500_000)] })
  const payload = encodeTask({ ...message, headers: { ...message.headers, argsrepr: '' } }, parts)
  expect(payload.length).toBeGreaterThan(10_000_000)
  expect(taskIdOf(payload)).toBe('large')
})

test('members and elements of any JSON are found where a parser finds them, spaces or not', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }),
      fc.constantFrom(undefined, 1, '\t'),
      (object, space) => {
        const text = JSON.stringify(object, undefined, space)
        for (const [key, value] of Object.entries(JSON.parse(text) as object)) {
          const at = memberStart(text, 0, key)
          const shown = JSON.stringify(value, undefined, space)
          expect(text.slice(at)[0]).toBe(shown[0])
          if (typeof value === 'string') expect(stringAt(text, at)).toBe(value)
        }
        expect(memberStart(text, 0, 'a key that is not there')).toBe(-1)
        const values = Object.values(JSON.parse(text) as object) as unknown[]
        const list = JSON.stringify(values, undefined, space)
        const starts = elementStarts(list, 0, values.length + 1)
        expect(starts.map(at => list[at])).toEqual(
          values.map(value => JSON.stringify(value, undefined, space)[0]),
        )
      },
    ),
  )
})

test('any text gives an id or none, and never an exception', () => {
  const jsonish = fc.stringMatching(/^[{}[\]",:\\ a-dhiers0-9"]*$/)
  fc.assert(
    fc.property(fc.oneof(fc.string(), jsonish), text => {
      expect(typeof taskIdOf(text)).toBe('string')
      unackedOrigin(text)
      taskIdOf(`{"headers": ${text}`)
    }),
    { numRuns: 2_000 },
  )
})

test('the origin of an unacknowledged message is read past the message', () => {
  const message = { body: 'x', headers: { list: ['],', '"'] } }
  expect(unackedOrigin(JSON.stringify([message, '', 'reports']))).toEqual({
    exchange: '',
    routingKey: 'reports',
  })
  expect(unackedOrigin(JSON.stringify(['text', 'ex', 'rk', 'more']))).toEqual({
    exchange: 'ex',
    routingKey: 'rk',
  })
  for (const odd of ['', '[]', '[1]', '{"a": 1}', JSON.stringify([message, null, 'x'])])
    expect(unackedOrigin(odd)).toBeUndefined()
})
