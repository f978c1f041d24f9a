export {
  type ControlMessage,
  type ControlReplyMessage,
  decodeControlReply,
  decodeControlRequest,
  encodeControlReply,
  encodeControlRequest,
  type NodeReply,
  type ReplyAddress,
} from './control.ts'
export { decodeEventMessage } from './decode-events.ts'
export { encodeEvents, type EventFields } from './encode-events.ts'
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
  type NameOptions,
  priorityStep,
  type RedisNames,
  redisNames,
} from './names.ts'
export { taskIdOf, type UnackedOrigin, unackedOrigin } from './task-id.ts'
export { decodeTask, encodeTask, priorityOf, type TaskCall, type TaskMessage, taskMessage } from './task.ts'
