import { z } from 'zod'
import { CeleriacError, errorText, redactUrl, type Secret, SECOND } from '../base/index.ts'
import {
  type Check,
  checkAlertmanagers,
  checkDashboards,
  checkRoutes,
  checkRules,
  checkScrapes,
  type ExpectedDashboard,
  type ExpectedRule,
  type LoadedRule,
  readRouting,
  type ScrapeTarget,
} from '../doctor/index.ts'
import { parse as parseYaml } from 'yaml'

/** A server that is asked, and what it wants to see first. */
export interface DoctorPlace {
  /** With or without a path; credentials in it are sent as Basic authentication and never printed. */
  readonly url: string
  /** Sent as `Authorization: Bearer`. */
  readonly token?: Secret
}

export interface DoctorOptions {
  readonly prometheus?: DoctorPlace
  readonly alertmanager?: DoctorPlace
  readonly grafana?: DoctorPlace
  readonly rules: readonly ExpectedRule[]
  readonly dashboards: readonly ExpectedDashboard[]
  /** The job under which Celeriac is scraped. */
  readonly job: string
}

export interface DoctorReport {
  /** False when anything is wrong or missing. */
  readonly ok: boolean
  readonly places: readonly {
    readonly kind: 'prometheus' | 'alertmanager' | 'grafana'
    /** Redacted. */
    readonly address: string
    /** What keeps it from being asked; null when it answered. */
    readonly error: string | null
    readonly checks: readonly Check[]
  }[]
}

const ANSWER_TIMEOUT_MS = 15 * SECOND
const MAX_ANSWER_BYTES = 64 * 1024 * 1024
const MAX_DASHBOARDS = 5000

/** Asks the servers that were named what they have loaded, and holds it against what they should have. Rejects only on faults of our own. */
export async function examine(options: DoctorOptions): Promise<DoctorReport> {
  const { prometheus, alertmanager, grafana } = options
  const external =
    prometheus === undefined || alertmanager === undefined ? {} : await externalLabels(prometheus)
  const places = await Promise.all([
    ...(prometheus === undefined
      ? []
      : [ask('prometheus', prometheus, get => examinePrometheus(get, options))]),
    ...(alertmanager === undefined
      ? []
      : [ask('alertmanager', alertmanager, get => examineAlertmanager(get, options, external))]),
    ...(grafana === undefined
      ? []
      : [ask('grafana', grafana, get => examineGrafana(get, options.dashboards))]),
  ])
  return {
    ok: places.every(
      ({ error, checks }) =>
        error === null && checks.every(({ level }) => level === 'ok' || level === 'info'),
    ),
    places,
  }
}

type Get = (path: string) => Promise<unknown>
type Place = DoctorReport['places'][number]

async function ask(
  kind: Place['kind'],
  place: DoctorPlace,
  of: (get: Get) => Promise<readonly Check[]>,
): Promise<Place> {
  const address = redactUrl(place.url)
  try {
    return { kind, address, error: null, checks: await of(getter(kind, place)) }
  } catch (error) {
    return {
      kind,
      address,
      error: error instanceof CeleriacError ? error.line : withoutCredentials(errorText(error)),
      checks: [],
    }
  }
}

