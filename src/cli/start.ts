import { Command } from 'commander'
import { addBrokerFlags, addOwnServeFlags, flagsOf, type World } from './command.ts'
import { configOf, requireBroker, serve } from './serve.ts'

/** `celeriac` or `celeriac start`: watch the brokers configured. */
export function startCommand(world: World): Command {
  const command = new Command('start').description('watch a fleet (the default command)')
  addOwnServeFlags(addBrokerFlags(command))
    .addHelpText(
      'after',
      '\nExample:\n  celeriac start --broker redis://localhost:6379/0 --queues reports,default\n\nEnvironment: CELERIAC_BROKER or CELERY_BROKER_URL, CELERIAC_SLACK_WEBHOOK_URL, CELERIAC_WEBHOOK_URL, …',
    )
    .action(async () => {
      const config = await configOf(flagsOf(command), world)
      requireBroker(
        config,
        'Give --broker redis://HOST:6379/0 or amqp://HOST//, set CELERIAC_BROKER or CELERY_BROKER_URL, or try: celeriac demo',
      )
      await serve(config, world)
    })
  return command
}
