import { Command, InvalidArgumentError, Option } from 'commander'
import { addBrokerFlags, addOwnServeFlags, flagsOf, type World } from './command.ts'
import { configOf, serve } from './serve.ts'

function seed(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff)
    throw new InvalidArgumentError('expected a whole number from 0 to 4294967295')
  return value
}

/** `celeriac demo`: the same on a simulated fleet; no broker needed. */
export function demoCommand(world: World): Command {
  const command = new Command('demo').description('watch a simulated fleet; needs no broker')
  addOwnServeFlags(addBrokerFlags(command))
    .addOption(new Option('--seed <number>', 'the same number gives the same fleet').argParser(seed))
    .addHelpText(
      'after',
      '\nExamples:\n  celeriac demo\n  celeriac demo --broker redis://localhost:6379/9   (the simulated fleet talks over this Redis)',
    )
    .action(async () => {
      const flags = flagsOf(command)
      // Only a broker named for the demo itself: CELERY_BROKER_URL in the environment means a real fleet, and no demo may write to it.
      const {
        CELERY_BROKER_URL: _real,
        CELERIAC_BROKER: _watched,
        CELERIAC_BROKER_FILE: _file,
        CE_BROKER_URL: _exporter,
        ...env
      } = world.env
      const config = await configOf(flags, { ...world, env })
      const named = flags.broker === undefined ? [] : config.brokers.slice(0, 1)
      await serve({ ...config, brokers: named }, world, {
        simulate: { seed: command.opts<{ seed?: number }>().seed ?? 1 },
      })
    })
  return command
}
