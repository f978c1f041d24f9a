import { goPow } from '../functions/numerics.ts'
import type { ArithmeticOp, BinaryOp, ComparisonOp } from '../syntax/ast.ts'

/** Arithmetic on two values, as IEEE 754 and Go have it. */
export const ARITHMETIC: Readonly<Record<ArithmeticOp, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '^': goPow,
  atan2: Math.atan2,
}

/** Comparisons of two values; with NaN all but `!=` are false. */
export const COMPARE: Readonly<Record<ComparisonOp, (a: number, b: number) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
}

export const isArithmetic = (op: BinaryOp): op is ArithmeticOp => Object.hasOwn(ARITHMETIC, op)
