import buttons from '../../parts/Button.module.css'
import type { Held } from './held.ts'
import styles from './rows.module.css'

/** Says that a list is held while it is read, and lets the new rows in. */
export const Fresh = ({ held }: { readonly held: Pick<Held<unknown>, 'waiting' | 'letIn'> }) =>
  held.waiting === 0 ? null : (
    <button type="button" className={buttons.plain} onClick={held.letIn}>
      {held.waiting} new
    </button>
  )

/** Shows the whole list, or the beginning again. Nothing when everything fits. */
export function More({
  shown,
  of,
  noun,
  whole,
  onChange,
}: {
  readonly shown: number
  readonly of: number
  readonly noun: string
  readonly whole: boolean
  readonly onChange: (whole: boolean) => void
}) {
  if (!whole && shown >= of) return null
  return (
    <div className={styles.more}>
      <button type="button" className={buttons.plain} onClick={() => onChange(!whole)}>
        {whole ? 'Show fewer' : `Show all ${of} ${noun}`}
      </button>
    </div>
  )
}
