import { existsSync, readFileSync, statSync } from 'node:fs'
import { extname, isAbsolute, join, resolve } from 'node:path'
import { createJiti } from 'jiti'
import { isNode, LineCounter, parseDocument } from 'yaml'
import { CeleriacError, errorText } from '../base/index.ts'
import { describeIssue, pathText } from './problems.ts'
import { resolveReferences, type Surroundings } from './references.ts'
import { type FileConfig, type FileInput, fileSchema } from './schema.ts'

/** Looked for in the working directory, in this order. */
export const CONFIG_NAMES = [
  'celeriac.config.ts',
  'celeriac.config.js',
  'celeriac.config.mjs',
  'celeriac.config.yaml',
  'celeriac.config.yml',
  'celeriac.config.json',
]

/** Gives a TypeScript configuration its types; returns what it is given. */
export const defineConfig = (config: FileInput): FileInput => config

/** The path of the configuration file to use: the one named, else the first that exists, else none. */
export function findConfigFile(named: string | undefined, folder: string): string | undefined {
  if (named !== undefined) return isAbsolute(named) ? named : resolve(folder, named)
  return CONFIG_NAMES.map(name => join(folder, name)).find(existsSync)
}

/** Reads and checks a configuration file. Throws FILE_UNREADABLE, or CONFIG_INVALID with file and, for YAML and JSON, line. */
export async function readConfigFile(path: string, world: Surroundings): Promise<FileConfig> {
  if (!existsSync(path)) {
    throw new CeleriacError('FILE_UNREADABLE', `The configuration file ${path} does not exist.`, {
      hint: 'Check the path given with --config or CELERIAC_CONFIG.',
    })
  }
  if (statSync(path).isDirectory()) {
    throw new CeleriacError('FILE_UNREADABLE', `The configuration file ${path} is a folder.`, {
      hint: `Name a file in it, such as ${join(path, 'celeriac.config.yaml')}.`,
    })
  }
  const extension = extname(path)
  if (['.yaml', '.yml', '.json'].includes(extension))
    return checkText(readFileSync(path, 'utf8'), path, world)
  if (['.ts', '.mts', '.js', '.mjs'].includes(extension))
    return check(await loadModule(path), path, () => '', world)
  throw new CeleriacError(
    'CONFIG_INVALID',
    `${path}: unknown kind of configuration file ${JSON.stringify(extension)}.`,
    { hint: 'Use .ts, .js, .yaml or .json.' },
  )
}

/** A parser's message may come on several lines. */
const oneLine = (text: string): string => text.replace(/\s+/g, ' ').replace(/[.\s]+$/, '')

async function loadModule(path: string): Promise<unknown> {
  try {
    return await createJiti(import.meta.url, { interopDefault: true }).import(path, { default: true })
  } catch (error) {
    throw new CeleriacError('CONFIG_INVALID', `${path}: ${oneLine(errorText(error))}.`, {
      hint: 'The file is run, and must export its configuration as default.',
      cause: error,
    })
  }
}

function checkText(text: string, path: string, world: Surroundings): FileConfig {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const broken = document.errors[0]
  if (broken !== undefined) {
    const { line, col } = lines.linePos(broken.pos[0])
    throw new CeleriacError('CONFIG_INVALID', `${path}:${line}:${col}: ${broken.message}`)
  }
  const lineOf = (keys: readonly PropertyKey[]): string => {
    for (let depth = keys.length; depth > 0; depth--) {
      const node: unknown = document.getIn(keys.slice(0, depth), true)
      if (isNode(node) && node.range) return `${lines.linePos(node.range[0]).line}:`
    }
    return ''
  }
  return check(document.toJS() ?? {}, path, lineOf, world)
}

function check(
  value: unknown,
  path: string,
  lineOf: (keys: readonly PropertyKey[]) => string,
  world: Surroundings,
): FileConfig {
  const resolved = resolveReferences(value, world, keys => `${path}:${lineOf(keys)} ${pathText(keys)}`)
  const parsed = fileSchema.safeParse(resolved)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(issue => {
    const keys = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path
    return `${path}:${lineOf(keys)} ${describeIssue(issue, fileSchema)}`
  })
  throw new CeleriacError('CONFIG_INVALID', problems.join('\n'))
}
