export {
  type ControlMessage,
  controlReplyBody,
  type ControlReplyMessage,
  controlRequestBody,
  decodeControlReply,
  decodeControlRequest,
  encodeControlReply,
  encodeControlRequest,
  type NodeReply,
  readControlReply,
  readControlRequest,
  type ReplyAddress,
} from './control.ts'
export { decodeEventMessage } from './decode-events.ts'
export { encodeEvents, type EventFields, eventMessage } from './encode-events.ts'
export {
  decodeEnvelope,
  type Decoded,
  encodeEnvelope,
  type Envelope,
  type EnvelopeParts,
} from './envelope.ts'
export type * from './event.ts'
export { exceptionClass } from './exception.ts'
export {
  type Binding,
  type ControlKeyKind,
  escapeGlob,
  type ExchangeNames,
  type ExchangeOptions,
  exchangeNames,
  type NameOptions,
  priorityStep,
  type RedisNames,
  redisNames,
} from './names.ts'
export { taskIdOf, type UnackedOrigin, unackedOrigin } from './task-id.ts'
export {
  decodeTask,
  encodeTask,
  priorityOf,
  readTask,
  taskBody,
  type TaskCall,
  type TaskMessage,
  taskMessage,
} from './task.ts'
