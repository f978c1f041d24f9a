import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { encodeEvents } from '../../celery/index.ts'
import { RepeatFilter } from './repeat-filter.ts'

const message = (deliveryTag: string): string =>
  encodeEvents({ type: 'task-sent', uuid: 'x' }, { deliveryTag, exchange: 'celeryev' }).payload

test('a second copy is found among thousands, and forgotten in the end', () => {
  const filter = new RepeatFilter(1_000)
  const messages = Array.from({ length: 5_000 }, () => message(randomUUID()))
  for (const text of messages) {
    expect(filter.isRepeat(text)).toBe(false)
    expect(filter.isRepeat(text)).toBe(true)
  }
  expect(filter.isRepeat(messages.at(-900) ?? '')).toBe(true)
  expect(filter.isRepeat(messages[0] ?? '')).toBe(false)
})

test('what has no tag is never a copy', () => {
  const filter = new RepeatFilter()
  for (const text of ['', 'no json', '{"body": ""}', '[]'])
    expect([filter.isRepeat(text), filter.isRepeat(text)]).toEqual([false, false])
})