/** GET of JSON. Throws QUERY_FAILED that says what answered, without any secret. */
function getter(kind: Place['kind'], { url, token }: DoctorPlace): Get {
  const base = new URL(url)
  const headers: Record<string, string> = { accept: 'application/json' }
  if (base.username !== '' || base.password !== '') {
    const pair = `${decodeURIComponent(base.username)}:${decodeURIComponent(base.password)}`
    headers['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`
    base.username = ''
    base.password = ''
  }
  if (token !== undefined) headers['authorization'] = `Bearer ${token.reveal()}`
  const prefix = `${base.origin}${base.pathname.replace(/\/+$/, '')}`
  const failed = (message: string, hint?: string): CeleriacError =>
    new CeleriacError('QUERY_FAILED', message, hint === undefined ? {} : { hint })
  return async path => {
    let response: Response
    try {
      response = await fetch(prefix + path, {
        headers,
        redirect: 'error',
        signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      })
    } catch (error) {
      throw failed(
        `Nothing answers at ${redactUrl(prefix)}: ${reasonOf(error)}.`,
        'Check the address; redirects are not followed.',
      )
    }
    if (response.status === 401 || response.status === 403)
      throw failed(
        `${redactUrl(prefix)} refuses us (${response.status}).`,
        `Give a token: CELERIAC_${kind.toUpperCase()}_TOKEN, or CELERIAC_${kind.toUpperCase()}_TOKEN_FILE.`,
      )
    const text = await readBounded(response)
    if (!response.ok)
      throw failed(
        `${redactUrl(prefix)}${path.split('?')[0]} answered ${response.status}.`,
        `Is it ${kind === 'alertmanager' ? 'an' : 'a'} ${kind}?`,
      )
    try {
      return JSON.parse(text)
    } catch {
      throw failed(
        `${redactUrl(prefix)}${path.split('?')[0]} answered something that is not JSON.`,
        `Is it ${kind === 'alertmanager' ? 'an' : 'a'} ${kind}?`,
      )
    }
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError')
    return `no answer within ${ANSWER_TIMEOUT_MS / SECOND} s`
  const cause = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
  return code ?? withoutCredentials(errorText(cause ?? error))
}

async function readBounded(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > MAX_ANSWER_BYTES)
      throw new CeleriacError('QUERY_LIMIT', `An answer is larger than ${MAX_ANSWER_BYTES} bytes.`)
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

/** Texts of servers may quote addresses. */
const withoutCredentials = (text: string): string =>
  text.replaceAll(/[a-z][a-z0-9+.-]*:\/\/[^\s"'<>]+/gi, url => redactUrl(url))

const strings = z.record(z.string(), z.string())

/** Prometheus wraps every answer in `data`. */
const data = <T extends z.ZodType>(schema: T) => z.looseObject({ data: schema })

const rulesAnswer = data(
  z.looseObject({
    groups: z.array(
      z.looseObject({
        name: z.string(),
        file: z.string().default(''),
        rules: z.array(
          z.looseObject({
            type: z.enum(['alerting', 'recording']),
            name: z.string(),
            query: z.string(),
            duration: z.number().default(0),
            labels: strings.default({}),
            health: z.string().default('unknown'),
            lastError: z.string().default(''),
          }),
        ),
      }),
    ),
  }),
)

const targetsAnswer = data(
  z.looseObject({
    activeTargets: z.array(
      z.looseObject({
        labels: strings,
        scrapeUrl: z.string(),
        health: z.string(),
        lastError: z.string().default(''),
      }),
    ),
    droppedTargets: z.array(z.looseObject({ discoveredLabels: strings })).nullish(),
  }),
)
const alertmanagersAnswer = data(
  z.looseObject({
    activeAlertmanagers: z.array(z.looseObject({ url: z.string() })).nullish(),
    droppedAlertmanagers: z.array(z.unknown()).nullish(),
  }),
)
const queryAnswer = data(z.looseObject({ result: z.array(z.looseObject({ metric: strings })) }))
const configAnswer = data(z.looseObject({ yaml: z.string() }))
const statusAnswer = z.looseObject({ config: z.looseObject({ original: z.string() }) })
const searchAnswer = z.array(
  z.looseObject({ uid: z.string(), title: z.string(), folderTitle: z.string().optional() }),
)

function understood<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new CeleriacError('QUERY_FAILED', `The answer to ${what} has another form than expected.`, {
    hint: 'Is it the right kind of server?',
  })
}

const MILLISECONDS = 1000

async function examinePrometheus(get: Get, { rules, job }: DoctorOptions): Promise<readonly Check[]> {
  const query = async (expr: string): Promise<readonly Readonly<Record<string, string>>[]> =>
    understood(
      queryAnswer,
      await get(`/api/v1/query?query=${encodeURIComponent(expr)}`),
      'a query',
    ).data.result.map(({ metric }) => metric)
  const [loaded, targets, alertmanagers, builds, renamed] = await Promise.all([
    get('/api/v1/rules').then(answer => understood(rulesAnswer, answer, '/api/v1/rules').data),
    get('/api/v1/targets').then(answer => understood(targetsAnswer, answer, '/api/v1/targets').data),
    get('/api/v1/alertmanagers').then(
      answer => understood(alertmanagersAnswer, answer, '/api/v1/alertmanagers').data,
    ),
    query('celeriac_build_info'),
    query('group by (job) ({__name__=~"container_(cpu|memory)_usage_percent", exported_container!=""})'),
  ])
  const loadedRules = loaded.groups.flatMap(group =>
    group.rules.map((rule): LoadedRule => ({
      kind: rule.type === 'alerting' ? 'alert' : 'record',
      name: rule.name,
      query: rule.query,
      forMs: rule.duration * MILLISECONDS,
      labels: rule.labels,
      health: rule.health === 'ok' || rule.health === 'err' ? rule.health : 'unknown',
      lastError: withoutCredentials(rule.lastError),
      place: `${group.file}; ${group.name}`,
    })),
  )
  const active = targets.activeTargets.map((target): ScrapeTarget => ({
    labels: target.labels,
    url: redactUrl(target.scrapeUrl),
    health: target.health === 'up' || target.health === 'down' ? target.health : 'unknown',
    lastError: withoutCredentials(target.lastError),
  }))
  return [
    ...checkScrapes(
      {
        active,
        dropped: (targets.droppedTargets ?? []).map(({ discoveredLabels }) => discoveredLabels),
        builds,
        renamedLabels: renamed.length > 0 ? ['container'] : [],
      },
      job,
    ),
    ...checkRules(rules, loadedRules),
    ...checkAlertmanagers(
      (alertmanagers.activeAlertmanagers ?? []).map(({ url }) => redactUrl(url)),
      (alertmanagers.droppedAlertmanagers ?? []).length,
    ),
  ]
}

/** Labels that a Prometheus adds to its alerts; none when it does not say. */
async function externalLabels(place: DoctorPlace): Promise<Readonly<Record<string, string>>> {
  try {
    const answer = understood(
      configAnswer,
      await getter('prometheus', place)('/api/v1/status/config'),
      'its configuration',
    )
    const config: unknown = parseYaml(answer.data.yaml, { logLevel: 'silent' })
    const parsed = z
      .looseObject({ global: z.looseObject({ external_labels: z.record(z.string(), z.coerce.string()) }) })
      .safeParse(config)
    return parsed.success ? parsed.data.global.external_labels : {}
  } catch (error) {
    // Told where Prometheus itself is asked.
    if (error instanceof CeleriacError) return {}
    throw error
  }
}

async function examineAlertmanager(
  get: Get,
  { rules }: DoctorOptions,
  external: Readonly<Record<string, string>>,
): Promise<readonly Check[]> {
  const { config } = understood(statusAnswer, await get('/api/v2/status'), '/api/v2/status')
  const alerts = rules.filter(({ kind }) => kind === 'alert')
  return checkRoutes(readRouting(config.original), alerts, external)
}

async function examineGrafana(get: Get, dashboards: readonly ExpectedDashboard[]): Promise<readonly Check[]> {
  const found = understood(
    searchAnswer,
    await get(`/api/search?type=dash-db&limit=${MAX_DASHBOARDS}`),
    '/api/search',
  )
  return checkDashboards(
    dashboards,
    found.map(({ uid, title, folderTitle }) => ({ uid, title, folder: folderTitle ?? '' })),
  )
}
