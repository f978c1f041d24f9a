#!/bin/sh
# Alarms, topics and a dashboard for what Celeriac publishes to CloudWatch, namespace Celeriac: what the template makes,
# with the AWS command line. Run again it changes nothing that is as it should be.
# Use it: CRITICAL_EMAIL=you@example.com WARNING_EMAIL=you@example.com ./celeriac.sh
# Made by `npm run emit` from the catalog of Celeriac. Do not edit: change the catalog or the config, then emit again.
set -eu

region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region)}}

# Topics, and who is told; an address of mail has to be confirmed once.
critical_topic=$(aws sns create-topic --name celeriac-critical --query TopicArn --output text)
if [ -n "${CRITICAL_EMAIL:-}" ]; then
  aws sns subscribe --topic-arn "$critical_topic" --protocol email --notification-endpoint "$CRITICAL_EMAIL" > /dev/null
fi
if [ -n "${CRITICAL_URL:-}" ]; then
  aws sns subscribe --topic-arn "$critical_topic" --protocol https --notification-endpoint "$CRITICAL_URL" > /dev/null
fi
warning_topic=$(aws sns create-topic --name celeriac-warning --query TopicArn --output text)
if [ -n "${WARNING_EMAIL:-}" ]; then
  aws sns subscribe --topic-arn "$warning_topic" --protocol email --notification-endpoint "$WARNING_EMAIL" > /dev/null
fi
if [ -n "${WARNING_URL:-}" ]; then
  aws sns subscribe --topic-arn "$warning_topic" --protocol https --notification-endpoint "$WARNING_URL" > /dev/null
fi

# Alarms. Those without actions are told by the composite alarms below.
aws cloudwatch put-metric-alarm \
  --alarm-name celeriac-celery-queue-depth-high-production \
  --alarm-description 'A queue is too deep: Maximum of QueueDepth of broker production over 100. Runbook: https://celeriac.example.com/runbooks/celery-queue-depth-high' \
  --namespace Celeriac \
  --metric-name QueueDepth \
  --dimensions '[{"Name":"Broker","Value":"production"}]' \
  --statistic Maximum \
  --period 60 \
  --evaluation-periods 5 \
  --datapoints-to-alarm 5 \
  --comparison-operator GreaterThanThreshold \
  --threshold 100 \
  --treat-missing-data ignore

aws cloudwatch put-metric-alarm \
  --alarm-name celeriac-celery-no-workers-production \
  --alarm-description 'No workers: Maximum of WorkerCount of broker production under 1. Also when nothing is published any more. Runbook: https://celeriac.example.com/runbooks/celery-no-workers' \
  --namespace Celeriac \
  --metric-name WorkerCount \
  --dimensions '[{"Name":"Broker","Value":"production"}]' \
  --statistic Maximum \
  --period 60 \
  --evaluation-periods 3 \
  --datapoints-to-alarm 2 \
  --comparison-operator LessThanThreshold \
  --threshold 1 \
  --treat-missing-data breaching

aws cloudwatch put-metric-alarm \
  --alarm-name celeriac-celery-low-redundancy-production \
  --alarm-description 'Too few workers for a failure: Maximum of WorkerCount of broker production under 2. Runbook: https://celeriac.example.com/runbooks/celery-low-redundancy' \
  --namespace Celeriac \
  --metric-name WorkerCount \
  --dimensions '[{"Name":"Broker","Value":"production"}]' \
  --statistic Maximum \
  --period 60 \
  --evaluation-periods 5 \
  --datapoints-to-alarm 5 \
  --comparison-operator LessThanThreshold \
  --threshold 2 \
  --treat-missing-data ignore

aws cloudwatch put-metric-alarm \
  --alarm-name celeriac-celery-workers-saturated-production \
  --alarm-description 'Workers are saturated: Average of WorkerBusyRatio of broker production over 90%. Runbook: https://celeriac.example.com/runbooks/celery-workers-saturated' \
  --namespace Celeriac \
  --metric-name WorkerBusyRatio \
  --dimensions '[{"Name":"Broker","Value":"production"}]' \
  --statistic Average \
  --period 300 \
  --evaluation-periods 1 \
  --datapoints-to-alarm 1 \
  --comparison-operator GreaterThanThreshold \
  --threshold 0.9 \
  --treat-missing-data ignore

