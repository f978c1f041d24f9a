import { nearest } from '../../base/index.ts'
import type { LintRule } from '../contract.ts'

const SCRIPT = (topic: string): string => `aws sns create-topic --name celery-alerts
aws cloudwatch put-metric-alarm \\
  --alarm-name celery-no-workers --namespace Celery --metric-name WorkerCount \\
  --statistic Minimum --period 60 --evaluation-periods 3 --threshold 1 \\
  --comparison-operator LessThanThreshold --treat-missing-data breaching \\
  --alarm-actions arn:aws:sns:us-east-1:123456789012:${topic} \\
  --ok-actions arn:aws:sns:us-east-1:123456789012:${topic}
`

export const topicNotCreated: LintRule = {
  name: 'topic-not-created',
  severity: 'error',
  title: 'An alarm that tells a topic which the files do not create, though they create others',
  why: 'CloudWatch takes an ARN of a topic that does not exist. The alarm goes red, the action fails, and nobody is told; with a topic of its own for critical alarms it is just those.',
  bad: [{ path: 'alarms.sh', text: SCRIPT('celery-critical') }],
  good: [{ path: 'alarms.sh', text: SCRIPT('celery-alerts') }],
  check({ alarms, topics }, report) {
    if (topics.length === 0) return
    const names = topics.map(({ name }) => name)
    const told = new Set<string>()
    for (const alarm of alarms) {
      for (const { topic, place } of [...alarm.alarmActions, ...alarm.okActions]) {
        if (topic === undefined || names.includes(topic) || told.has(`${alarm.name} ${topic}`)) continue
        told.add(`${alarm.name} ${topic}`)
        report({
          at: place,
          message: `alarm ${alarm.name} tells topic ${topic}; the files create ${names.join(', ')} only`,
          fix:
            alarm.form === 'cli'
              ? `aws sns create-topic --name ${topic}`
              : (nearest(topic, names) ?? `${topic}: { Type: AWS::SNS::Topic }`),
        })
      }
    }
  },
}
