import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Argument, Command, Option } from 'commander'
import { catalogSettings } from '../app/index.ts'
import { CeleriacError, fileTrouble } from '../base/index.ts'
import { CLOUDWATCH_NAMESPACE } from '../catalog/index.ts'
import { type Config, configFile, egressPorts, VARIABLES } from '../config/index.ts'
import {
  type EmitSettings,
  emitOptions,
  emitSettings,
  type EmittedFile,
  optionFlag,
  readOptions,
  type Target,
  targets,
} from '../emit/index.ts'
import { collect, flagsOf, type World } from './command.ts'
import { configOf } from './serve.ts'
import { readVersion } from './version.ts'

const EXECUTABLE = 0o755

/** The variable of the data directory: what is deployed gets a volume for it once the program knows it. */
const DATA_FOLDER = 'CELERIAC_DATA_DIR'

/** Writes files below a folder, making folders as needed. Throws FILE_UNWRITABLE with the path. */
function writeFiles(files: readonly EmittedFile[], folder: string): void {
  for (const { path, content, executable } of files) {
    const file = join(folder, path)
    try {
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, content)
      if (executable) chmodSync(file, EXECUTABLE)
    } catch (error) {
      throw new CeleriacError('FILE_UNWRITABLE', `Cannot write ${file}: ${fileTrouble(error)}.`, {
        hint: 'Choose another folder with -o.',
        cause: error,
      })
    }
  }
}

/** What everything is emitted with under a configuration, before options. */
export const configSettings = (config: Config): Partial<EmitSettings> => ({
  ...catalogSettings(config),
  scrape: scrapeAddress(config.listen),
  version: readVersion(),
  program: configFile(config),
  egressPorts: egressPorts(config),
  dataFolder: DATA_FOLDER in VARIABLES ? DATA_FOLDER : undefined,
  cloudwatchNamespace: config.cloudwatch?.namespace ?? CLOUDWATCH_NAMESPACE,
  groupWaitMs: config.groupWaitMs,
  groupIntervalMs: config.groupIntervalMs,
  repeatIntervalMs: config.repeatIntervalMs,
})

/** Where somebody on the same host reaches what listens there: not at "all addresses", and not at "any port". */
function scrapeAddress({ host, port }: Config['listen']): string {
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `${reached.includes(':') ? `[${reached}]` : reached}:${port === 0 ? 9808 : port}`
}

const targetList = (): string => {
  const width = Math.max(...targets.map(({ name }) => name.length)) + 2
  return targets.map(({ name, description }) => `  ${name.padEnd(width)}${description}`).join('\n')
}

const optionList = (): string => {
  const width = Math.max(...targets.map(({ name }) => name.length)) + 2
  return targets
    .map(({ name, uses }) => `  ${name.padEnd(width)}${uses.map(optionFlag).join(' ') || 'none'}`)
    .join('\n')
}

/** `celeriac emit <target>`: the catalog as files for other engines. */
export function emitCommand(world: World): Command {
  const command = new Command('emit')
    .description('write the same monitoring as files for other engines')
    .addArgument(new Argument('<target>', 'what to emit; see below').choices(targets.map(({ name }) => name)))
    .option('-o, --output <folder>', 'write files below this folder instead of printing them')
  for (const option of Object.values(emitOptions)) {
    const added = new Option(option.flags, option.help)
    command.addOption('repeatable' in option ? added.argParser(collect) : added)
  }
  return command
    .addHelpText(
      'after',
      `\nTargets:\n${targetList()}\n\nOptions of each target:\n${optionList()}\n\nExamples:\n  celeriac emit prometheus -o /etc/prometheus/rules\n  celeriac emit prometheus > celery.rules.yml`,
    )
    .action(async (name: string) => {
      const target = targets.find(each => each.name === name)
      if (target === undefined) throw new CeleriacError('USAGE', `There is no target ${name}.`)
      const typed = readOptions(target, command.opts())
      const settings = emitSettings({
        ...configSettings(await configOf(flagsOf(command), world)),
        ...typed,
        command: `celeriac emit ${name}`,
      })
      hand(target, settings, command.opts<{ output?: string }>().output, world)
    })
}

/** Writes below a folder and names each file, or prints. */
function hand(target: Target, settings: EmitSettings, output: string | undefined, world: World): void {
  if (output === '') throw new CeleriacError('USAGE', '-o: expected a folder, got an empty text.')
  if (output === undefined) {
    world.stdout.write(target.print(settings))
    return
  }
  const files = target.files(settings)
  writeFiles(files, resolve(world.folder, output))
  for (const { path } of files) world.stdout.write(`${join(output, path)}\n`)
}
