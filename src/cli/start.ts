import { Command } from 'commander'
import { CeleriacError } from '../base/index.ts'
import { addBrokerFlags, addServeFlags, flagsOf, type World } from './command.ts'
import { configOf, serve } from './serve.ts'

/** `celeriac` or `celeriac start`: watch the brokers configured. */
export function startCommand(world: World): Command {
  const command = new Command('start').description('watch a fleet (the default command)')
  addServeFlags(addBrokerFlags(command))
    .addHelpText(
      'after',
      '\nExample:\n  celeriac start --broker redis://localhost:6379/0 --queues reports,default\n\nEnvironment: CELERIAC_BROKER or CELERY_BROKER_URL, CELERIAC_SLACK_WEBHOOK_URL, CELERIAC_WEBHOOK_URL, …',
    )
    .action(async () => {
      const config = await configOf(flagsOf(command), world)
      if (config.brokers.length === 0) {
        throw new CeleriacError('USAGE', 'No broker is configured.', {
          hint: 'Give --broker redis://HOST:6379/0, set CELERIAC_BROKER or CELERY_BROKER_URL, or try: celeriac demo',
        })
      }
      await serve(config, world)
    })
  return command
}