aws cloudwatch put-metric-alarm \
  --alarm-name celeriac-celery-high-failure-rate-production \
  --alarm-description 'Many tasks fail: Maximum of TaskFailureRatio of broker production over 5%. Runbook: https://celeriac.example.com/runbooks/celery-high-failure-rate' \
  --namespace Celeriac \
  --metric-name TaskFailureRatio \
  --dimensions '[{"Name":"Broker","Value":"production"}]' \
  --statistic Maximum \
  --period 60 \
  --evaluation-periods 5 \
  --datapoints-to-alarm 5 \
  --comparison-operator GreaterThanThreshold \
  --threshold 0.05 \
  --treat-missing-data notBreaching

aws cloudwatch put-metric-alarm \
  --alarm-name celeriac-celery-slow-processing-production \
  --alarm-description 'A task is slow: Maximum of TaskRuntimeP95 of broker production over 1m. Runbook: https://celeriac.example.com/runbooks/celery-slow-processing' \
  --namespace Celeriac \
  --metric-name TaskRuntimeP95 \
  --dimensions '[{"Name":"Broker","Value":"production"}]' \
  --statistic Maximum \
  --period 60 \
  --evaluation-periods 10 \
  --datapoints-to-alarm 10 \
  --comparison-operator GreaterThanThreshold \
  --threshold 60 \
  --treat-missing-data notBreaching

aws cloudwatch put-metric-alarm \
  --alarm-name celeriac-redis-memory-high-production \
  --alarm-description 'Redis is running out of memory: Average of RedisMemoryRatio of broker production over 80%. Runbook: https://celeriac.example.com/runbooks/redis-memory-high' \
  --namespace Celeriac \
  --metric-name RedisMemoryRatio \
  --dimensions '[{"Name":"Broker","Value":"production"}]' \
  --statistic Average \
  --period 300 \
  --evaluation-periods 1 \
  --datapoints-to-alarm 1 \
  --comparison-operator GreaterThanThreshold \
  --threshold 0.8 \
  --treat-missing-data ignore

aws cloudwatch put-metric-alarm \
  --alarm-name celeriac-redis-connections-saturated-production \
  --alarm-description 'Redis is running out of connections: Maximum of RedisConnectionsRatio of broker production over 90%. Runbook: https://celeriac.example.com/runbooks/redis-connections-saturated' \
  --namespace Celeriac \
  --metric-name RedisConnectionsRatio \
  --dimensions '[{"Name":"Broker","Value":"production"}]' \
  --statistic Maximum \
  --period 300 \
  --evaluation-periods 1 \
  --datapoints-to-alarm 1 \
  --comparison-operator GreaterThanThreshold \
  --threshold 0.9 \
  --treat-missing-data ignore

aws cloudwatch put-metric-alarm \
  --alarm-name celeriac-celery-queue-wait-high-production \
  --alarm-description 'Tasks wait too long: Maximum of QueueWaitP95 of broker production over 30s. Runbook: https://celeriac.example.com/runbooks/celery-queue-wait-high' \
  --namespace Celeriac \
  --metric-name QueueWaitP95 \
  --dimensions '[{"Name":"Broker","Value":"production"}]' \
  --statistic Maximum \
  --period 60 \
  --evaluation-periods 5 \
  --datapoints-to-alarm 5 \
  --comparison-operator GreaterThanThreshold \
  --threshold 30 \
  --treat-missing-data notBreaching

aws cloudwatch put-metric-alarm \
  --alarm-name celeriac-celery-tasks-per-worker-high-production \
  --alarm-description 'Many tasks on each worker: Average of TasksPerWorker of broker production over 10. Runbook: https://celeriac.example.com/runbooks/celery-tasks-per-worker-high' \
  --namespace Celeriac \
  --metric-name TasksPerWorker \
  --dimensions '[{"Name":"Broker","Value":"production"}]' \
  --statistic Average \
  --period 300 \
  --evaluation-periods 2 \
  --datapoints-to-alarm 2 \
  --comparison-operator GreaterThanThreshold \
  --threshold 10 \
  --treat-missing-data ignore

