import { CeleriacError } from '../base/index.ts'

/** What a configuration may be read from besides its own text. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly readFile: (path: string) => string
}

/**
 * A copy of a raw configuration in which every `{file: PATH}` and `{env: NAME}` is replaced by the text it stands for, so that a
 * secret need not be in the configuration itself. One line break at the end of a file does not count. `at` says where a path of
 * keys stands in the configuration. Throws FILE_UNREADABLE or CONFIG_INVALID, never with what was read.
 */
export function resolveReferences(
  value: unknown,
  world: Surroundings,
  at: (keys: readonly PropertyKey[]) => string,
  keys: readonly PropertyKey[] = [],
): unknown {
  if (Array.isArray(value)) return value.map((each, i) => resolveReferences(each, world, at, [...keys, i]))
  // Dates, functions and class instances of a configuration in TypeScript are its own business.
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value
  const entries = Object.entries(value as Readonly<Record<string, unknown>>)
  const [only] = entries
  if (keys.length > 0 && entries.length === 1 && only !== undefined && typeof only[1] === 'string') {
    if (only[0] === 'file') return readText(only[1], world, at(keys))
    if (only[0] === 'env') return readVariable(only[1], world, at(keys))
  }
  return Object.fromEntries(
    entries.map(([key, each]) => [key, resolveReferences(each, world, at, [...keys, key])]),
  )
}

function readText(path: string, { readFile }: Surroundings, at: string): string {
  try {
    return readFile(path).replace(/\r?\n$/, '')
  } catch (error) {
    throw new CeleriacError('FILE_UNREADABLE', `${at}: cannot read ${path}.`, {
      hint: 'Check the path and its permissions.',
      cause: error,
    })
  }
}

function readVariable(name: string, { env }: Surroundings, at: string): string {
  const text = env[name]
  if (text !== undefined && text !== '') return text
  throw new CeleriacError('CONFIG_INVALID', `${at}: the environment variable ${name} is not set.`)
}
