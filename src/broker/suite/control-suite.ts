import { expect, test } from 'vitest'
import { type Suite } from './stage.case.ts'

/** Remote control: who is asked, who answers, and how long is waited. */
export function controlSuite({ withWorld }: Suite): void {
  test('a control request reaches every worker and ends when all expected have answered', () =>
    withWorld(async ({ broker, link }) => {
      await link.onControl(request => {
        for (const node of ['w1@a', 'w2@b']) void link.reply(request, node, { ok: 'pong' })
      })
      const began = Date.now()
      const replies = await broker.control(
        { method: 'ping' },
        { timeoutMs: 20_000, expect: new Set(['w1@a', 'w2@b']) },
      )
      expect(Date.now() - began).toBeLessThan(10_000)
      expect([...replies].sort((a, b) => a.node.localeCompare(b.node))).toEqual([
        { node: 'w1@a', ok: true, value: { ok: 'pong' } },
        { node: 'w2@b', ok: true, value: { ok: 'pong' } },
      ])
    }))

  test('a control request carries method, arguments and destination, and expects the nodes it names', () =>
    withWorld(async ({ broker, link }) => {
      await link.onControl(request => {
        if (request.destination?.includes('w1@a')) void link.reply(request, 'w1@a', request.arguments)
      })
      const replies = await broker.control(
        { method: 'active', arguments: { safe: true }, destination: ['w1@a'] },
        { timeoutMs: 20_000 },
      )
      expect(replies).toEqual([{ node: 'w1@a', ok: true, value: { safe: true } }])
    }))

  test('an error a worker answers comes as its text', () =>
    withWorld(async ({ broker, link }) => {
      await link.onControl(request => void link.reply(request, 'w1@a', { error: "KeyError('x')" }))
      expect(await broker.control({ method: 'x', destination: ['w1@a'] }, { timeoutMs: 20_000 })).toEqual([
        { node: 'w1@a', ok: false, error: "KeyError('x')" },
      ])
    }))

  test('who does not answer in time is left out, and the time-out is kept', () =>
    withWorld(async ({ broker, link }) => {
      await link.onControl(request => void link.reply(request, 'w1@a', 1))
      const began = Date.now()
      const replies = await broker.control(
        { method: 'ping' },
        { timeoutMs: 300, expect: new Set(['w1@a', 'silent@b']) },
      )
      expect(replies).toEqual([{ node: 'w1@a', ok: true, value: 1 }])
      expect(Date.now() - began).toBeGreaterThanOrEqual(295)
    }))

  test('a late reply goes nowhere and the next request is answered as ever', () =>
    withWorld(async ({ broker, link }) => {
      let answerLate = (): void => {}
      let slow = true
      await link.onControl(request => {
        if (slow) answerLate = () => void link.reply(request, 'w1@a', 'late')
        else void link.reply(request, 'w1@a', 'in time')
      })
      expect(await broker.control({ method: 'ping' }, { timeoutMs: 100 })).toEqual([])
      slow = false
      answerLate()
      expect(
        await broker.control({ method: 'ping' }, { timeoutMs: 20_000, expect: new Set(['w1@a']) }),
      ).toEqual([{ node: 'w1@a', ok: true, value: 'in time' }])
    }))

  test('requests at the same time get each their own answers, and other calls are not held up', () =>
    withWorld(async ({ broker, link }) => {
      await link.onControl(request => {
        if (request.method !== 'never') void link.reply(request, 'w1@a', request.method)
      })
      let neverEnded = false
      const never = broker.control({ method: 'never' }, { timeoutMs: 1500 }).then(replies => {
        neverEnded = true
        return replies
      })
      const methods = ['stats', 'active', 'ping']
      const answers = await Promise.all(
        methods.map(method => broker.control({ method, destination: ['w1@a'] }, { timeoutMs: 20_000 })),
      )
      expect(answers.map(([first]) => first?.ok && first.value)).toEqual(methods)
      await broker.readServer()
      expect(neverEnded).toBe(false)
      expect(await never).toEqual([])
    }))
}
