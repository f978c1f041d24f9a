import { readFileSync } from 'node:fs'
import { createDispatcher } from '../alerts/index.ts'
import {
  CeleriacError,
  type Clock,
  errorText,
  fileTrouble,
  formatDuration,
  Labels,
  type Log,
  MINUTE,
  SECOND,
} from '../base/index.ts'
import {
  type Broker,
  createFleetLink,
  createMemoryBroker,
  createMemoryLink,
  MemoryServer,
} from '../broker/index.ts'
import { metrics, ruleGroups } from '../catalog/index.ts'
import { createCeleryExporterPage } from '../compat/index.ts'
import type { BrokerConfig, Config } from '../config/index.ts'
import { alertLink } from '../contract/index.ts'
import type { Finding } from '../findings/index.ts'
import type { Fleet, FleetChange } from '../fleet/index.ts'
import { type HttpPorts, type HttpServer, listen, loadStaticFiles } from '../http/index.ts'
import { CONTENT_TYPES, createMetrics, negotiateFormat } from '../metrics/index.ts'
import { createNotifier, createReceivers } from '../notify/index.ts'
import { createRules, parseRuleFile, type RuleGroup, ruleGroupId } from '../rules/index.ts'
import {
  createSimulatedFleet,
  demoProfile,
  describeIncident,
  seededRandom,
  type SimulatedFleet,
} from '../simulate/index.ts'
import { createHead } from '../store/index.ts'
import {
  buildHealth,
  buildOverview,
  createChangeLog,
  promAlerts,
  promRules,
  unitsOf,
  wordValue,
} from '../views/index.ts'
import { createAlerting } from './alerting.ts'
import { celeryExporterHealth } from './celery-exporter.ts'
import { setControlKeys } from './control-keys.ts'
import { createHostLoop } from './host-loop.ts'
import { COLLECT_INTERVAL_MS, openBroker, openFleet, placesOfOthers } from './open.ts'
import { openPublisher } from './publisher.ts'
import { createQueries } from './queries.ts'
import { createRuleHealth } from './rule-health.ts'
import { createRuleLoop } from './rule-loop.ts'
import { createLoopLag, createSampler } from './sampler.ts'
import { collectSelf } from './self-metrics.ts'
import { catalogSettings } from './settings.ts'
import { createSight } from './sight.ts'
import { breathe, goAhead } from './turns.ts'
import { createWatch } from './watch.ts'

export interface AppOptions {
  readonly config: Config
  readonly log: Log
  readonly clock: Clock
  readonly version: string
  /** The built UI. */
  readonly webFolder: string
  /** Watch a simulated fleet: on the one configured broker, or inside the process when none is. */
  readonly simulate?: { readonly seed: number }
}

export interface App {
  /** Listens, connects and starts all loops. Rejects with LISTEN_FAILED; an unreachable broker is no reason not to start. */
  start(): Promise<{ readonly url: string }>
  /** Stops everything: nothing is left in the broker, what waits to be told gets one last attempt. Never rejects. */
  stop(): Promise<void>
}

/** Nothing is collected more often. */
const MIN_RULE_INTERVAL_MS = SECOND
/** Live after this many collection intervals without a cycle: then the loop is stuck. */
const LIVE_INTERVALS = 6
const STOP_NOTIFY_MS = 3 * SECOND
/** What `celeriac_series_dropped_total` calls the page of celery-exporter. */
const CELERY_EXPORTER_PAGE = 'celery-exporter'
/** Simulated queues on a broker that may hold others. */
const DEMO_QUEUE_PREFIX = 'demo.'

function readRuleFiles(paths: readonly string[], intervalMs: number): RuleGroup[] {
  return paths.flatMap(path => {
    let text: string
    try {
      text = readFileSync(path, 'utf8')
    } catch (error) {
      throw new CeleriacError(
        'FILE_UNREADABLE',
        `Cannot read the rule file ${path}: ${fileTrouble(error)}.`,
        {
          hint: 'Check --rules.',
          cause: error,
        },
      )
    }
    const groups = parseRuleFile(text, path, intervalMs)
    for (const group of groups)
      if (group.intervalMs < MIN_RULE_INTERVAL_MS)
        throw new CeleriacError(
          'RULES_INVALID',
          `${path}: group ${JSON.stringify(group.name)}: interval: expected at least ${formatDuration(MIN_RULE_INTERVAL_MS)}, got ${formatDuration(group.intervalMs)}.`,
        )
    return [...groups]
  })
}

/**
 * Joins all rooms into one program. Throws for a wrong configuration, before anything is opened: CONFIG_INVALID, BROKER_URL_INVALID,
 * RULES_INVALID, FILE_UNREADABLE.
 */
