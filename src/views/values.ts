import { formatBytes, wordDuration, wordNumber } from '../base/index.ts'
import type { Unit } from '../catalog/index.ts'

const percent = (value: number): string => `${wordNumber(Number(value.toPrecision(3)))} %`

/** A number in its unit, as sentences hold it: `1 234`, `4.1 %`, `14 m 32 s`, `187 /s`. */
export function wordValue(value: number, unit: Unit): string {
  switch (unit) {
    case 'seconds':
      return wordDuration(value * 1000)
    case 'bytes':
      return formatBytes(value)
    case 'ratio':
      return percent(value * 100)
    case 'percent':
      return percent(value)
    case 'per_second':
      return `${wordNumber(Number(value.toPrecision(3)))} /s`
    case 'count':
      return wordNumber(value)
  }
}

/** `1 queue`, `9 queues`. */
export const counted = (count: number, noun: string): string =>
  `${wordNumber(count)} ${noun}${count === 1 ? '' : 's'}`