aws cloudwatch put-metric-alarm \
  --alarm-name celeriac-celery-retries-high-production \
  --alarm-description 'A task retries too much: Maximum of RetriesPerTask of broker production over 2. Runbook: https://celeriac.example.com/runbooks/celery-retries-high' \
  --namespace Celeriac \
  --metric-name RetriesPerTask \
  --dimensions '[{"Name":"Broker","Value":"production"}]' \
  --statistic Maximum \
  --period 60 \
  --evaluation-periods 5 \
  --datapoints-to-alarm 5 \
  --comparison-operator GreaterThanThreshold \
  --threshold 2 \
  --treat-missing-data notBreaching

aws cloudwatch put-metric-alarm \
  --alarm-name celeriac-worker-cpu-high-production \
  --alarm-description 'A worker uses most of its CPU: Maximum of WorkerCpu of broker production over 80%. Runbook: https://celeriac.example.com/runbooks/worker-cpu-high' \
  --namespace Celeriac \
  --metric-name WorkerCpu \
  --dimensions '[{"Name":"Broker","Value":"production"}]' \
  --statistic Maximum \
  --period 60 \
  --evaluation-periods 5 \
  --datapoints-to-alarm 5 \
  --comparison-operator GreaterThanThreshold \
  --threshold 80 \
  --treat-missing-data ignore \
  --alarm-actions "$warning_topic" \
  --ok-actions "$warning_topic"

aws cloudwatch put-metric-alarm \
  --alarm-name celeriac-worker-memory-high-production \
  --alarm-description 'A worker is near its memory limit: Maximum of WorkerMemory of broker production over 85%. Runbook: https://celeriac.example.com/runbooks/worker-memory-high' \
  --namespace Celeriac \
  --metric-name WorkerMemory \
  --dimensions '[{"Name":"Broker","Value":"production"}]' \
  --statistic Maximum \
  --period 60 \
  --evaluation-periods 2 \
  --datapoints-to-alarm 2 \
  --comparison-operator GreaterThanThreshold \
  --threshold 85 \
  --treat-missing-data ignore \
  --alarm-actions "$warning_topic" \
  --ok-actions "$warning_topic"

aws cloudwatch put-metric-alarm \
  --alarm-name celeriac-celery-broker-down-production \
  --alarm-description 'The broker is lost: Maximum of BrokerUp of broker production under 1. Runbook: https://celeriac.example.com/runbooks/celery-broker-down' \
  --namespace Celeriac \
  --metric-name BrokerUp \
  --dimensions '[{"Name":"Broker","Value":"production"}]' \
  --statistic Maximum \
  --period 60 \
  --evaluation-periods 3 \
  --datapoints-to-alarm 2 \
  --comparison-operator LessThanThreshold \
  --threshold 1 \
  --treat-missing-data ignore \
  --alarm-actions "$critical_topic" \
  --ok-actions "$critical_topic"

# Composite alarms: one fault is told once.
aws cloudwatch put-composite-alarm \
  --alarm-name celeriac-mute-1-production \
  --alarm-description 'On while one of celeriac-celery-no-workers-production, celeriac-celery-broker-down-production is: mutes what follows from them, and tells nobody.' \
  --alarm-rule 'ALARM("celeriac-celery-no-workers-production") OR ALARM("celeriac-celery-broker-down-production")'

aws cloudwatch put-composite-alarm \
  --alarm-name celeriac-celery-queue-depth-high-production-told \
  --alarm-description 'Tells of celeriac-celery-queue-depth-high-production, except while celeriac-mute-1-production is on. A queue is too deep: Maximum of QueueDepth of broker production over 100. Runbook: https://celeriac.example.com/runbooks/celery-queue-depth-high' \
  --alarm-rule 'ALARM("celeriac-celery-queue-depth-high-production")' \
  --actions-suppressor celeriac-mute-1-production \
  --actions-suppressor-wait-period 180 \
  --actions-suppressor-extension-period 120 \
  --alarm-actions "$warning_topic" \
  --ok-actions "$warning_topic"

