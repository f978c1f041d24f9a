import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, createLog, systemClock } from '../app/index.ts'
import type { AppOptions } from '../app/index.ts'
import { CeleriacError } from '../base/index.ts'
import { type Config, type Flags, loadConfig } from '../config/index.ts'
import type { World } from './command.ts'
import { packageFolder, readVersion } from './version.ts'

/** The configuration of a command, from its flags and the world. */
export const configOf = (flags: Flags, world: World): Promise<Config> =>
  loadConfig(flags, world.env, world.folder, path => readFileSync(path, 'utf8'))

/** Throws USAGE when there is no broker to watch. */
export function requireBroker(config: Config, hint: string): void {
  if (config.brokers.length === 0) throw new CeleriacError('USAGE', 'No broker is configured.', { hint })
}

/** The log a configuration asks for: for people on a terminal, JSON for machines. */
export function logOf(config: Config, world: World): ReturnType<typeof createLog> {
  const terminal = 'isTTY' in world.stderr && world.stderr.isTTY === true
  return createLog({
    level: config.logLevel,
    format: config.logFormat ?? (terminal ? 'pretty' : 'json'),
    stream: world.stderr,
  })
}

/** Builds and runs the program until it is asked to end; prints the one URL. */
export async function serve(
  config: Config,
  world: World,
  more: Pick<AppOptions, 'simulate'> = {},
): Promise<void> {
  const log = logOf(config, world)
  for (const warning of config.warnings) log.warn(warning)
  const app = await build({
    config,
    log,
    clock: systemClock,
    version: readVersion(),
    webFolder: join(packageFolder(), 'dist', 'web'),
    ...more,
  })
  const { url } = await app.start()
  world.stdout.write(`${url}\n`)
  const signal = await world.untilStopped()
  log.info('Stopping.', { signal })
  await app.stop()
}
