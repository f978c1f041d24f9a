export { BoundedMap } from './bounded-map.ts'
export { type Cancel, type Clock, VirtualClock } from './clock.ts'
export {
  DAY,
  formatDuration,
  HOUR,
  MILLISECOND,
  MINUTE,
  parseDurationMs,
  SECOND,
  WEEK,
  YEAR,
} from './duration.ts'
export { CeleriacError, ERROR_CODES, type ErrorCode, errorText, fileTrouble } from './errors.ts'
export { compareText, fingerprint, isLabelName, Labels, METRIC_NAME } from './labels.ts'
export { type Log, type LogFields, memoryLog, silentLog } from './log.ts'
export { didYouMean, nearest } from './nearest.ts'
export { REDACTED, redactSecrets, redactUrl, Secret } from './redact.ts'
export type { Sample } from './sample.ts'
export { formatBytes, parseBytes } from './size.ts'
export { compileMatcher, compileRegex, type LabelCondition, literalAlternatives } from './matcher.ts'
export { wordDuration, wordNumber } from './words.ts'
export { rfc3339 } from './rfc3339.ts'