aws cloudwatch put-composite-alarm \
  --alarm-name celeriac-celery-no-workers-production-told \
  --alarm-description 'Tells of celeriac-celery-no-workers-production, except while celeriac-celery-broker-down-production is on. No workers: Maximum of WorkerCount of broker production under 1. Also when nothing is published any more. Runbook: https://celeriac.example.com/runbooks/celery-no-workers' \
  --alarm-rule 'ALARM("celeriac-celery-no-workers-production")' \
  --actions-suppressor celeriac-celery-broker-down-production \
  --actions-suppressor-wait-period 180 \
  --actions-suppressor-extension-period 120 \
  --alarm-actions "$critical_topic" \
  --ok-actions "$critical_topic"

aws cloudwatch put-composite-alarm \
  --alarm-name celeriac-celery-low-redundancy-production-told \
  --alarm-description 'Tells of celeriac-celery-low-redundancy-production, except while celeriac-mute-1-production is on. Too few workers for a failure: Maximum of WorkerCount of broker production under 2. Runbook: https://celeriac.example.com/runbooks/celery-low-redundancy' \
  --alarm-rule 'ALARM("celeriac-celery-low-redundancy-production")' \
  --actions-suppressor celeriac-mute-1-production \
  --actions-suppressor-wait-period 180 \
  --actions-suppressor-extension-period 120 \
  --alarm-actions "$warning_topic" \
  --ok-actions "$warning_topic"

aws cloudwatch put-composite-alarm \
  --alarm-name celeriac-celery-workers-saturated-production-told \
  --alarm-description 'Tells of celeriac-celery-workers-saturated-production, except while celeriac-mute-1-production is on. Workers are saturated: Average of WorkerBusyRatio of broker production over 90%. Runbook: https://celeriac.example.com/runbooks/celery-workers-saturated' \
  --alarm-rule 'ALARM("celeriac-celery-workers-saturated-production")' \
  --actions-suppressor celeriac-mute-1-production \
  --actions-suppressor-wait-period 180 \
  --actions-suppressor-extension-period 120 \
  --alarm-actions "$warning_topic" \
  --ok-actions "$warning_topic"

aws cloudwatch put-composite-alarm \
  --alarm-name celeriac-celery-high-failure-rate-production-told \
  --alarm-description 'Tells of celeriac-celery-high-failure-rate-production, except while celeriac-celery-broker-down-production is on. Many tasks fail: Maximum of TaskFailureRatio of broker production over 5%. Runbook: https://celeriac.example.com/runbooks/celery-high-failure-rate' \
  --alarm-rule 'ALARM("celeriac-celery-high-failure-rate-production")' \
  --actions-suppressor celeriac-celery-broker-down-production \
  --actions-suppressor-wait-period 180 \
  --actions-suppressor-extension-period 120 \
  --alarm-actions "$critical_topic" \
  --ok-actions "$critical_topic"

aws cloudwatch put-composite-alarm \
  --alarm-name celeriac-celery-slow-processing-production-told \
  --alarm-description 'Tells of celeriac-celery-slow-processing-production, except while celeriac-celery-broker-down-production is on. A task is slow: Maximum of TaskRuntimeP95 of broker production over 1m. Runbook: https://celeriac.example.com/runbooks/celery-slow-processing' \
  --alarm-rule 'ALARM("celeriac-celery-slow-processing-production")' \
  --actions-suppressor celeriac-celery-broker-down-production \
  --actions-suppressor-wait-period 180 \
  --actions-suppressor-extension-period 120 \
  --alarm-actions "$warning_topic" \
  --ok-actions "$warning_topic"

aws cloudwatch put-composite-alarm \
  --alarm-name celeriac-redis-memory-high-production-told \
  --alarm-description 'Tells of celeriac-redis-memory-high-production, except while celeriac-celery-broker-down-production is on. Redis is running out of memory: Average of RedisMemoryRatio of broker production over 80%. Runbook: https://celeriac.example.com/runbooks/redis-memory-high' \
  --alarm-rule 'ALARM("celeriac-redis-memory-high-production")' \
  --actions-suppressor celeriac-celery-broker-down-production \
  --actions-suppressor-wait-period 180 \
  --actions-suppressor-extension-period 120 \
  --alarm-actions "$warning_topic" \
  --ok-actions "$warning_topic"

