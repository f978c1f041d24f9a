import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseExposition } from '../metrics/index.ts'
import { ContainerMeter, ContainerScrape, type ContainerUsage } from './containers.ts'

const ID = '4f0c7b5e9d3a4f0c7b5e9d3a4f0c7b5e9d3a4f0c7b5e9d3a4f0c7b5e9d3a4f0c'
const PAUSE = ID.replaceAll('4', 'a')
const MIB = 1024 ** 2

const scrapeOf = (text: string, nowMs: number, match: Record<string, string> = {}): ContainerScrape => {
  const scrape = new ContainerScrape(match)
  for (const sample of parseExposition(text).samples) scrape.add(sample, nowMs)
  return scrape
}

/** Use by label, after the last of the texts, scraped ten seconds apart. */
function usage(texts: readonly string[], match: Record<string, string> = {}): Record<string, ContainerUsage> {
  const meter = new ContainerMeter()
  let found: readonly ContainerUsage[] = []
  texts.forEach((text, i) => (found = meter.read(scrapeOf(text, 10_000 * i, match), 10_000 * i)))
  return Object.fromEntries(found.map(each => [each.label, each]))
}

/** A kubelet's cAdvisor: a pod of one container, as containerd names it, with its pause container and its sum. */
const kubelet = (cpu: number, atMs: number): string => {
  const pod = 'namespace="shop",pod="worker-7f9c-x2x"'
  const slice = '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod8a1c.slice'
  const worker = `container="worker",id="${slice}/cri-containerd-${ID}.scope",image="registry/shop:1",name="${ID}",${pod}`
  const pause = `container="",id="${slice}/cri-containerd-${PAUSE}.scope",image="registry/pause:3.9",name="${PAUSE}",${pod}`
  const sum = `container="",id="${slice}",image="",name="",${pod}`
  return [
    '# TYPE container_cpu_usage_seconds_total counter',
    `container_cpu_usage_seconds_total{${worker},cpu="total"} ${cpu} ${atMs}`,
    `container_cpu_usage_seconds_total{${pause},cpu="total"} 0.01 ${atMs}`,
    `container_cpu_usage_seconds_total{${sum},cpu="total"} ${cpu + 0.01} ${atMs}`,
    `container_cpu_usage_seconds_total{container="",id="/",image="",name="",namespace="",pod="",cpu="total"} 99999 ${atMs}`,
    `container_spec_cpu_period{${worker}} 100000`,
    `container_spec_cpu_quota{${worker}} 200000`,
    `container_spec_cpu_period{${pause}} 100000`,
    `container_memory_working_set_bytes{${worker}} ${300 * MIB} ${atMs}`,
    `container_memory_working_set_bytes{${pause}} ${MIB} ${atMs}`,
    `container_memory_working_set_bytes{${sum}} ${301 * MIB} ${atMs}`,
    `container_spec_memory_limit_bytes{${worker}} ${400 * MIB}`,
    `container_spec_memory_limit_bytes{${pause}} 0`,
    `container_spec_memory_limit_bytes{${sum}} ${400 * MIB}`,
    'machine_cpu_cores 8',
    `machine_memory_bytes ${32 * 1024 * MIB}`,
    '',
  ].join('\n')
}

