import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { NotifiedAlert } from '../../../alerts/index.ts'
import { Labels } from '../../../base/index.ts'
import { notification } from '../../receiver.case.ts'
import { escapeSlack, fitSlack, MAX_BLOCKS, MAX_TEXT, slackMessage, type SlackMessage } from './message.ts'

const START = 1_700_000_000_000
const base = notification().alerts[0] as NotifiedAlert

const texts = (message: SlackMessage): string[] =>
  message.attachments.flatMap(attachment =>
    attachment.blocks.flatMap(block =>
      block.type === 'section' ? [block.text.text] : block.elements.map(element => element.text),
    ),
  )

test('a firing alert reads: state word, rule, value against limit, duration, links', () => {
  const alert = {
    ...base,
    annotations: {
      summary: 'Queue reports is long',
      value: '1 234',
      limit: '100',
      description: 'Add workers.',
    },
  }
  const message = slackMessage(
    notification({ alerts: [alert], commonAnnotations: { runbook_url: 'https://docs.example/run?a=1&b=2' } }),
    { nowMs: START + 872_000 },
  )
  expect(message.text).toBe('[FIRING] CeleryQueueDepthHigh (broker default)')
  expect(message.attachments[0]?.color).toBe('warning')
  expect(texts(message)).toEqual([
    ':red_circle: *[FIRING] CeleryQueueDepthHigh (broker default)*',
    [
      ':red_circle: *Firing*: Queue reports is long',
      'Add workers.',
      'value 1 234 · limit 100 · for 14 m 32 s',
      'queue=reports severity=warning',
    ].join('\n'),
    '<http://celeriac.example/|Celeriac>  ·  <https://docs.example/run?a=1&amp;b=2|Runbook>  ·  <http://celeriac.example/explore?e=x|Alert>',
  ])
})

test('a value is told in its unit where that is known, and an annotation says it better', () => {
  const said = (alert: Partial<NotifiedAlert>): string =>
    texts(slackMessage(notification({ alerts: [{ ...base, value: 1, ...alert }] }), { nowMs: START }))[1] ??
    ''
  expect(said({ valueText: '100 %' })).toContain('value 100 %')
  expect(said({})).toMatch(/value 1\b/)
  expect(said({ valueText: '100 %', annotations: { value: 'all of them' } })).toContain('value all of them')
})

test('a resolved alert says so in word, mark and colour, with how long it lasted', () => {
  const message = slackMessage(
    notification({
      status: 'resolved',
      alerts: [{ ...base, status: 'resolved', endsAtMs: START + 90_000 }],
    }),
    { nowMs: START + 900_000 },
  )
  expect(message.text).toContain('[RESOLVED]')
  expect(message.attachments[0]?.color).toBe('good')
  expect(texts(message)[1]).toContain('*Resolved*: Queue reports holds 1234 messages\nlasted 1 m 30 s')
})

test('two alerts are two entries, each with its own state, never one joined text', () => {
  const other = {
    ...base,
    status: 'resolved' as const,
    endsAtMs: START + 1000,
    annotations: { summary: 'B' },
  }
  const message = slackMessage(notification({ alerts: [base, other] }), { nowMs: START })
  expect(message.text).toBe('[FIRING, RESOLVED 1] CeleryQueueDepthHigh (broker default)')
  expect(texts(message).slice(1, 3)).toEqual([
    expect.stringMatching(/^:red_circle: \*Firing\*/),
    expect.stringMatching(/^:white_check_mark: \*Resolved\*: B/),
  ])
})

test('critical is danger; the channel is passed on', () => {
  const critical = { ...base, labels: base.labels.with('severity', 'critical') }
  const message = slackMessage(notification({ alerts: [critical] }), { nowMs: START, channel: '#ops' })
  expect(message).toMatchObject({ channel: '#ops', attachments: [{ color: 'danger' }] })
})

test('nothing in a label or annotation can mention a channel or forge a link', () => {
  const message = slackMessage(
    notification({
      groupLabels: Labels.from({ alertname: '<!channel>' }),
      alerts: [
        {
          ...base,
          annotations: { summary: '<!here> & <https://evil.example|ok>' },
          generatorURL: 'javascript:x',
        },
      ],
    }),
    { nowMs: START },
  )
  expect(JSON.stringify(message)).not.toMatch(/<!|<https:\/\/evil|javascript/)
  expect(texts(message)[1]).toContain('&lt;!here&gt; &amp; &lt;https://evil.example|ok&gt;')
})

test('thousands of long alerts stay within the limits of Slack and say how many are left out', () => {
  const long = 'x&<'.repeat(5000)
  const many = Array.from({ length: 2000 }, (_, i) => ({
    ...base,
    labels: Labels.from({ alertname: 'A', i: `${i}`, long }),
    annotations: { summary: long, description: `${long}.`, value: long, limit: long },
  }))
  const message = slackMessage(
    notification({ alerts: many, groupLabels: Labels.from({ alertname: long }) }),
    { nowMs: START },
  )
  expect(message.attachments[0]?.blocks.length).toBeLessThanOrEqual(MAX_BLOCKS)
  expect(Math.max(...texts(message).map(text => text.length))).toBeLessThanOrEqual(MAX_TEXT)
  expect(texts(message)).toContain('… and 1980 more.')
})

test('fitting keeps the limit, never cuts an entity and keeps what fits whole', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 80 }),
      fc.integer({ min: 1, max: 60 }),
      (text, limit) => {
        const fitted = fitSlack(text, limit)
        expect(fitted.length).toBeLessThanOrEqual(limit)
        expect(fitted.replaceAll(/&(amp|lt|gt);/g, '')).not.toMatch(/[&<>]/)
        expect(escapeSlack(text).length <= limit).toBe(fitted === escapeSlack(text))
      },
    ),
  )
})
