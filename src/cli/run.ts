import { Command } from 'commander'
import { nearest } from '../base/index.ts'
import { baselineCommand } from './baseline.ts'
import { celeryExporterCommand, speaksCeleryExporter } from './celery-exporter.ts'
import { checkCommand } from './check.ts'
import { cloudwatchCommand } from './cloudwatch.ts'
import { explain, type World } from './command.ts'
import { demoCommand } from './demo.ts'
import { doctorCommand } from './doctor.ts'
import { emitCommand } from './emit.ts'
import { lintCommand } from './lint.ts'
import { rulesCommand } from './rules.ts'
import { startCommand } from './start.ts'
import { readVersion } from './version.ts'

/** What most people need of the flags of `start`, in this order; `--broker-url` and what follows are celery-exporter's. */
const MAIN_FLAGS: readonly string[] = [
  'broker',
  'brokerUrl',
  'queues',
  'enableEvents',
  'config',
  'listen',
  'host',
  'port',
  'externalUrl',
  'rules',
  'logLevel',
]

/** The main flags of the default command, as the help of the program shows them: nobody types its name. */
function mainFlags(start: Command): string {
  const help = start.createHelp()
  const rows = MAIN_FLAGS.flatMap(name => {
    const option = start.options.find(each => each.attributeName() === name)
    return option === undefined ? [] : [[help.optionTerm(option), help.optionDescription(option)] as const]
  })
  const width = Math.max(...rows.map(([term]) => term.length)) + 2
  return [
    'Main flags of start, the default command:',
    ...rows.map(([term, text]) => `  ${term.padEnd(width)}${text}`),
    'All of them: celeriac start --help',
  ].join('\n')
}

/** Runs one command line and returns the exit code: 0 ok, 1 found something wrong, 2 used wrongly. Never throws. */
export async function run(args: readonly string[], world: World): Promise<number> {
  const program = new Command('celeriac')
    .description('Watches Celery: collects, stores, evaluates, alerts, notifies and shows, in one process.')
    .version(readVersion())
    .showSuggestionAfterError()
  const start = speaksCeleryExporter(args, world.env) ? celeryExporterCommand(world) : startCommand(world)
  program.addHelpText(
    'after',
    `\n${mainFlags(start)}\n\nExamples:\n  celeriac --broker redis://localhost:6379/0\n  celeriac demo\n  celeriac check --broker redis://localhost:6379/0`,
  )
  const commands = [
    start,
    demoCommand(world),
    checkCommand(world),
    emitCommand(world),
    rulesCommand(world),
    lintCommand(world),
    doctorCommand(world),
    cloudwatchCommand(world),
    baselineCommand(world),
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
    const inner = named?.commands.find(command => command.name() === args[1])
    const words = ['celeriac', named?.name(), inner?.name()].filter(part => part !== undefined)
    const { text, exitCode } = explain(error, words.join(' '))
    world.stderr.write(text)
    return exitCode
  }
}
