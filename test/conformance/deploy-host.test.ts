/** The targets systemd and keda before their judges. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { configureAlerts, metrics } from '../../src/catalog/index.ts'
import { configSettings } from '../../src/cli/emit.ts'
import { loadConfig, VARIABLES } from '../../src/config/index.ts'
import { emitSettings, type EmitSettings, targets } from '../../src/emit/index.ts'
import { parse, selectors } from '../../src/promql/index.ts'
import { objectProblems } from '../judges/kubernetes.ts'

const folder = mkdtempSync(join(tmpdir(), 'celeriac-host-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const files = (name: string, given: Partial<EmitSettings> = {}) =>
  targets.find(target => target.name === name)?.files(emitSettings(given)) ?? []
const text = (name: string, path: string, given: Partial<EmitSettings> = {}): string =>
  files(name, given).find(file => file.path === path)?.content ?? ''

const CONFIG = `
brokers: [{ name: default, url: 'redis://user:hidden-one@redis:6379/0' }]
notify: { receivers: [{ name: on-call, slack: { webhookUrl: 'https://hooks.slack.com/hidden-two' } }] }
`
writeFileSync(join(folder, 'celeriac.config.yaml'), CONFIG)
const settings = configSettings(
  await loadConfig({ config: join(folder, 'celeriac.config.yaml') }, {}, folder, () => ''),
)

describe.each<[string, Partial<EmitSettings>]>([
  ['in memory', {}],
  ['with a data directory', { dataFolder: 'CELERIAC_DATA_DIR' }],
])('the unit, %s', (_what, given) => {
  const unit = text('systemd', 'celeriac.service', { ...settings, ...given })

  /** The unit with a program that is there: systemd looks for it. */
  const place = (content: string): string => {
    const path = join(mkdtempSync(join(folder, 'u-')), 'celeriac.service')
    writeFileSync(path, content.replace('/usr/local/bin/celeriac\n', '/usr/bin/env\n'))
    return path
  }
  const verify = (content: string): string => {
    // It ends with 0 whatever it finds, so what it says is the verdict.
    const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', place(content)], {
      encoding: 'utf8',
    })
    return stdout + stderr
  }

  test('systemd-analyze verify has nothing to say', () => {
    expect(verify(unit)).toBe('')
    expect(verify(unit.replace('ProtectHome=yes', 'ProtectHomes=yes'))).toContain('ProtectHomes')
  })

  test('systemd-analyze security finds little exposed', () => {
    const said = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', place(unit)], {
      encoding: 'utf8',
    })
    const score = Number(/Overall exposure level for \S+: (\d+\.\d+)/.exec(said)?.[1])
    expect(score).toBeLessThanOrEqual(1.7)
  })

  test('it sets variables that the program knows, and hands over each secret that the configuration reads', async () => {
    const variables = [...unit.matchAll(/^Environment=(CELERIAC_\w+)=/gm)].map(([, name]) => name ?? '')
    const known = [...Object.keys(VARIABLES), given.dataFolder]
    expect(variables.filter(name => !known.includes(name))).toEqual([])
    const environment = text('systemd', 'celeriac.env', { ...settings, ...given })
    for (const [, name] of environment.matchAll(/^#?(CELERIAC_\w+)=/gm)) expect(known).toContain(name)

    const config = text('systemd', 'celeriac.config.yaml', { ...settings, ...given })
    const path = join(mkdtempSync(join(folder, 'c-')), 'celeriac.config.yaml')
    writeFileSync(path, config)
    const read: string[] = []
    await loadConfig({ config: path }, {}, folder, name => {
      read.push(name)
      return name.endsWith('broker-url') ? 'redis://redis:6379/0' : 'https://hooks.slack.com/x'
    })
    const credentials = [...unit.matchAll(/^LoadCredential=([^:]+):/gm)].map(
      ([, name]) => `/run/credentials/celeriac.service/${name ?? ''}`,
    )
    expect(read).toEqual(credentials)
    for (const { content } of files('systemd', { ...settings, ...given }))
      expect(content).not.toContain('hidden')
  })
})

interface Scaled {
  readonly metadata: { readonly namespace: string }
  readonly spec: {
    readonly scaleTargetRef: { readonly name: string }
    readonly triggers: readonly {
      readonly name: string
      readonly metadata: Readonly<
        Record<'query' | 'threshold' | 'serverAddress' | 'ignoreNullValues', string>
      >
    }[]
    readonly minReplicaCount: number
  }
}

describe('the ScaledObject', () => {
  const scaled = (given: Partial<EmitSettings> = {}): Scaled =>
    parseYaml(text('keda', 'scaledobject.yaml', given)) as Scaled

  test('is what its schema says', async () => {
    for (const given of [{}, { namespace: 'shop', labels: { team: 'x' } }])
      expect(await objectProblems(scaled(given))).toEqual([])
  })

  test('asks for metrics and labels that the catalog declares, and of its broker and queue alone', () => {
    const declared = new Map<string, readonly string[]>(
      Object.values(metrics).map(({ name, labels }) => [name, labels]),
    )
    for (const { metadata } of scaled(settings).spec.triggers) {
      for (const { metric, matchers } of selectors(parse(metadata.query)))
        for (const { name } of matchers)
          if (name !== '__name__') expect(declared.get(metric ?? ''), metric).toContain(name)
      expect(metadata.query).toContain('{broker="default", queue="reports"}')
      expect(metadata.ignoreNullValues).toBe('false')
      expect(Number(metadata.threshold)).toBeGreaterThan(0)
    }
  })

  test('scales the workers of the example, asks the Service that is emitted, and never goes to 0', () => {
    const { metadata, spec } = scaled({ namespace: 'shop' })
    const manifests = files('kubernetes', { namespace: 'shop' })
    expect(manifests.map(({ content }) => content).join('')).toContain(
      `kind: Deployment\nmetadata:\n  name: ${spec.scaleTargetRef.name}\n`,
    )
    expect(metadata.namespace).toBe('shop')
    for (const { metadata: trigger } of spec.triggers)
      expect(trigger.serverAddress).toBe('http://celeriac.shop.svc:9808')
    expect(spec.minReplicaCount).toBeGreaterThan(0)
  })

  test('begins before the alert on waiting does, whatever its limit is', () => {
    const wait = (alerts: EmitSettings['alerts']): number =>
      Number(scaled({ alerts }).spec.triggers.find(({ name }) => name === 'wait')?.metadata.threshold)
    expect(wait(configureAlerts())).toBe(15)
    expect(wait(configureAlerts({ CeleryQueueWaitHigh: { queues: { reports: 120 } } }))).toBe(60)
  })
})
