export type * from './contract.ts'
export { createNotifier, type Notifier, type NotifierOptions } from './notifier.ts'
export { createReceivers, notifyOptions, type NotifyOptions, type ReceiverOptions } from './options.ts'
