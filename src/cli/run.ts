import { Command } from 'commander'
import { nearest } from '../base/index.ts'
import { celeryExporterCommand, speaksCeleryExporter } from './celery-exporter.ts'
import { checkCommand } from './check.ts'
import { explain, type World } from './command.ts'
import { demoCommand } from './demo.ts'
import { emitCommand } from './emit.ts'
import { rulesCommand } from './rules.ts'
import { startCommand } from './start.ts'
import { readVersion } from './version.ts'

/** Runs one command line and returns the exit code: 0 ok, 1 found something wrong, 2 used wrongly. Never throws. */
export async function run(args: readonly string[], world: World): Promise<number> {
  const program = new Command('celeriac')
    .description('Watches Celery: collects, stores, evaluates, alerts, notifies and shows, in one process.')
    .version(readVersion())
    .addHelpText(
      'after',
      '\nExamples:\n  celeriac --broker redis://localhost:6379/0\n  celeriac demo\n  celeriac check --broker redis://localhost:6379/0',
    )
    .showSuggestionAfterError()
  const commands = [
    speaksCeleryExporter(args, world.env) ? celeryExporterCommand(world) : startCommand(world),
    demoCommand(world),
    checkCommand(world),
    emitCommand(world),
    rulesCommand(world),
  ]
  for (const command of commands) program.addCommand(command, { isDefault: command.name() === 'start' })
  const quiet = (command: Command): void => {
    command.exitOverride()
    // Errors come back as exceptions and are printed once, on one line; help goes where it was asked for.
    command.configureOutput({
      writeOut: text => world.stdout.write(text),
      writeErr: text => world.stderr.write(text),
      outputError() {},
    })
    for (const child of command.commands) quiet(child)
  }
  quiet(program)
  const word = args[0]
  if (
    word !== undefined &&
    !word.startsWith('-') &&
    word !== 'help' &&
    !commands.some(command => command.name() === word)
  ) {
    const names = commands.map(command => command.name())
    const meant = nearest(word, names)
    world.stderr.write(
      `celeriac: unknown command ${JSON.stringify(word)}${meant === undefined ? '' : `; did you mean ${meant}?`} There are: ${names.join(', ')}.\n`,
    )
    return 2
  }
  try {
    await program.parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    const named = commands.find(command => command.name() === args[0])
    const { text, exitCode } = explain(error, named === undefined ? 'celeriac' : `celeriac ${named.name()}`)
    world.stderr.write(text)
    return exitCode
  }
}
