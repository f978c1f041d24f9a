export {
  type CloudChange,
  type CloudManager,
  type DesiredState,
  openCloudManager,
} from './cloudwatch/manage.ts'
export { type AwsOptions, openCloudWatch } from './cloudwatch/sink.ts'
export { createPublisher, type Publisher, type PublishOptions } from './cloudwatch/publisher.ts'
