import { formatCount, plural } from '../../format.ts'
import buttons from '../../parts/Button.module.css'
import type { Held } from './held.ts'

/** Says that a list is held while it is read, and lets the new rows in. */
export const Fresh = ({ held }: { readonly held: Pick<Held<unknown>, 'waiting' | 'letIn'> }) =>
  held.waiting === 0 ? null : (
    <button type="button" className={buttons.plain} onClick={held.letIn}>
      {held.waiting} new
    </button>
  )

/** How many there are, and the press that shows them all, or the beginning again. The server sends at most a hundred rows. */
export function More({
  shown,
  of,
  total,
  noun,
  whole,
  onChange,
}: {
  /** Rows on the page now, rows that were sent, and all there are. */
  readonly shown: number
  readonly of: number
  readonly total: number
  readonly noun: string
  readonly whole: boolean
  readonly onChange: (whole: boolean) => void
}) {
  const bounded = total > of
  if (!whole && shown >= of) return <span>{plural(total, noun)}</span>
  return (
    <button type="button" className={buttons.plain} onClick={() => onChange(!whole)}>
      {whole
        ? `first ${noun}s of ${bounded ? `${formatCount(of)} of ` : ''}${formatCount(total)}`
        : `${bounded ? `worst ${formatCount(of)} of` : 'all'} ${plural(total, noun)}`}
    </button>
  )
}
