export { type AwsOptions, openCloudWatch } from './cloudwatch/sink.ts'
export { createPublisher, type Publisher, type PublishOptions } from './cloudwatch/publisher.ts'
