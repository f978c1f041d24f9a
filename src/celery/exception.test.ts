import fc from 'fast-check'
import { expect, test } from 'vitest'
import { exceptionClass } from './index.ts'

const traceback = (last: string): string =>
  `Traceback (most recent call last):\n  File "app.py", line 3, in f\n    raise x\n    ^^^^^^^\n${last}\n`

test.each<[string, string | undefined, string]>([
  ["ValueError('boom')", undefined, 'ValueError'],
  ['KeyError()', traceback('OtherError: x'), 'KeyError'],
  ["shop.errors.PaymentError('4711')", undefined, 'PaymentError'],
  ['<HttpError 404 when requesting x>', undefined, 'HttpError'],
  [
    'ExceptionWithTraceback()',
    traceback('billiard.exceptions.WorkerLostError: Worker exited'),
    'WorkerLostError',
  ],
  ['ExceptionWithTraceback()', traceback('billiard.exceptions.Terminated'), 'Terminated'],
  ['ExceptionWithTraceback()', traceback('a.B: first line\nSecretName: second line'), 'B'],
  [
    'ExceptionWithTraceback()',
    `${traceback('A: 1')}\nDuring handling of it, another one happened:\n\n${traceback('B: 2')}`,
    'B',
  ],
  ['TimeLimitExceeded(1,)', undefined, 'TimeLimitExceeded'],
  ["WorkerLostError('Worker exited prematurely: signal 9 (SIGKILL) Job: 3.')", undefined, 'WorkerLostError'],
  ["NotRegistered('shop.bill')", '', 'NotRegistered'],
  ['SoftTimeLimitExceeded()', undefined, 'SoftTimeLimitExceeded'],
  [
    'ExceptionWithTraceback()',
    traceback('billiard.exceptions.TimeLimitExceeded: TimeLimitExceeded(1,)'),
    'TimeLimitExceeded',
  ],
  [
    "ExceptionWithTraceback(WorkerLostError('Worker exited prematurely'), 'Traceback')",
    undefined,
    'WorkerLostError',
  ],
  ["ExceptionWithTraceback(exc=shop.PaymentError('4711'), tb='…')", undefined, 'PaymentError'],
  ['ExceptionWithTraceback("PaymentError(4711)")', undefined, 'unknown'],
  ["Wrapping(ValueError('first line\nKeyError: second'), TimeLimitExceeded(1,))", undefined, 'Wrapping'],
  ["it is 4711's fault", traceback('app.trouble.Odd: x'), 'Odd'],
  [
    "it is 4711's fault",
    traceback("celery.utils.serialization.UnpickleableExceptionWrapper: NeedsMore('4711: secret')"),
    'NeedsMore',
  ],
  [
    "it is 4711's fault",
    traceback('celery.utils.serialization.UnpickleableExceptionWrapper: it is 4711'),
    'unknown',
  ],
  ["<MaybeEncodingError: Error sending result: ''(1, …)''>", undefined, 'MaybeEncodingError'],
  ['ExceptionWithTraceback()', undefined, 'unknown'],
  ['ExceptionWithTraceback()', 'no traceback: at all', 'unknown'],
  ['', traceback('ValueError: x'), 'ValueError'],
  ['', undefined, 'unknown'],
  ['boom', undefined, 'unknown'],
  ['the secret of Ada', undefined, 'unknown'],
  ['Ошибка()', undefined, 'unknown'],
  [`${'E'.repeat(101)}()`, undefined, 'unknown'],
  [`${'a.'.repeat(300)}E()`, undefined, 'unknown'],
  ['a..b()', undefined, 'b'],
  ['a.()', undefined, 'unknown'],
  ['"; DROP TABLE"()', undefined, 'unknown'],
])('%j with traceback %j is %s', (exception, trace, expected) => {
  expect(exceptionClass(exception, trace)).toBe(expected)
})

test('whatever comes in, a short label value comes out', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.option(fc.string({ unit: 'binary' }), { nil: undefined }),
      (exception, trace) => {
        expect(exceptionClass(exception, trace)).toMatch(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/)
        expect(exceptionClass(`E${exception}`, traceback(exception))).toMatch(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/)
      },
    ),
    { numRuns: 1000 },
  )
})

test('a message of a megabyte costs nothing', () => {
  const began = performance.now()
  exceptionClass('a'.repeat(1e6), traceback(`a${'.a'.repeat(1e6)}`))
  exceptionClass('', '  File "'.repeat(1e5))
  exceptionClass('', '\n'.repeat(1e6))
  expect(performance.now() - began).toBeLessThan(200)
})
