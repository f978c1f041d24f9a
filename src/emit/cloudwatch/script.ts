/** The plan as commands of the AWS command line, for accounts in which stacks are not used. Running it again changes nothing. */
import { header } from '../header.ts'
import type { EmitSettings } from '../settings.ts'
import type { CloudWatchPlan, PlannedAlarm, PlannedComposite, PlannedTopic } from './plan.ts'
import { REGION_MARK, topicOf } from './template.ts'

export const SCRIPT_FILE = 'celeriac.sh'

/** A word of a shell, quoted unless it is plain. */
const word = (text: string | number): string => {
  const plain = String(text)
  return /^[A-Za-z0-9@%+=:,./_-]+$/.test(plain) ? plain : `'${plain.replaceAll("'", String.raw`'\''`)}'`
}

/** One command, an option a line. A value that begins with `"$` is a variable and stays as it is. */
const command = (operation: string, options: Readonly<Record<string, string | number | undefined>>): string =>
  [
    `aws ${operation}`,
    ...Object.entries(options).flatMap(([name, value]) =>
      value === undefined
        ? []
        : [`  --${name} ${typeof value === 'string' && value.startsWith('"$') ? value : word(value)}`],
    ),
  ].join(' \\\n')

const variable = ({ severity }: PlannedTopic): string => `${severity}_topic`

const createTopic = (topic: PlannedTopic): string => {
  const [upper, name] = [topic.severity.toUpperCase(), variable(topic)]
  return `${name}=$(aws sns create-topic --name ${topic.name} --query TopicArn --output text)
if [ -n "\${${upper}_EMAIL:-}" ]; then
  aws sns subscribe --topic-arn "$${name}" --protocol email --notification-endpoint "$${upper}_EMAIL" > /dev/null
fi
if [ -n "\${${upper}_URL:-}" ]; then
  aws sns subscribe --topic-arn "$${name}" --protocol https --notification-endpoint "$${upper}_URL" > /dev/null
fi`
}

function putAlarm(plan: CloudWatchPlan, alarm: PlannedAlarm): string {
  const told = alarm.tells ? `"$${variable(topicOf(plan, alarm))}"` : undefined
  return command('cloudwatch put-metric-alarm', {
    'alarm-name': alarm.name,
    'alarm-description': alarm.description,
    namespace: alarm.namespace,
    'metric-name': alarm.metric,
    // JSON: in the short form a comma in the name of a queue would end it.
    dimensions: JSON.stringify(alarm.dimensions.map(({ name, value }) => ({ Name: name, Value: value }))),
    statistic: alarm.statistic,
    period: alarm.periodSeconds,
    'evaluation-periods': alarm.evaluationPeriods,
    'datapoints-to-alarm': alarm.datapointsToAlarm,
    'comparison-operator': alarm.comparison,
    threshold: alarm.threshold,
    'treat-missing-data': alarm.treatMissingData,
    'alarm-actions': told,
    'ok-actions': told,
  })
}

function putComposite(plan: CloudWatchPlan, composite: PlannedComposite): string {
  const { telling } = composite
  const told = telling === undefined ? undefined : `"$${variable(topicOf(plan, composite))}"`
  return command('cloudwatch put-composite-alarm', {
    'alarm-name': composite.name,
    'alarm-description': composite.description,
    'alarm-rule': composite.of.map(({ name }) => `ALARM("${name}")`).join(' OR '),
    'actions-suppressor': telling?.suppressor.name,
    'actions-suppressor-wait-period': telling?.waitSeconds,
    'actions-suppressor-extension-period': telling?.extensionSeconds,
    'alarm-actions': told,
    'ok-actions': told,
  })
}

export function scriptFile(plan: CloudWatchPlan, settings: EmitSettings): string {
  const comment = header(
    settings,
    `Alarms, topics and a dashboard for what Celeriac publishes to CloudWatch, namespace ${plan.namespace}: what the template makes,\nwith the AWS command line. Run again it changes nothing that is as it should be.`,
    `CRITICAL_EMAIL=you@example.com WARNING_EMAIL=you@example.com ./${SCRIPT_FILE}`,
  )
  return `#!/bin/sh
${comment
  .split('\n')
  .map(line => `# ${line}`)
  .join('\n')}
set -eu

region=\${AWS_REGION:-\${AWS_DEFAULT_REGION:-$(aws configure get region)}}

# Topics, and who is told; an address of mail has to be confirmed once.
${plan.topics.map(createTopic).join('\n')}

# Alarms. Those without actions are told by the composite alarms below.
${plan.alarms.map(alarm => putAlarm(plan, alarm)).join('\n\n')}

# Composite alarms: one fault is told once.
${plan.composites.map(composite => putComposite(plan, composite)).join('\n\n')}

dashboard=$(sed "s/${REGION_MARK}/$region/g" <<'DASHBOARD'
${JSON.stringify(plan.dashboard.body(REGION_MARK), null, 1)}
DASHBOARD
)
${command('cloudwatch put-dashboard', { 'dashboard-name': plan.dashboard.name, 'dashboard-body': '"$dashboard"' })}
`
}
