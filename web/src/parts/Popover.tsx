import { type ReactNode, useEffect, useId, useRef, useState } from 'react'
import buttons from './Button.module.css'
import styles from './Popover.module.css'

/**
 * A button and the small panel it opens. Esc and a press outside close it and the focus goes back to the button; Tab walks
 * through it in order. Not modal: the page goes on living beneath it.
 */
export function Popover({
  label,
  face,
  title,
  className = '',
  children,
}: {
  /** What the panel is called. */
  readonly label: string
  /** What stands on the button. */
  readonly face: ReactNode
  readonly title?: string
  readonly className?: string
  readonly children: (close: () => void) => ReactNode
}) {
  const [open, setOpen] = useState(false)
  const id = useId()
  const root = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)

  const close = (): void => {
    setOpen(false)
    button.current?.focus()
  }

  useEffect(() => {
    if (!open) return
    const outside = (event: PointerEvent): void => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) setOpen(false)
    }
    document.addEventListener('pointerdown', outside)
    return () => document.removeEventListener('pointerdown', outside)
  }, [open])

  return (
    <div
      ref={root}
      className={styles.root}
      onKeyDown={event => {
        if (event.key !== 'Escape' || !open) return
        event.stopPropagation()
        close()
      }}
      onBlur={event => {
        if (event.relatedTarget instanceof Node && !root.current?.contains(event.relatedTarget))
          setOpen(false)
      }}
    >
      <button
        ref={button}
        type="button"
        className={`${buttons.button} ${className}`}
        title={title}
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        aria-haspopup="dialog"
        onClick={() => setOpen(!open)}
      >
        {face}
      </button>
      {open && (
        <div id={id} role="dialog" aria-label={label} className={styles.panel}>
          {children(close)}
        </div>
      )}
    </div>
  )
}
