/** How Celeriac itself is set up where it is deployed: its configuration without secrets, the secrets' names, its variables. */
import { Secret } from '../base/index.ts'
import { PORT } from './names.ts'
import type { EmitSettings } from './settings.ts'

/** A secret of the configuration: the name of its file, and where the configuration wants it. */
export interface SecretFile {
  readonly name: string
  readonly path: string
}

export interface ProgramConfig {
  /** What the configuration file holds; `{file: PATH}` stands for each secret. */
  readonly data: Readonly<Record<string, unknown>>
  readonly secrets: readonly SecretFile[]
}

/** The numeric user and group of the image: a name could not be checked by `runAsNonRoot`. */
export const USER_ID = 65532

/** Where things are in a container. */
export const CONTAINER = {
  config: '/etc/celeriac',
  secrets: '/run/secrets/celeriac',
  data: '/var/lib/celeriac',
} as const

export const CONFIG_FILE = 'celeriac.config.yaml'

/** The file that holds the URL of the only broker, or of the one called default. */
export const BROKER_URL = 'broker-url'

/**
 * The configuration of the settings with every secret replaced by a file of `folder`. Without any broker it has one, whose URL is a
 * secret: there is nothing to watch otherwise.
 */
export function programConfig({ program }: Pick<EmitSettings, 'program'>, folder: string): ProgramConfig {
  const secrets: SecretFile[] = []
  const brokers = program['brokers'] ?? [{ name: 'default', url: new Secret('') }]
  const walk = (value: unknown, path: readonly string[]): unknown => {
    if (value instanceof Secret) {
      const name = unused(secretName(path, brokers), secrets)
      secrets.push({ name, path: path.join('.') })
      return { file: `${folder}/${name}` }
    }
    if (Array.isArray(value))
      return value.map((each: unknown, i) => walk(each, [...path, entryName(each) ?? String(i)]))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, walk(each, [...path, key])]))
  }
  const data = walk({ ...program, brokers }, []) as Readonly<Record<string, unknown>>
  const { brokers: first, ...rest } = data
  return { data: { brokers: first, ...rest }, secrets }
}

const entryName = (value: unknown): string | undefined =>
  typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string'
    ? value.name
    : undefined

/** A file name, fit for the keys of a Kubernetes Secret and for systemd's credentials: `receivers.on-call.slack.webhookUrl`. */
function secretName(path: readonly string[], brokers: unknown): string {
  const [list, name, ...rest] = path
  if (list === 'brokers') {
    const only = Array.isArray(brokers) && brokers.length === 1
    const of = only || name === 'default' ? '' : `-${name ?? ''}`
    return safe(
      rest.join('.') === 'url'
        ? `${BROKER_URL}${of}`
        : ['broker', ...(only ? [] : [name]), ...rest].join('.'),
    )
  }
  return safe(path.filter((part, i) => !(i === 0 && part === 'notify')).join('.'))
}

const safe = (text: string): string => text.replace(/[^A-Za-z0-9._-]+/g, '-')

/** Names that would be one after unsafe characters went are numbered. */
function unused(name: string, taken: readonly SecretFile[]): string {
  let free = name
  for (let i = 2; taken.some(each => each.name === free); i++) free = `${name}-${i}`
  return free
}

/** Variables of the process in a container: what is the same whatever is watched. */
export const containerVariables = ({
  dataFolder,
}: Pick<EmitSettings, 'dataFolder'>): Readonly<Record<string, string>> => ({
  CELERIAC_CONFIG: `${CONTAINER.config}/${CONFIG_FILE}`,
  CELERIAC_LISTEN: `0.0.0.0:${PORT}`,
  CELERIAC_LOG_FORMAT: 'json',
  ...(dataFolder === undefined ? {} : { [dataFolder]: CONTAINER.data }),
})
