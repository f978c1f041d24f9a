import { type FocusEvent, type PointerEvent, useMemo, useState } from 'react'
import { holdRows } from './model.ts'

/** A list that holds still while it is read. */
export interface Held<Row> {
  readonly rows: readonly Row[]
  /** New rows that wait; `letIn` shows them. */
  readonly waiting: number
  readonly letIn: () => void
  /** For the element around the list. */
  readonly watch: {
    readonly onPointerEnter: (event: PointerEvent) => void
    readonly onPointerLeave: (event: PointerEvent) => void
    readonly onFocus: (event: FocusEvent) => void
    readonly onBlur: (event: FocusEvent) => void
  }
}

/** Holds the order of rows while the pointer or the focus is inside. A change of `version` (another sort order) is let through. */
export function useHeldRows<Row>(
  rows: readonly Row[],
  key: (row: Row) => string,
  version: string,
): Held<Row> {
  const [pointer, setPointer] = useState(false)
  const [focus, setFocus] = useState(false)
  const [held, setHeld] = useState<{ readonly rows: readonly Row[]; readonly version: string } | null>(null)
  const reading = pointer || focus

  if (reading && held?.version !== version) setHeld({ rows, version })
  if (!reading && held !== null) setHeld(null)

  const shown = useMemo(
    () => (held === null ? { rows, waiting: 0 } : holdRows(held.rows, rows, key)),
    [held, rows, key],
  )
  return {
    ...shown,
    letIn: () => setHeld({ rows, version }),
    watch: {
      // A finger has no hover: a list must not stay held after a tap.
      onPointerEnter: event => setPointer(event.pointerType === 'mouse'),
      onPointerLeave: () => setPointer(false),
      onFocus: () => setFocus(true),
      onBlur: event => {
        if (!(event.relatedTarget instanceof Node && event.currentTarget.contains(event.relatedTarget)))
          setFocus(false)
      },
    },
  }
}