export async function build(options: AppOptions): Promise<App> {
  const { config, log, clock, version } = options
  const startedAtMs = clock.now()
  const files = loadStaticFiles(options.webFolder)
  const settings = catalogSettings(config)

  const store = createHead({ retentionMs: config.retentionMs, maxBytes: config.storeBytes })
  /** The collection that is being stored. */
  let collecting: { readonly gridMs: number; readonly done: Promise<void> } | undefined
  const queries = createQueries({
    source: store,
    emptyLabels: Labels.EMPTY,
    async stored(atMs) {
      if (collecting !== undefined && collecting.gridMs <= atMs) await collecting.done
    },
  })
  const registry = createMetrics()
  const changes = createChangeLog()

  const inProcess =
    options.simulate !== undefined && config.brokers.length === 0 ? new MemoryServer() : undefined
  const watched: { readonly broker: Broker; readonly fleet: Fleet; readonly entry?: BrokerConfig }[] =
    inProcess === undefined
      ? config.brokers.map(entry => ({
          broker: openBroker(entry, { clock, log }),
          fleet: openFleet(entry, config),
          entry,
        }))
      : [
          {
            broker: createMemoryBroker({ name: 'default', server: inProcess, clock, log }),
            fleet: openFleet({ name: 'default', queues: config.queues }, config),
          },
        ]
  const fleets = watched.map(({ fleet }) => fleet)
  const hostLoop = createHostLoop({ config, fleets, registry, clock, log })
  // From 0 on, so that the first gap is an increase too.
  for (const { broker } of fleets) registry.add(metrics.eventGapSeconds, { broker }, 0)
  const celeryExporter = createCeleryExporterPage({
    options: config.celeryExporter,
    brokers: fleets.map(({ broker }) => broker),
    dropped: () => registry.add(metrics.seriesDropped, { metric: CELERY_EXPORTER_PAGE }),
  })
  /** Everybody who counts or tells what happened. */
  const happened = (broker: string, found: readonly FleetChange[]): void => {
    registry.record(broker, found)
    celeryExporter.record(broker, found)
    changes.fleet(broker, found)
  }

  let externalUrl = config.externalUrl
  const groups: readonly RuleGroup[] = [
    ...ruleGroups({
      ...settings,
      // As often as there is something new: a fleet just found has its ratios at the second collection, not a rule interval later.
      recordingIntervalMs: Math.min(settings.intervalMs, COLLECT_INTERVAL_MS),
      externalUrl: config.externalUrl ?? localUrl(config.listen),
    }),
    ...readRuleFiles(config.ruleFiles, config.evaluationIntervalMs),
  ]
  const sight = createSight({
    fleets,
    groups,
    isHostLost: series => hostLoop.host.isLost(series),
    nowMs: () => clock.now(),
  })
  const rules = createRules({
    groups,
    query: (expr, atMs) => queries.vector(expr, atMs),
    write: (producer, atMs, samples) => store.appendCycle(producer, atMs, samples),
    seenSince: sight.seenSince,
    externalURL: config.externalUrl ?? localUrl(config.listen),
    stopwatchMs: () => performance.now(),
  })

  const ruleHealth = createRuleHealth(groups, registry, log)

  const receivers = createReceivers(config.receivers, () => clock.now())
  const notifier = createNotifier({
    receivers,
    clock,
    log,
    // However short the interval: time for an answer and another attempt (Alertmanager's notify.MinTimeout).
    deadlineMs: Math.max(config.groupIntervalMs, 10 * SECOND),
    onResult: (notification, record) => alerting.delivered(notification, record),
    onAttempt({ receiver, channel, result }) {
      if (result.ok) registry.add(metrics.notifications, { receiver, channel })
      else registry.add(metrics.notificationsFailed, { receiver, channel, reason: result.reason })
    },
  })
  const dispatcher = createDispatcher({
    receivers: notifier.receivers,
    groupWaitMs: config.groupWaitMs,
    groupIntervalMs: config.groupIntervalMs,
    repeatIntervalMs: config.repeatIntervalMs,
    externalURL: () => link(''),
  })
  const link = (path: string): string => `${(externalUrl ?? '').replace(/\/+$/, '')}${path}`
  const unitOf = unitsOf(settings.alerts)
  const alerting = createAlerting({
    clock,
    log,
    dispatcher,
    notifier: () => notifier,
    generatorURL: ({ rule, labels }) => link(`/${alertLink(rule.alert, labels.toJSON())}`),
    valueText(alert) {
      const unit = unitOf(alert)
      return unit === null ? undefined : wordValue(alert.value, unit)
    },
  })

  const watches = watched.map(({ broker, fleet, entry }) =>
    createWatch({
      broker,
      fleet,
      clock,
      log,
      readIntervalMs: COLLECT_INTERVAL_MS,
      inspectIntervalMs: config.inspectIntervalMs,
      ...(entry === undefined ? {} : { otherPlaces: placesOfOthers(entry, config) }),
      enableEvents: entry?.enableEvents ?? false,
      managementUrl: entry?.managementUrl !== undefined,
      sink: {
        decoded({ messages, events, problems, changes: found }) {
          const labels = { broker: broker.name }
          if (messages > 0) registry.add(metrics.eventMessages, labels, messages)
          if (events > 0) registry.add(metrics.eventsTotal, labels, events)
          for (const { reason } of problems) registry.add(metrics.eventsSkipped, { ...labels, reason })
          happened(broker.name, found)
        },
        dropped: count => registry.add(metrics.eventsDropped, { broker: broker.name }, count),
        state(state) {
          if (state.state === 'connected') registry.add(metrics.brokerConnects, { broker: broker.name })
          else sight.lost(broker.name)
          changes.broker(broker.name, state)
        },
        gapEnded({ reason, fromMs, toMs }) {
          sight.lost(broker.name, 'events')
          registry.add(metrics.eventGaps, { broker: broker.name, reason })
          registry.add(metrics.eventGapSeconds, { broker: broker.name }, Math.max(0, toMs - fromMs) / SECOND)
        },
        controlKeys: readings => setControlKeys(registry, broker.name, readings),
      },
    }),
  )

  let collectedAtMs: number | null = null
  const cycleListeners = new Set<() => void>()
  const lag = createLoopLag()

  /** Brings fleets and our gauges up to date, so that a scrape tells the present. */
  const refresh = (atMs: number): void => {
    for (const watch of watches) watch.advance(atMs)
    for (const { broker, fleet } of watched)
      registry.collectFleet(fleet, { connected: broker.state.state === 'connected' }, atMs)
  }

  /** The same for the page of celery-exporter. */
  const refreshCeleryExporter = (atMs: number): void => {
    for (const watch of watches) watch.advance(atMs)
    for (const { broker, fleet } of watched)
      celeryExporter.collect(fleet, broker.state.state === 'connected', atMs)
  }

  const collect = (gridMs: number): Promise<void> => {
    const done = collectAt(gridMs).finally(() => (collecting = undefined))
    // Whoever waits for it only wants it over; a failure is told by the sampler.
    collecting = { gridMs, done: done.catch(() => {}) }
    return done
  }

  const collectAt = async (gridMs: number): Promise<void> => {
    refreshCeleryExporter(clock.now())
    await breathe()
    refresh(clock.now())
    const seen = sight.look()
    collectSelf(
      registry,
      { version, fleets, store, groups: rules.status(), loopLagSeconds: lag.readSeconds() },
      clock.now(),
    )
    const cycle = store.beginCycle('collect', gridMs)
    for (const piece of registry.cycle()) {
      cycle.add(piece)
      await breathe()
    }
    cycle.end()
    seen(gridMs)
    collectedAtMs = gridMs
    for (const listener of cycleListeners) listener()
  }

  const isLive = (): boolean =>
    clock.now() - (collectedAtMs ?? startedAtMs) < LIVE_INTERVALS * COLLECT_INTERVAL_MS
  const brokerStates = (): Parameters<typeof buildHealth>[0]['brokers'] => watched.map(({ broker }) => broker)
  const health = (): ReturnType<typeof buildHealth> =>
    buildHealth({ nowMs: clock.now(), brokers: brokerStates(), fleets })

  const findings = (): Finding[] => {
    const nowMs = clock.now()
    return watches.flatMap(watch => watch.findings(nowMs)).filter(({ level }) => level !== 'ok')
  }

  const ports: HttpPorts = {
    goAhead,
    expose(format) {
      refresh(clock.now())
      return registry.expose(format)
    },
    celeryExporter: {
      expose(format) {
        refreshCeleryExporter(clock.now())
        return celeryExporter.expose(format)
      },
      health: () =>
        celeryExporterHealth(
          watched.map(({ broker }) => broker),
          isLive(),
        ),
    },
    compat: config.compat,
    negotiate(accept) {
      const format = negotiateFormat(accept)
      return { format, contentType: CONTENT_TYPES[format] }
    },
    overview: () =>
      buildOverview({
        version,
        simulated: options.simulate !== undefined,
        startedAtMs,
        nowMs: clock.now(),
        collectedAtMs,
        collectIntervalMs: COLLECT_INTERVAL_MS,
        brokers: brokerStates(),
        fleets,
        hostSource: broker => hostLoop.host.source(broker),
        rules: rules.status(),
        alerts: settings.alerts,
        query: (expr, atMs) => queries.vector(expr, atMs),
        queryRange: async (expr, startMs, endMs, stepMs) =>
          (await queries.range(expr, startMs, endMs, stepMs)).result,
        changes: [...changes.rows()],
        findings: findings(),
      }),
    findings: () => ({ nowMs: clock.now(), findings: findings() }),
    onCycle(listener) {
      cycleListeners.add(listener)
      return () => cycleListeners.delete(listener)
    },
    queryInstant: (expr, atMs, given) => queries.instant(expr, atMs, given),
    queryRange: (expr, { startMs, endMs, stepMs }, given) =>
      queries.range(expr, startMs, endMs, stepMs, given),
    rules: () => promRules(rules.status()),
    alerts: () => promAlerts(rules.status()),
    health: {
      celery: () => health().celery,
      broker: () => health().broker,
      queue: () => health().queue,
      live() {
        const ok = isLive()
        return {
          ok,
          body: { status: ok ? 'healthy' : 'unhealthy', ...(ok ? {} : { reason: 'collection_stuck' }) },
        }
      },
      ready() {
        const { broker } = health()
        if (collectedAtMs === null)
          return { ok: false, body: { status: 'unhealthy', reason: 'not_collected_yet' } }
        return { ok: broker.ok, body: broker.body }
      },
    },
    nowMs: () => clock.now(),
    buildInfo: { version, revision: '', branch: '', buildUser: '', buildDate: '', goVersion: '' },
  }

  const simulated = options.simulate === undefined ? undefined : simulate(options.simulate.seed)

  function simulate(seed: number): SimulatedFleet {
    const entry = config.brokers[0]
    return createSimulatedFleet({
      link:
        inProcess !== undefined || entry === undefined
          ? createMemoryLink({ server: inProcess ?? new MemoryServer(), log })
          : createFleetLink({
              url: entry.url.reveal(),
              transportOptions: entry.transportOptions,
              ...(entry.tls === undefined ? {} : { tls: entry.tls }),
              clock,
              log,
            }),
      clock,
      random: seededRandom(seed),
      profile: demoProfile(inProcess === undefined ? { queuePrefix: DEMO_QUEUE_PREFIX } : {}),
      log,
      onIncident: (incident, phase) =>
        log.info(phase === 'began' ? describeIncident(incident) : 'The simulated incident is over.', {
          incident: incident.kind,
        }),
    })
  }

  const publisher =
    config.cloudwatch === undefined
      ? undefined
      : await openPublisher(config.cloudwatch, {
          alerts: settings.alerts,
          clock,
          log,
          registry,
          collectedAtMs: () => collectedAtMs,
          vector: (expr, atMs) => queries.vector(expr, atMs),
        })

  let server: HttpServer | undefined
  const loops: { stop(): void | Promise<void> }[] = []

  return {
    async start() {
      server = await listen(config.listen, { ports, files, basePath: basePath(config.externalUrl), log })
      externalUrl ??= server.url
      await simulated?.start()
      for (const watch of watches) watch.start()
      hostLoop.start()
      loops.push(hostLoop)
      loops.push(
        createSampler(clock, COLLECT_INTERVAL_MS, collect, error =>
          log.error('A collection failed.', { error: errorText(error) }),
        ),
      )
      loops.push(
        createRuleLoop({
          rules,
          clock,
          log,
          evaluated(group, evaluation) {
            ruleHealth.evaluated(group, evaluation)
            changes.alerts(ruleGroupId(group), evaluation.alerts)
            alerting.receive(evaluation.alerts)
          },
          missed: (group, slots) => ruleHealth.missed(group, slots),
        }),
      )
      if (publisher !== undefined) {
        publisher.start()
        loops.push(publisher)
      }
      return { url: server.url }
    },
    async stop() {
      for (const loop of loops) await loop.stop()
      alerting.stop()
      lag.stop()
      await simulated?.stop()
      await Promise.all(watches.map(watch => watch.stop()))
      await Promise.all([notifier.stop(Math.min(STOP_NOTIFY_MS, MINUTE)), server?.close()])
    },
  }
}

/** Where links lead when nobody said how people reach us. */
const localUrl = ({ host, port }: Config['listen']): string =>
  `http://${host === '0.0.0.0' ? 'localhost' : host}:${port}`

/** The path people reach us under, with a slash at both ends. */
const basePath = (externalUrl: string | undefined): string =>
  externalUrl === undefined ? '/' : `${new URL(externalUrl).pathname.replace(/\/+$/, '')}/`
