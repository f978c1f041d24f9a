#!/bin/sh
# Which receivers each alert reaches, asked of amtool. Syntax checks say nothing of this.
# Use it: sh routes.test.sh [alertmanager.yml]
# Made by `npm run emit` from the catalog of Celeriac. Do not edit: change the catalog or the config, then emit again.
set -eu
config=${1:-"$(dirname "$0")/alertmanager.yml"}
amtool check-config "$config"
expect() {
  receivers=$1
  shift
  amtool config routes test --config.file="$config" --verify.receivers="$receivers" "$@"
}
expect slack severity=warning component=celery alertname=CeleryQueueDepthHigh
expect slack severity=warning component=celery alertname=CeleryQueueGrowing
expect pagerduty,slack severity=critical component=celery alertname=CeleryNoWorkers
expect slack severity=warning component=celery alertname=CeleryLowRedundancy
expect slack severity=warning component=celery alertname=CeleryWorkersSaturated
expect pagerduty,slack severity=critical component=celery alertname=CeleryHighFailureRate
expect slack severity=warning component=celery alertname=CelerySlowProcessing
expect slack severity=warning component=redis alertname=RedisMemoryHigh
expect pagerduty,slack severity=critical component=redis alertname=RedisConnectionsSaturated
expect slack severity=warning component=celery alertname=CeleryQueueWaitHigh
expect slack severity=warning component=celery alertname=CeleryTasksPerWorkerHigh
expect slack severity=warning component=celery alertname=CeleryRetriesHigh
expect slack severity=warning component=worker alertname=WorkerCpuHigh
expect slack severity=warning component=worker alertname=WorkerMemoryHigh
expect pagerduty,slack severity=critical component=celery alertname=CeleryBrokerDown
expect pagerduty,slack severity=critical component=celeriac alertname=CeleriacDown
expect watchdog severity=info component=celeriac alertname=CeleriacWatchdog
expect slack severity=warning component=celeriac alertname=CeleriacSourceBlind
expect slack severity=warning component=celeriac alertname=CeleriacLagging
expect slack severity=warning component=celeriac alertname=CeleriacEventsDropped
expect slack severity=warning component=celeriac alertname=CeleriacSeriesDropped
expect slack severity=warning component=celeriac alertname=CeleriacRulesFailing
expect pagerduty,slack severity=critical component=celeriac alertname=CeleriacNotificationsFailing
# Alerts of others.
expect pagerduty,slack alertname=Other severity=critical
expect slack alertname=Other
