import type { LintRule } from '../contract.ts'

const ALARM = (more: string): string => `Resources:
  NoWorkers:
    Type: AWS::CloudWatch::Alarm
    Properties:
      Namespace: Celery
      MetricName: WorkerCount
      Statistic: Minimum
      Period: 60
      EvaluationPeriods: 3
      Threshold: 1
      ComparisonOperator: LessThanThreshold
      TreatMissingData: breaching
      AlarmActions: [!Ref Topic]${more}
  Topic:
    Type: AWS::SNS::Topic
`

export const alarmWithoutRecovery: LintRule = {
  name: 'alarm-without-recovery',
  severity: 'info',
  title: 'A CloudWatch alarm that tells when it begins and not when it ends',
  why: 'Without an OK action nobody learns that it is over, and a second alarm within the hour looks like the first.',
  bad: [{ path: 'alarms.yaml', text: ALARM('') }],
  good: [{ path: 'alarms.yaml', text: ALARM('\n      OKActions: [!Ref Topic]') }],
  check({ alarms }, report) {
    for (const { name, place, form, alarmActions, okActions } of alarms) {
      if (alarmActions.length === 0 || okActions.length > 0) continue
      const isAutomation = alarmActions.every(({ place: at }) =>
        /automate|autoscaling|lambda/i.test(at.source.text.slice(at.start, at.end)),
      )
      if (isAutomation) continue
      report({
        at: place,
        message: `alarm ${name} has no action for OK`,
        fix:
          form === 'cli'
            ? '--ok-actions, with the ARNs of --alarm-actions'
            : 'OKActions, with the entries of AlarmActions',
      })
    }
  },
}
