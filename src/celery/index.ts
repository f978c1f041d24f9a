export {
  type ControlMessage,
  type ControlReplyMessage,
  decodeControlReply,
  decodeControlRequest,
  encodeControlReply,
  encodeControlRequest,
  type NodeReply,
  type ReplyAddress,
  UNKNOWN_NODE,
} from './control.ts'
export { decodeEventMessage, DEFAULT_MAX_EVENT_BYTES } from './decode-events.ts'
export { encodeEvents, type EventFields, eventRoutingKey } from './encode-events.ts'
export {
  decodeBody,
  decodeEnvelope,
  type Decoded,
  encodeEnvelope,
  type Envelope,
  type EnvelopeParts,
} from './envelope.ts'
export type * from './event.ts'
export { exceptionClass, UNKNOWN_EXCEPTION } from './exception.ts'
export {
  type Binding,
  DEFAULT_PRIORITY_STEPS,
  DEFAULT_SEP,
  escapeGlob,
  type NameOptions,
  priorityStep,
  type RedisNames,
  redisNames,
} from './names.ts'
export { decodeTask, encodeTask, priorityOf, type TaskCall, type TaskMessage, taskMessage } from './task.ts'
