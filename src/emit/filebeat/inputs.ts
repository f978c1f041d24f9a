/**
 * Which logs are read and what becomes of a line (Filebeat 9: autodiscover, input filestream, parsers container, multiline and
 * ndjson). The guide's `container` input is gone since 9.0 (guide-flaw 79).
 */
import { EXAMPLE_API, EXAMPLE_WORKER } from '../example.ts'
import { NAME, NAME_LABEL } from '../names.ts'

/**
 * A line that goes on with what stands above it: an indented one, an empty one, and the last of a Python traceback, which names the
 * exception by its module or by how such names end. `Traceback (most recent call last):` itself begins.
 */
export const CONTINUES = [
  String.raw`^\s`,
  '^$',
  String.raw`^[A-Za-z_]\w*(\.\w+)+(:|$)`,
  String.raw`^[A-Za-z_]\w*(Error|Exception|Warning|Exit|Exceeded|Lost|Interrupt|Retry|Reject|Ignore)(:|\(|$)`,
  '^(During handling of the above exception|The above exception was the direct cause)',
].join('|')

/** Autodiscover writes labels with their dots replaced (`labels.dedot`, on by default). */
const LABEL = `kubernetes.labels.${NAME_LABEL.replaceAll('.', '_')}`

/** Where the lines of the example stand before they become ECS: their `event` is a text, and that of ECS an object. */
export const RAW = 'reports'

/** structlog's names and those of ECS, and what of ours belongs into `labels` (ECS, "labels": custom key/value pairs). */
export const RENAMED = [
  [`${RAW}.event`, 'message'],
  [`${RAW}.level`, 'log.level'],
  [`${RAW}.logger`, 'log.logger'],
  [`${RAW}.exception`, 'error.stack_trace'],
  [`${RAW}.correlation_id`, 'labels.correlation_id'],
  [`${RAW}.task_id`, 'labels.task_id'],
  [`${RAW}.task`, 'labels.task'],
] as const

const filestream = (ndjson: Readonly<Record<string, unknown>>, processors: readonly unknown[]) => ({
  type: 'filestream',
  id: 'container-${data.kubernetes.container.id}',
  paths: ['/var/log/containers/*-${data.kubernetes.container.id}.log'],
  // A file is known by its first bytes, in which the runtime's clock stands to the nanosecond; by default it would be read only
  // once it has a kilobyte.
  prospector: { scanner: { symlinks: true, fingerprint: { enabled: true, length: 64 } } },
  file_identity: { fingerprint: null },
  parsers: [
    { container: { stream: 'all', format: 'auto' } },
    {
      multiline: {
        type: 'pattern',
        pattern: CONTINUES,
        negate: false,
        match: 'after',
        max_lines: 500,
        timeout: '5s',
      },
    },
    { ndjson },
  ],
  processors,
})

/** Lines of Celeriac are ECS already: their fields are those of the event. */
const celeriacInput = filestream(
  { target: '', overwrite_keys: true, expand_keys: true, add_error_key: true, ignore_decoding_error: true },
  [{ add_fields: { target: 'event', fields: { dataset: NAME } } }],
)

/** Lines of the example: JSON of structlog, and tracebacks of what fails before logging is set up. */
const exampleInput = filestream(
  {
    target: RAW,
    overwrite_keys: false,
    expand_keys: false,
    add_error_key: true,
    ignore_decoding_error: true,
  },
  [
    { drop_fields: { fields: ['message'], ignore_missing: true, when: { has_fields: [`${RAW}.event`] } } },
    {
      rename: {
        fields: RENAMED.map(([from, to]) => ({ from, to })),
        ignore_missing: true,
        fail_on_error: false,
      },
    },
    {
      timestamp: {
        field: `${RAW}.timestamp`,
        layouts: ['2006-01-02T15:04:05.999999Z'],
        test: ['2026-01-02T03:04:05.678901Z', '2026-01-02T03:04:05Z'],
        ignore_missing: true,
        ignore_failure: true,
      },
    },
    { drop_fields: { fields: [`${RAW}.timestamp`], ignore_missing: true } },
    {
      copy_fields: {
        fields: [{ from: LABEL, to: 'service.name' }],
        ignore_missing: true,
        fail_on_error: false,
      },
    },
    { add_fields: { target: 'event', fields: { dataset: RAW } } },
  ],
)

const is = (name: string) => ({ equals: { [LABEL]: name } })

/** What autodiscover starts for which pods: the API and the workers of the example, and Celeriac (guide-flaw 83). */
export const templates = [
  { condition: is(NAME), config: [celeriacInput] },
  { condition: { or: [is(EXAMPLE_API), is(EXAMPLE_WORKER)] }, config: [exampleInput] },
]
