import { Command, Option } from 'commander'
import { CeleriacError } from '../base/index.ts'
import { type CloudWatchPlan, cloudWatchPlan, emitSettings } from '../emit/index.ts'
import { type CloudChange, type CloudManager, type DesiredState, openCloudManager } from '../publish/index.ts'
import { collect, Exit, flagsOf, type World } from './command.ts'
import { configSettings } from './emit.ts'
import { configOf } from './serve.ts'

const SUBSCRIBE = /^(critical|warning|info)=(https:\/\/\S+|[^\s@=]+@[^\s@]+)$/

const OPERATIONS = {
  diff: {
    description: 'say what apply would change; exit 1 when there is anything',
    run: (manager: CloudManager, desired: DesiredState) => manager.diff(desired),
  },
  apply: {
    description:
      'make alarms, topics and dashboard what they should be; the second time there is nothing to do',
    run: (manager: CloudManager, desired: DesiredState) => manager.apply(desired),
  },
  delete: {
    description: 'take away what apply made of this configuration, topics with their subscriptions too',
    run: (manager: CloudManager, desired: DesiredState) => manager.remove(desired),
  },
} as const

/** `celeriac cloudwatch apply|diff|delete`: the alarms, topics and dashboard of `emit cloudwatch`, without a stack. */
export function cloudwatchCommand(world: World): Command {
  const group = new Command('cloudwatch').description(
    'manage alarms, topics and a dashboard in Amazon CloudWatch',
  )
  for (const [name, { description, run }] of Object.entries(OPERATIONS)) {
    const command = new Command(name)
      .description(description)
      .option('-c, --config <file>', 'configuration file: brokers, and the numbers of the alerts')
      .option('--region <region>', 'default: as the AWS SDK finds it')
      .option('--endpoint-url <url>', 'a server that stands in for AWS')
      .addOption(
        new Option(
          '--subscribe <severity=address>',
          'who is told: critical=you@example.com or warning=https://...; repeatable',
        ).argParser(collect),
      )
    group.addCommand(
      command.action(async () => {
        const typed = command.opts<{ region?: string; endpointUrl?: string; subscribe?: string[] }>()
        const config = await configOf(flagsOf(command), world)
        const settings = emitSettings(configSettings(config))
        const desired = desiredState(cloudWatchPlan(settings), typed.subscribe ?? [])
        const manager = await openCloudManager({
          region: typed.region ?? config.cloudwatch?.region,
          endpointUrl: typed.endpointUrl ?? config.cloudwatch?.endpointUrl,
        })
        try {
          const changes = await run(manager, desired)
          world.stdout.write(wordsOf(changes))
          if (name === 'diff' && changes.length > 0) throw new Exit(1)
        } finally {
          manager.close()
        }
      }),
    )
  }
  return group
}

/** Throws USAGE for a subscription that cannot be read, or that is of a severity which no alarm has. */
function desiredState(plan: CloudWatchPlan, subscribe: readonly string[]): DesiredState {
  const subscriptions = subscribe.map(text => {
    const [, severity, address = ''] = SUBSCRIBE.exec(text) ?? []
    const topic = plan.topics.find(each => each.severity === severity)
    if (topic === undefined)
      throw new CeleriacError(
        'USAGE',
        `--subscribe: expected one of ${plan.topics.map(each => each.severity).join(', ')}, =, and an address of mail or an https URL.`,
      )
    return { topic: topic.name, address }
  })
  const topicOf = (severity: string): string | undefined =>
    plan.topics.find(each => each.severity === severity)?.name
  return {
    topics: plan.topics.map(({ name }) => ({
      name,
      subscribers: subscriptions.flatMap(({ topic, address }) => (topic === name ? [address] : [])),
    })),
    alarms: plan.alarms.map(alarm => ({
      ...alarm,
      topic: alarm.tells ? topicOf(alarm.severity) : undefined,
    })),
    composites: plan.composites.map(({ name, description, of, telling, severity }) => ({
      name,
      description,
      rule: of.map(each => `ALARM("${each.name}")`).join(' OR '),
      suppressor:
        telling === undefined
          ? undefined
          : {
              name: telling.suppressor.name,
              waitSeconds: telling.waitSeconds,
              extensionSeconds: telling.extensionSeconds,
            },
      topic: telling === undefined ? undefined : topicOf(severity),
    })),
    dashboard: plan.dashboard,
  }
}

const wordsOf = (changes: readonly CloudChange[]): string =>
  changes.length === 0
    ? 'nothing to do\n'
    : changes
        .map(
          ({ kind, name, change, fields }) =>
            `${change} ${kind} ${name}${fields.length === 0 ? '' : ` (${fields.join(', ')})`}\n`,
        )
        .join('')
