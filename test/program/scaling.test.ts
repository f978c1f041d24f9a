/** What KEDA would be told: the queries of the emitted ScaledObject, put to the built program as KEDA's Prometheus scaler puts them. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { emitSettings, targets } from '../../src/emit/index.ts'
import { eventually, type RunningCeleriac, startCeleriac } from '../servers/celeriac.ts'

interface Answer {
  readonly status: string
  readonly data: {
    readonly resultType: string
    readonly result: readonly { readonly value: readonly [number, string] }[]
  }
}

const scaled = parse(
  targets.find(({ name }) => name === 'keda')?.files(emitSettings())[0]?.content ?? '',
) as {
  readonly spec: {
    readonly triggers: readonly { readonly name: string; readonly metadata: { readonly query: string } }[]
  }
}
const queries = scaled.spec.triggers.map(({ name, metadata }) => [name, metadata.query] as const)

let demo: RunningCeleriac
let lost: RunningCeleriac
beforeAll(async () => {
  demo = await startCeleriac(['demo', '--seed', '7'])
  lost = await startCeleriac(['--broker', 'redis://127.0.0.1:9/0'])
})
afterAll(async () => {
  await demo.stop()
  await lost.stop()
})

const ask = async (celeriac: RunningCeleriac, query: string): Promise<Answer> =>
  (await celeriac.get(`/api/v1/query?query=${encodeURIComponent(query)}&time=${new Date().toISOString()}`))
    .body as Answer

test.each(queries)(
  '%s is one number while the fleet is seen: more would be an error of the scaler',
  async (_name, query) => {
    const answer = await eventually('a number', 60_000, async () => {
      const given = await ask(demo, query)
      return given.data.result.length > 0 ? given : undefined
    })
    expect(answer).toMatchObject({ status: 'success', data: { resultType: 'vector' } })
    expect(answer.data.result).toHaveLength(1)
    expect(Number(answer.data.result[0]?.value[1])).toBeGreaterThanOrEqual(0)
  },
)

test.each(queries)(
  '%s is absent, not 0, while the broker is away: nothing is scaled',
  async (_name, query) => {
    await eventually('a collection', 60_000, async () =>
      (await ask(lost, 'celery_broker_up == 0')).data.result.length > 0 ? true : undefined,
    )
    expect((await ask(lost, query)).data.result).toEqual([])
  },
)
