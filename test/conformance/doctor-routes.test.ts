/** Where `celeriac doctor` says an alert goes is where Alertmanager's own `amtool config routes test` says it goes. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { destinations, readRouting } from '../../src/doctor/routes.ts'
import { receivers } from './amtool.ts'

const VALUES = ['critical', 'warning', 'a', 'ab', '']
const LABELS = ['severity', 'team']
const RECEIVERS = ['r0', 'r1', 'r2', 'r3']

interface Route {
  readonly receiver?: string
  readonly matchers?: readonly string[]
  readonly match?: Readonly<Record<string, string>>
  readonly continue?: boolean
  readonly routes?: readonly Route[]
}

const matcher = fc
  .tuple(
    fc.constantFrom(...LABELS),
    fc.constantFrom('=', '!=', '=~', '!~'),
    fc.constantFrom(...VALUES, 'a.*', 'a|critical'),
    fc.boolean(),
  )
  .map(([label, op, value, quoted]) =>
    quoted || !/^\w+$/.test(value) ? `${label}${op}"${value}"` : `${label} ${op} ${value}`,
  )

const { route } = fc.letrec<{ route: Route }>(tie => ({
  route: fc.record(
    {
      receiver: fc.constantFrom(...RECEIVERS),
      matchers: fc.array(matcher, { maxLength: 2 }),
      match: fc.constantFrom<Readonly<Record<string, string>>>({ team: 'a' }, { severity: 'critical' }),
      continue: fc.constantFrom(true, true, false),
      routes: fc.oneof(
        { maxDepth: 3, depthIdentifier: 'route' },
        fc.constant([]),
        fc.array(tie('route'), { maxLength: 3 }),
      ),
    },
    { requiredKeys: [] },
  ),
}))

const labels = fc.record({ severity: fc.constantFrom(...VALUES), team: fc.constantFrom(...VALUES) })

test('random routes take alerts where amtool takes them', () => {
  const samples = fc.sample(fc.tuple(fc.array(route, { minLength: 1, maxLength: 3 }), labels), {
    seed: 44,
    numRuns: 150,
  })
  let several = 0
  for (const [routes, given] of samples) {
    const config = {
      route: { receiver: 'root', routes },
      receivers: ['root', ...RECEIVERS].map(name => ({ name })),
    }
    const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''))
    const text = JSON.stringify(config)
    const ours = destinations(readRouting(text).root, { labels: present, openLabels: [] })
    const reached = [...new Set(ours.map(({ receiver }) => receiver))].sort()
    expect({ config, given, reached }).toEqual({
      config,
      given,
      reached: [...new Set(receivers(text, present))].sort(),
    })
    if (reached.length > 1) several++
  }
  expect(several).toBeGreaterThan(5)
})
