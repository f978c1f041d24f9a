import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { speaksCeleryExporter } from './celery-exporter.ts'
import { run } from './run.ts'

test.each<[string[], Record<string, string>]>([
  [['--compat', 'celery-exporter'], {}],
  [['start', '--compat=celery-exporter'], {}],
  [['--broker-url', 'redis://h'], {}],
  [['--broker-url=redis://h', '--port', '1'], {}],
  [[], { CE_BROKER_URL: 'redis://h' }],
  [['--static-label', 'a=b'], { CE_BROKER_URL: 'redis://h' }],
  [['--host', '::'], { CELERIAC_COMPAT: 'celery-exporter' }],
])('%j with %j is written for celery-exporter', (args, env) => {
  expect(speaksCeleryExporter(args, env)).toBe(true)
})

test.each<[string[], Record<string, string>]>([
  [[], {}],
  [['--broker', 'redis://h'], {}],
  [['demo'], { CE_BROKER_URL: 'redis://h' }],
  [['check', '--broker-url', 'redis://h'], {}],
  [['-b', 'redis://h'], { CE_BROKER_URL: 'redis://h' }],
  [[], { CE_BROKER_URL: 'redis://h', CELERIAC_BROKER: 'redis://o' }],
  [[], { CE_BROKER_URL: 'redis://h', CELERIAC_COMPAT: 'none' }],
  [['--compat', 'none', '--broker', 'redis://h'], { CELERIAC_COMPAT: 'celery-exporter' }],
  [[], { CE_BROKER_URL: '' }],
])('%j with %j is not', (args, env) => {
  expect(speaksCeleryExporter(args, env)).toBe(false)
})

/** Runs a command line that fails, and what it says. */
async function refused(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  let text = ''
  const stderr = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      text += chunk
      done()
    },
  })
  const world = {
    env,
    folder: import.meta.dirname,
    stdout: stderr,
    stderr,
    untilStopped: () => Promise.resolve('SIGTERM' as const),
  }
  expect(await run(args, world)).toBe(2)
  return text
}

test.each<[string[], Record<string, string>, RegExp]>([
  [['--compat', 'celery-exporter'], {}, /No broker is configured\. Give --broker-url/],
  [['--compat', 'flower'], {}, /Allowed choices are celery-exporter, none/],
  [['--broker-url', 'redis://h', '--prot', '1'], {}, /unknown option '--prot' \(Did you mean --port\?\)/],
  [['--compat', 'celery-exporter', '--broker-url', 'kafka://h'], {}, /Supported: /],
  [
    ['--compat', 'celery-exporter', '--broker-url', 'redis://h', '--buckets', '2,1'],
    {},
    /buckets of run times.*ascending/,
  ],
  [
    ['--compat', 'celery-exporter', '--broker-url', 'redis://h', '--static-label', 'name=x'],
    {},
    /name is taken already/,
  ],
  [['--compat', 'celery-exporter'], { CE_BROKER_URL: 'redis://h', CE_METRIC_PREFIX: 'a-b' }, /metric prefix/],
])('used wrongly: %j with %j is refused with one line that says what to do', async (args, env, message) => {
  const text = await refused(args, env)
  expect(text).toMatch(message)
  expect(text.trimEnd().split('\n')).toHaveLength(1)
})
