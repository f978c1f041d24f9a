import type { AlarmView } from '../artefacts/cloudwatch.ts'
import type { LintRule } from '../contract.ts'

const ALARM = (more: string): string => `aws cloudwatch put-metric-alarm \\
  --alarm-name celery-no-workers \\
  --namespace Celery --metric-name WorkerCount \\
  --statistic Minimum --period 60 --evaluation-periods 3 \\
  --threshold 1 --comparison-operator LessThanThreshold \\${more}
  --alarm-actions "$TOPIC" --ok-actions "$TOPIC"
`

export const alarmMissingData: LintRule = {
  name: 'alarm-missing-data',
  severity: 'warning',
  title: 'A CloudWatch alarm that does not say what missing data means',
  why: 'The default is `missing`: when the publisher dies the alarm goes to INSUFFICIENT_DATA, for which most alarms have no action, and nobody hears. Say `breaching` where silence is bad news (workers, heartbeats), `notBreaching` where it is none (counts of failures), `ignore` to stay as it is.',
  bad: [{ path: 'alarms.sh', text: ALARM('') }],
  good: [{ path: 'alarms.sh', text: ALARM('\n  --treat-missing-data breaching \\') }],
  sources: [
    'https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html#alarms-and-missing-data',
  ],
  check({ alarms }, report) {
    for (const alarm of alarms) {
      if (alarm.composite || alarm.treatMissingData !== undefined) continue
      const treatment = treatmentOf(alarm)
      report({
        at: alarm.place,
        message: `alarm ${alarm.name} leaves missing data to the default, which tells nobody`,
        fix: alarm.form === 'cli' ? `--treat-missing-data ${treatment}` : `TreatMissingData: ${treatment}`,
      })
    }
  },
}

/** Too little of something is often nothing at all; too much of something is not. */
const treatmentOf = ({ comparison }: AlarmView): string =>
  comparison?.startsWith('Less') === true ? 'breaching' : 'notBreaching'
