/**
 * A judge of filebeat.yml: what the settings that we use may hold (Filebeat 9 reference: autodiscover, filestream and its parsers,
 * processors, Elasticsearch output), unknown keys refused. Filebeat itself is in no package registry.
 */
import { z } from 'zod'

const parser = z.union([
  z.strictObject({
    container: z
      .strictObject({
        stream: z.enum(['all', 'stdout', 'stderr']),
        format: z.enum(['auto', 'cri', 'docker', 'json-file']),
      })
      .partial()
      .nullable(),
  }),
  z.strictObject({
    multiline: z.strictObject({
      type: z.literal('pattern'),
      pattern: z.string().min(1),
      negate: z.boolean(),
      match: z.enum(['after', 'before']),
      max_lines: z.int().positive().optional(),
      timeout: z
        .string()
        .regex(/^\d+s$/)
        .optional(),
      flush_pattern: z.string().optional(),
      skip_newline: z.boolean().optional(),
    }),
  }),
  z.strictObject({
    ndjson: z.strictObject({
      target: z.string(),
      overwrite_keys: z.boolean().optional(),
      expand_keys: z.boolean().optional(),
      add_error_key: z.boolean().optional(),
      message_key: z.string().optional(),
      document_id: z.string().optional(),
      ignore_decoding_error: z.boolean().optional(),
    }),
  }),
])

const leaf = z.union([
  z.strictObject({ equals: z.record(z.string(), z.string()) }),
  z.strictObject({ has_fields: z.array(z.string()) }),
])
const condition = z.union([leaf, z.strictObject({ or: z.array(leaf) })])

const fromTo = z.array(z.strictObject({ from: z.string(), to: z.string() })).min(1)
const careful = { ignore_missing: z.boolean().optional(), fail_on_error: z.boolean().optional() }

const processor = z.union([
  z.strictObject({ add_host_metadata: z.strictObject({}).nullable() }),
  z.strictObject({
    add_fields: z.strictObject({ target: z.string(), fields: z.record(z.string(), z.string()) }),
  }),
  z.strictObject({
    drop_fields: z.strictObject({
      fields: z.array(z.string()).min(1),
      ignore_missing: z.boolean().optional(),
      when: condition.optional(),
    }),
  }),
  z.strictObject({ rename: z.strictObject({ fields: fromTo, ...careful }) }),
  z.strictObject({ copy_fields: z.strictObject({ fields: fromTo, ...careful }) }),
  z.strictObject({
    timestamp: z.strictObject({
      field: z.string(),
      layouts: z.array(z.string()).min(1),
      test: z.array(z.string()).optional(),
      timezone: z.string().optional(),
      ignore_missing: z.boolean().optional(),
      ignore_failure: z.boolean().optional(),
    }),
  }),
])

const filestream = z.strictObject({
  type: z.literal('filestream'),
  id: z.string().min(1),
  enabled: z.boolean().optional(),
  paths: z.array(z.string()).min(1),
  prospector: z
    .strictObject({
      scanner: z.strictObject({
        symlinks: z.boolean().optional(),
        fingerprint: z
          .strictObject({
            enabled: z.boolean(),
            offset: z.int().min(0).optional(),
            length: z.int().min(64).optional(),
          })
          .optional(),
      }),
    })
    .optional(),
  file_identity: z
    .union([z.strictObject({ fingerprint: z.null() }), z.strictObject({ native: z.null() })])
    .optional(),
  parsers: z.array(parser).optional(),
  processors: z.array(processor).optional(),
})

/** `https` in so many words: a host without a scheme is asked over plain HTTP. */
const httpsHost = z
  .string()
  .regex(/^(https:\/\/|\$\{[A-Z_]+:https:\/\/)/, 'expected an address that begins with https://')

const filebeat = z.strictObject({
  filebeat: z.strictObject({
    autodiscover: z
      .strictObject({
        providers: z.array(
          z.strictObject({
            type: z.literal('kubernetes'),
            node: z.string(),
            templates: z.array(z.strictObject({ condition, config: z.array(filestream).min(1) })).min(1),
          }),
        ),
      })
      .optional(),
    inputs: z.array(filestream).optional(),
  }),
  processors: z.array(processor).optional(),
  output: z.strictObject({
    elasticsearch: z.strictObject({
      hosts: z.array(httpsHost).min(1),
      api_key: z.string().optional(),
      username: z.string().optional(),
      password: z.string().optional(),
      ssl: z
        .strictObject({
          certificate_authorities: z.array(z.string()).optional(),
          verification_mode: z.enum(['full', 'strict', 'certificate']).optional(),
        })
        .optional(),
    }),
  }),
  logging: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warning', 'error']),
      to_stderr: z.boolean(),
      metrics: z.strictObject({ enabled: z.boolean() }),
    })
    .optional(),
})

export type FilebeatConfig = z.output<typeof filebeat>

/** The configuration, checked. Throws a ZodError that says where something is wrong. */
export const checkFilebeat = (config: unknown): FilebeatConfig => filebeat.parse(config)

/** Where something is wrong, and what; empty when nothing is. */
export const filebeatProblems = (config: unknown): readonly string[] => {
  const { error } = filebeat.safeParse(config)
  return error === undefined ? [] : error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
}