aws cloudwatch put-composite-alarm \
  --alarm-name celeriac-redis-connections-saturated-production-told \
  --alarm-description 'Tells of celeriac-redis-connections-saturated-production, except while celeriac-celery-broker-down-production is on. Redis is running out of connections: Maximum of RedisConnectionsRatio of broker production over 90%. Runbook: https://celeriac.example.com/runbooks/redis-connections-saturated' \
  --alarm-rule 'ALARM("celeriac-redis-connections-saturated-production")' \
  --actions-suppressor celeriac-celery-broker-down-production \
  --actions-suppressor-wait-period 180 \
  --actions-suppressor-extension-period 120 \
  --alarm-actions "$critical_topic" \
  --ok-actions "$critical_topic"

aws cloudwatch put-composite-alarm \
  --alarm-name celeriac-celery-queue-wait-high-production-told \
  --alarm-description 'Tells of celeriac-celery-queue-wait-high-production, except while celeriac-mute-1-production is on. Tasks wait too long: Maximum of QueueWaitP95 of broker production over 30s. Runbook: https://celeriac.example.com/runbooks/celery-queue-wait-high' \
  --alarm-rule 'ALARM("celeriac-celery-queue-wait-high-production")' \
  --actions-suppressor celeriac-mute-1-production \
  --actions-suppressor-wait-period 180 \
  --actions-suppressor-extension-period 120 \
  --alarm-actions "$warning_topic" \
  --ok-actions "$warning_topic"

aws cloudwatch put-composite-alarm \
  --alarm-name celeriac-celery-tasks-per-worker-high-production-told \
  --alarm-description 'Tells of celeriac-celery-tasks-per-worker-high-production, except while celeriac-mute-1-production is on. Many tasks on each worker: Average of TasksPerWorker of broker production over 10. Runbook: https://celeriac.example.com/runbooks/celery-tasks-per-worker-high' \
  --alarm-rule 'ALARM("celeriac-celery-tasks-per-worker-high-production")' \
  --actions-suppressor celeriac-mute-1-production \
  --actions-suppressor-wait-period 180 \
  --actions-suppressor-extension-period 120 \
  --alarm-actions "$warning_topic" \
  --ok-actions "$warning_topic"

aws cloudwatch put-composite-alarm \
  --alarm-name celeriac-celery-retries-high-production-told \
  --alarm-description 'Tells of celeriac-celery-retries-high-production, except while celeriac-celery-broker-down-production is on. A task retries too much: Maximum of RetriesPerTask of broker production over 2. Runbook: https://celeriac.example.com/runbooks/celery-retries-high' \
  --alarm-rule 'ALARM("celeriac-celery-retries-high-production")' \
  --actions-suppressor celeriac-celery-broker-down-production \
  --actions-suppressor-wait-period 180 \
  --actions-suppressor-extension-period 120 \
  --alarm-actions "$warning_topic" \
  --ok-actions "$warning_topic"

