import fc from 'fast-check'
import { expect, test } from 'vitest'
import { acceptCorrelationId, isCorrelationId, newCorrelationId, traceIdOf } from './index.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`

test('a well-formed id is taken over, whatever the trace is', () => {
  for (const correlationId of ['my-first-order', 'a.b_c-d1', 'x'.repeat(64)])
    expect(acceptCorrelationId({ correlationId, traceparent: TRACEPARENT })).toBe(correlationId)
})

test('without one the request is known by its trace, and without either it gets an id of its own', () => {
  expect(acceptCorrelationId({ correlationId: undefined, traceparent: TRACEPARENT })).toBe(TRACE)
  const own = acceptCorrelationId({ correlationId: undefined, traceparent: undefined })
  expect(own).toMatch(/^[0-9a-f-]{36}$/)
  expect(acceptCorrelationId({ correlationId: undefined, traceparent: undefined })).not.toBe(own)
})

test.each([
  ['too short', 'short-1'],
  ['too long', 'x'.repeat(65)],
  ['8,000 bytes', 'x'.repeat(8000)],
  ['free text that forges fields', 'abc user=admin level=error'],
  ['markup', '<script>alert(1)</script>'],
  ['a line break at the end', 'my-first-order\n'],
  ['empty', ''],
  ['given twice', ['my-first-order', 'my-second-order']],
  ['given twice, as Node joins it', 'my-first-order, my-second-order'],
])('an id that is %s is not taken over (guide-flaw 77)', (_, correlationId) => {
  const accepted = acceptCorrelationId({ correlationId, traceparent: undefined })
  expect(accepted).not.toBe(correlationId)
  expect(isCorrelationId(accepted)).toBe(true)
})

test.each([
  ['of version ff', `ff-${TRACE}-00f067aa0ba902b7-01`],
  ['of version 00 with more parts', `${TRACEPARENT}-more`],
  ['with a trace of zeros', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
  ['with a parent of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['in capitals', TRACEPARENT.toUpperCase()],
  ['cut short', TRACEPARENT.slice(0, -3)],
])('a traceparent %s is ignored', (_, traceparent) => {
  expect(traceIdOf(traceparent)).toBeUndefined()
})

test('a later version may have more parts', () => {
  expect(traceIdOf(`01-${TRACE}-00f067aa0ba902b7-01-what.ever`)).toBe(TRACE)
})

test('whatever comes in, what comes out is well-formed', () => {
  fc.assert(
    fc.property(fc.anything(), fc.anything(), (correlationId, traceparent) => {
      expect(isCorrelationId(acceptCorrelationId({ correlationId, traceparent }))).toBe(true)
    }),
  )
  expect(isCorrelationId(newCorrelationId())).toBe(true)
})