describe('a kubelet', () => {
  test('tells of the container alone: neither the pause container nor the sum of the pod counts', () => {
    const found = usage([kubelet(100, 50_000), kubelet(110, 60_000)])
    expect(Object.keys(found)).toEqual(['worker-7f9c-x2x'])
    expect(found['worker-7f9c-x2x']).toMatchObject({
      hosts: ['worker-7f9c-x2x'],
      cpuPercent: 50,
      memoryPercent: 75,
      memoryBytes: 300 * MIB,
      memoryLimitBytes: 400 * MIB,
    })
  })

  test('first gives memory only', () => {
    expect(usage([kubelet(100, 0)])['worker-7f9c-x2x']).toMatchObject({ cpuPercent: null, memoryPercent: 75 })
  })

  test('CPU is by the times of the samples, and a sample that is told again is no sample', () => {
    const texts = [kubelet(100, 50_000), kubelet(115, 65_000), kubelet(115, 65_000)]
    expect(usage(texts)['worker-7f9c-x2x']?.cpuPercent).toBe(50)
    expect(usage([...texts, kubelet(115.2, 65_100)])['worker-7f9c-x2x']?.cpuPercent).toBeCloseTo(100, 6)
    const still = Array.from({ length: 8 }, () => kubelet(115, 65_000))
    expect(usage([...texts, ...still])['worker-7f9c-x2x']?.cpuPercent).toBeNull()
  })

  test('CPU that went back is a container started anew', () => {
    expect(usage([kubelet(100, 0), kubelet(2, 10_000)])['worker-7f9c-x2x']?.cpuPercent).toBeNull()
    expect(
      usage([kubelet(100, 0), kubelet(2, 10_000), kubelet(6, 20_000)])['worker-7f9c-x2x']?.cpuPercent,
    ).toBeCloseTo(20, 9)
  })

  test('without limits the machine is the limit, where limits were told at all', () => {
    const without = (cpu: number, atMs: number): string =>
      kubelet(cpu, atMs)
        .split('\n')
        .filter(line => !line.startsWith('container_spec_cpu_quota'))
        .join('\n')
        .replace(`${400 * MIB}`, '0')
    const found = usage([without(100, 0), without(120, 10_000)])['worker-7f9c-x2x']
    expect(found).toMatchObject({ cpuPercent: 25, memoryLimitBytes: 32 * 1024 * MIB })
    const unsaid = (cpu: number, atMs: number): string =>
      kubelet(cpu, atMs)
        .split('\n')
        .filter(line => !line.startsWith('container_spec'))
        .join('\n')
    expect(usage([unsaid(100, 0), unsaid(120, 10_000)])['worker-7f9c-x2x']).toMatchObject({
      cpuPercent: null,
      memoryPercent: null,
      memoryBytes: 300 * MIB,
    })
  })

  test('a pod of two containers has both told apart, and match picks one', () => {
    const both =
      kubelet(100, 0) +
      kubelet(50, 0)
        .replaceAll('container="worker"', 'container="proxy"')
        .replaceAll(ID, `${ID.slice(1)}0`)
        .replace(/^machine.*\n/gm, '')
        .replace(/^# .*\n/, '')
    expect(Object.keys(usage([both]))).toEqual(['worker-7f9c-x2x/worker', 'worker-7f9c-x2x/proxy'])
    expect(Object.keys(usage([both], { container: 'proxy' }))).toEqual(['worker-7f9c-x2x'])
    expect(usage([both], { namespace: 'other' })).toEqual({})
  })

  test('of two runs of one container the later counts', () => {
    const earlier = kubelet(5000, 10_000).replaceAll(ID, PAUSE)
    const texts = (cpu: number, atMs: number): string =>
      kubelet(cpu, atMs) + earlier.replace(/^(machine|#).*\n/gm, '')
    expect(usage([texts(10, 50_000), texts(12, 60_000)])['worker-7f9c-x2x']?.cpuPercent).toBeCloseTo(10, 9)
  })

  test('its resource metrics, told beside and later, do not hide the limits', () => {
    const both = (cpu: number, atMs: number): string =>
      `${kubelet(cpu, atMs)}container_cpu_usage_seconds_total{container="worker",namespace="shop",pod="worker-7f9c-x2x"} ${cpu + 1} ${atMs + 2000}\n`
    expect(usage([both(100, 0), both(110, 10_000)])['worker-7f9c-x2x']).toMatchObject({
      cpuPercent: 50,
      memoryPercent: 75,
    })
  })

  test('its resource metrics have no limits; those of kube-state-metrics stand in', () => {
    const resource = (cpu: number, atMs: number): string =>
      [
        `container_cpu_usage_seconds_total{container="worker",namespace="shop",pod="w-0"} ${cpu} ${atMs}`,
        `container_memory_working_set_bytes{container="worker",namespace="shop",pod="w-0"} ${100 * MIB} ${atMs}`,
        `pod_memory_working_set_bytes{namespace="shop",pod="w-0"} ${101 * MIB} ${atMs}`,
        '',
      ].join('\n')
    expect(usage([resource(1, 0), resource(6, 10_000)])['w-0']).toMatchObject({
      cpuPercent: null,
      memoryPercent: null,
      memoryBytes: 100 * MIB,
      memoryLimitBytes: null,
    })
    const limits = [
      'kube_pod_container_resource_limits{container="worker",namespace="shop",pod="w-0",resource="cpu",unit="core"} 0.5',
      `kube_pod_container_resource_limits{container="worker",namespace="shop",pod="w-0",resource="memory",unit="byte"} ${200 * MIB}`,
      `kube_pod_container_resource_limits{container="worker",namespace="other",pod="w-0",resource="memory",unit="byte"} 1`,
      '',
    ].join('\n')
    expect(usage([resource(1, 0) + limits, resource(4, 10_000) + limits])['w-0']).toMatchObject({
      cpuPercent: 60,
      memoryPercent: 50,
    })
  })
})

describe('cAdvisor beside Docker', () => {
  const docker = (cpu: number): string =>
    [
      `container_cpu_usage_seconds_total{cpu="cpu00",id="/system.slice/docker-${ID}.scope",image="shop:1",name="shop-worker-1"} ${cpu}`,
      `container_cpu_usage_seconds_total{cpu="cpu01",id="/system.slice/docker-${ID}.scope",image="shop:1",name="shop-worker-1"} ${cpu}`,
      `container_cpu_usage_seconds_total{cpu="total",id="/system.slice",image="",name=""} 5000`,
      `container_memory_working_set_bytes{id="/system.slice/docker-${ID}.scope",image="shop:1",name="shop-worker-1"} ${64 * MIB}`,
      `container_spec_memory_limit_bytes{id="/system.slice/docker-${ID}.scope",image="shop:1",name="shop-worker-1"} 9.223372036854772e+18`,
      `container_spec_cpu_period{id="/system.slice/docker-${ID}.scope",image="shop:1",name="shop-worker-1"} 100000`,
      'machine_cpu_cores{boot_id="1",machine_id="2",system_uuid="3"} 4',
      `machine_memory_bytes{boot_id="1",machine_id="2",system_uuid="3"} ${1024 * MIB}`,
      '',
    ].join('\n')

  test('is read by name and by id, cores summed, no limit being what cgroup version 1 calls it', () => {
    expect(usage([docker(10), docker(20)])).toEqual({
      'shop-worker-1': {
        hosts: ['shop-worker-1', ID.slice(0, 12)],
        worker: '',
        group: expect.any(String),
        label: 'shop-worker-1',
        cpuPercent: 50,
        memoryPercent: 6.25,
        memoryBytes: 64 * MIB,
        memoryLimitBytes: 1024 * MIB,
      },
    })
  })
})

test('a federation tells of several machines, each container against its own', () => {
  const text = [
    ...['a', 'b'].flatMap((node, i) => [
      `container_memory_working_set_bytes{instance="${node}",namespace="s",pod="w-${node}",container="c",id="/x",name="y"} ${10 * MIB}`,
      `container_spec_memory_limit_bytes{instance="${node}",namespace="s",pod="w-${node}",container="c",id="/x",name="y"} 0`,
      `machine_memory_bytes{instance="${node}"} ${100 * (i + 1) * MIB}`,
    ]),
    'container_memory_working_set_bytes{instance="c",namespace="s",pod="w-c",container="c",id="/x",name="y"} 5',
    'container_spec_memory_limit_bytes{instance="c",namespace="s",pod="w-c",container="c",id="/x",name="y"} 0',
    '',
  ].join('\n')
  const found = usage([text])
  expect([found['w-a']?.memoryPercent, found['w-b']?.memoryPercent, found['w-c']?.memoryPercent]).toEqual([
    10,
    5,
    null,
  ])
})

test('percentages made elsewhere are taken as they are', () => {
  const text =
    'container_cpu_usage_percent{container="shop",worker="celery@w1"} 81.5\n' +
    'container_memory_usage_percent{container="shop",worker="celery@w1"} 40\n' +
    'container_memory_usage_percent{worker="celery@w2"} 41\n' +
    'container_memory_usage_percent{pod="w3"} NaN\n'
  expect(usage([text])).toMatchObject({
    shop: { worker: 'celery@w1', cpuPercent: 81.5, memoryPercent: 40, memoryBytes: null },
    'celery@w2': { worker: 'celery@w2', hosts: [], cpuPercent: null, memoryPercent: 41 },
  })
})

test('more containers than any node holds are refused', () => {
  const scrape = new ContainerScrape({})
  expect(() => {
    for (let i = 0; i < 30_000; i++)
      scrape.add(
        { name: 'container_spec_cpu_quota', labels: { name: `c${i}` }, value: 1, timestampMs: null },
        0,
      )
  }).toThrow('more than 20000 containers; narrow it down with match')
})

test('CPU is exact whatever the times of scrapes and samples are', () => {
  const step = fc.record({
    used: fc.double({ min: 0, max: 100, noNaN: true }),
    ms: fc.integer({ min: 1, max: 60_000 }),
  })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 10 }), fc.boolean(), (steps, stamped) => {
      const meter = new ContainerMeter()
      let total = 5
      let atMs = 1000
      const read = (): number | null | undefined => {
        const scrape = new ContainerScrape({})
        const labels = { name: 'w' }
        const timestampMs = stamped ? atMs - 700 : null
        scrape.add({ name: 'container_cpu_usage_seconds_total', labels, value: total, timestampMs }, atMs)
        scrape.add({ name: 'container_spec_cpu_quota', labels, value: 50_000, timestampMs: null }, atMs)
        scrape.add({ name: 'container_spec_cpu_period', labels, value: 100_000, timestampMs: null }, atMs)
        return meter.read(scrape, atMs)[0]?.cpuPercent
      }
      expect(read()).toBeNull()
      for (const { used, ms } of steps) {
        total += used
        atMs += ms
        const expected = (used / (ms / 1000) / 0.5) * 100
        expect(read()).toBeCloseTo(expected, Math.max(0, 6 - Math.ceil(Math.log10(expected + 1))))
      }
    }),
  )
})