dashboard=$(sed "s/@REGION@/$region/g" <<'DASHBOARD'
{
 "widgets": [
  {
   "type": "metric",
   "x": 0,
   "y": 0,
   "width": 8,
   "height": 6,
   "properties": {
    "title": "Queue depth",
    "view": "timeSeries",
    "region": "@REGION@",
    "period": 60,
    "metrics": [
     [
      {
       "expression": "SEARCH('{Celeriac,Broker,Queue} MetricName=\"QueueDepth\" Broker=\"production\"', 'Average', 60)",
       "id": "e0x0",
       "label": "${PROP('Dim.Queue')}"
      }
     ]
    ],
    "yAxis": {
     "left": {
      "min": 0
     }
    },
    "annotations": {
     "horizontal": [
      {
       "label": "CeleryQueueDepthHigh",
       "value": 100
      }
     ]
    }
   }
  },
  {
   "type": "metric",
   "x": 8,
   "y": 0,
   "width": 8,
   "height": 6,
   "properties": {
    "title": "Workers",
    "view": "timeSeries",
    "region": "@REGION@",
    "period": 60,
    "metrics": [
     [
      "Celeriac",
      "WorkerCount",
      "Broker",
      "production",
      {
       "stat": "Minimum",
       "label": "up"
      }
     ]
    ],
    "yAxis": {
     "left": {
      "min": 0
     }
    },
    "annotations": {
     "horizontal": [
      {
       "label": "CeleryLowRedundancy",
       "value": 2
      }
     ]
    }
   }
  },
  {
   "type": "metric",
   "x": 16,
   "y": 0,
   "width": 8,
   "height": 6,
   "properties": {
    "title": "Worst share of failed runs, by task",
    "view": "timeSeries",
    "region": "@REGION@",
    "period": 60,
    "metrics": [
     [
      "Celeriac",
      "TaskFailureRatio",
      "Broker",
      "production",
      {
       "stat": "Maximum",
       "label": "worst task"
      }
     ]
    ],
    "yAxis": {
     "left": {
      "min": 0,
      "max": 1
     }
    },
    "annotations": {
     "horizontal": [
      {
       "label": "CeleryHighFailureRate",
       "value": 0.05
      }
     ]
    }
   }
  },
  {
   "type": "metric",
   "x": 0,
   "y": 6,
   "width": 8,
   "height": 6,
   "properties": {
    "title": "Run time",
    "view": "timeSeries",
    "region": "@REGION@",
    "period": 60,
    "metrics": [
     [
      "Celeriac",
      "TaskRuntime",
      "Broker",
      "production",
      {
       "stat": "p50",
       "label": "p50"
      }
     ],
     [
      "Celeriac",
      "TaskRuntime",
      "Broker",
      "production",
      {
       "stat": "p95",
       "label": "p95"
      }
     ],
     [
      "Celeriac",
      "TaskRuntime",
      "Broker",
      "production",
      {
       "stat": "p99",
       "label": "p99"
      }
     ]
    ],
    "yAxis": {
     "left": {
      "min": 0
     }
    }
   }
  },
  {
   "type": "metric",
   "x": 8,
   "y": 6,
   "width": 8,
   "height": 6,
   "properties": {
    "title": "Worker CPU, percent",
    "view": "timeSeries",
    "region": "@REGION@",
    "period": 60,
    "metrics": [
     [
      {
       "expression": "SEARCH('{Celeriac,Broker,Container} MetricName=\"WorkerCpu\" Broker=\"production\"', 'Average', 60)",
       "id": "e0x0",
       "label": "${PROP('Dim.Container')}"
      }
     ]
    ],
    "yAxis": {
     "left": {
      "min": 0
     }
    },
    "annotations": {
     "horizontal": [
      {
       "label": "WorkerCpuHigh",
       "value": 80
      }
     ]
    }
   }
  },
  {
   "type": "metric",
   "x": 16,
   "y": 6,
   "width": 8,
   "height": 6,
   "properties": {
    "title": "Worker memory, percent",
    "view": "timeSeries",
    "region": "@REGION@",
    "period": 60,
    "metrics": [
     [
      {
       "expression": "SEARCH('{Celeriac,Broker,Container} MetricName=\"WorkerMemory\" Broker=\"production\"', 'Maximum', 60)",
       "id": "e0x0",
       "label": "${PROP('Dim.Container')}"
      }
     ]
    ],
    "yAxis": {
     "left": {
      "min": 0
     }
    },
    "annotations": {
     "horizontal": [
      {
       "label": "WorkerMemoryHigh",
       "value": 85
      }
     ]
    }
   }
  },
  {
   "type": "metric",
   "x": 0,
   "y": 12,
   "width": 8,
   "height": 6,
   "properties": {
    "title": "Active tasks",
    "view": "timeSeries",
    "region": "@REGION@",
    "period": 60,
    "metrics": [
     [
      "Celeriac",
      "ActiveTasks",
      "Broker",
      "production",
      {
       "stat": "Average",
       "label": "average"
      }
     ],
     [
      "Celeriac",
      "ActiveTasks",
      "Broker",
      "production",
      {
       "stat": "Maximum",
       "label": "most"
      }
     ]
    ],
    "yAxis": {
     "left": {
      "min": 0
     }
    }
   }
  },
  {
   "type": "metric",
   "x": 8,
   "y": 12,
   "width": 8,
   "height": 6,
   "properties": {
    "title": "Tasks in a minute",
    "view": "timeSeries",
    "region": "@REGION@",
    "period": 60,
    "metrics": [
     [
      "Celeriac",
      "TasksSucceeded",
      "Broker",
      "production",
      {
       "stat": "Sum",
       "label": "succeeded"
      }
     ],
     [
      "Celeriac",
      "TasksFailed",
      "Broker",
      "production",
      {
       "stat": "Sum",
       "label": "failed"
      }
     ],
     [
      "Celeriac",
      "TasksRetried",
      "Broker",
      "production",
      {
       "stat": "Sum",
       "label": "retried"
      }
     ]
    ],
    "yAxis": {
     "left": {
      "min": 0
     }
    }
   }
  },
  {
   "type": "metric",
   "x": 16,
   "y": 12,
   "width": 8,
   "height": 6,
   "properties": {
    "title": "Waiting before a start, p95 seconds",
    "view": "timeSeries",
    "region": "@REGION@",
    "period": 60,
    "metrics": [
     [
      {
       "expression": "SEARCH('{Celeriac,Broker,Queue} MetricName=\"QueueWait\" Broker=\"production\"', 'p95', 60)",
       "id": "e0x0",
       "label": "${PROP('Dim.Queue')}"
      }
     ]
    ],
    "yAxis": {
     "left": {
      "min": 0
     }
    },
    "annotations": {
     "horizontal": [
      {
       "label": "CeleryQueueWaitHigh",
       "value": 30
      }
     ]
    }
   }
  },
  {
   "type": "metric",
   "x": 0,
   "y": 18,
   "width": 8,
   "height": 6,
   "properties": {
    "title": "Busy slots of workers",
    "view": "timeSeries",
    "region": "@REGION@",
    "period": 60,
    "metrics": [
     [
      "Celeriac",
      "WorkerBusyRatio",
      "Broker",
      "production",
      {
       "stat": "Average",
       "label": "busy"
      }
     ]
    ],
    "yAxis": {
     "left": {
      "min": 0,
      "max": 1
     }
    },
    "annotations": {
     "horizontal": [
      {
       "label": "CeleryWorkersSaturated",
       "value": 0.9
      }
     ]
    }
   }
  },
  {
   "type": "metric",
   "x": 8,
   "y": 18,
   "width": 8,
   "height": 6,
   "properties": {
    "title": "Redis",
    "view": "timeSeries",
    "region": "@REGION@",
    "period": 60,
    "metrics": [
     [
      "Celeriac",
      "RedisMemoryRatio",
      "Broker",
      "production",
      {
       "stat": "Average",
       "label": "memory"
      }
     ],
     [
      "Celeriac",
      "RedisConnectionsRatio",
      "Broker",
      "production",
      {
       "stat": "Maximum",
       "label": "connections"
      }
     ]
    ],
    "yAxis": {
     "left": {
      "min": 0,
      "max": 1
     }
    }
   }
  },
  {
   "type": "metric",
   "x": 16,
   "y": 18,
   "width": 8,
   "height": 6,
   "properties": {
    "title": "Broker connected",
    "view": "timeSeries",
    "region": "@REGION@",
    "period": 60,
    "metrics": [
     [
      "Celeriac",
      "BrokerUp",
      "Broker",
      "production",
      {
       "stat": "Minimum",
       "label": "connected"
      }
     ]
    ],
    "yAxis": {
     "left": {
      "min": 0,
      "max": 1
     }
    }
   }
  }
 ]
}
DASHBOARD
)
aws cloudwatch put-dashboard \
  --dashboard-name celeriac \
  --dashboard-body "$dashboard"
