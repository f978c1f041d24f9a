import type { ReactNode } from 'react'
import type { Status } from '../status.ts'
import { StatusIcon } from './Icons.tsx'
import styles from './Pill.module.css'

/** A status: its word, its shape and its colour, never fewer. */
export const Pill = ({
  status,
  children,
  title,
}: {
  readonly status: Status
  readonly children: ReactNode
  readonly title?: string
}) => (
  <span className={`${styles.pill} ${styles[status]}`} title={title} data-status={status}>
    <StatusIcon status={status} />
    <span>{children}</span>
  </span>
)
