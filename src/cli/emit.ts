import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Argument, Command } from 'commander'
import { CeleriacError, errorText } from '../base/index.ts'
import { emitDocs, type EmittedFile, emitPrometheus, emitRuleFile } from '../emit/index.ts'
import { flagsOf, type World } from './command.ts'
import { configOf } from './serve.ts'
import { catalogSettings } from '../app/index.ts'

/** Writes files below a folder, making folders as needed. Throws FILE_UNWRITABLE with the path. */
export function writeFiles(files: readonly EmittedFile[], folder: string): void {
  for (const { path, content } of files) {
    const target = join(folder, path)
    try {
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, content)
    } catch (error) {
      throw new CeleriacError('FILE_UNWRITABLE', `Cannot write ${target}: ${errorText(error)}.`, {
        hint: 'Choose another folder with -o.',
        cause: error,
      })
    }
  }
}

/** `celeriac emit <target>`: the catalog as files for other engines. */
export function emitCommand(world: World): Command {
  const command = new Command('emit')
    .description('write the same monitoring as files for other engines')
    .addArgument(new Argument('<target>', 'what to emit').choices(['prometheus', 'docs']))
    .option('-o, --output <folder>', 'write files below this folder instead of printing them')
    .option('-c, --config <file>', 'configuration file: thresholds, durations and severities of the alerts')
    .addHelpText(
      'after',
      '\nExamples:\n  celeriac emit prometheus -o /etc/prometheus/rules\n  celeriac emit prometheus > celery.rules.yml',
    )
    .action(async (target: string) => {
      const config = await configOf(flagsOf(command), world)
      const settings = catalogSettings(config)
      const files = target === 'docs' ? emitDocs() : emitPrometheus(settings)
      const { output } = command.opts<{ output?: string }>()
      if (output === undefined) {
        // Rules print as the one file that a server can load; several files joined would be none.
        const printed = target === 'prometheus' ? [emitRuleFile(settings)] : files
        for (const { content } of printed) world.stdout.write(content)
        return
      }
      const folder = resolve(world.folder, output)
      writeFiles(files, folder)
      for (const { path } of files) world.stdout.write(`${join(output, path)}\n`)
    })
  return command
}
