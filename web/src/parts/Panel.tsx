import type { ReactNode } from 'react'
import styles from './Panel.module.css'

/** A titled box: what it shows on the left, its unit or bound on the right. `id` is where the rail's links lead. */
export const Panel = ({
  id,
  title,
  aside,
  children,
  className = '',
}: {
  readonly id: string
  readonly title: string
  readonly aside?: ReactNode
  readonly children: ReactNode
  readonly className?: string
}) => (
  <section id={id} className={`${styles.panel} ${className}`} aria-labelledby={`${id}-title`}>
    <header className={styles.header}>
      <h2 id={`${id}-title`} className={styles.title} tabIndex={-1}>
        {title}
      </h2>
      {aside !== undefined && <div className={styles.aside}>{aside}</div>}
    </header>
    {children}
  </section>
)

/** Why there is nothing: nothing yet, nothing matches, or it cannot be known. Always a sentence. */
export const Empty = ({ children }: { readonly children: ReactNode }) => (
  <p className={styles.empty}>{children}</p>
)
