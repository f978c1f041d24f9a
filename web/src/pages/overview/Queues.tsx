import type { Overview } from '../../../../src/contract/index.ts'
import { formatNumber } from '../../format.ts'
import type { QueueColumn } from '../../links.ts'
import type { Freshness } from '../../live/freshness.ts'
import { SortIcon } from '../../parts/Icons.tsx'
import { Empty, Panel } from '../../parts/Panel.tsx'
import { Pill } from '../../parts/Pill.tsx'
import { useView } from '../../view.ts'
import { useHeldRows } from './held.ts'
import { drainsIn, type QueueRow, queueMark, sortQueues } from './model.ts'
import { Fresh, More } from './rows.tsx'
import styles from './Queues.module.css'
import { Dash, Value } from './Value.tsx'

/** Shown at first; the rest is one press away. */
const FIRST = 6

const HEADS: readonly {
  readonly column: QueueColumn
  readonly title: string
  readonly hint: string
  readonly first: boolean
}[] = [
  { column: 'worst', title: 'State', hint: 'Worst first', first: false },
  { column: 'queue', title: 'Queue', hint: 'By name', first: false },
  { column: 'waiting', title: 'Waiting', hint: 'Messages in the broker', first: true },
  { column: 'oldest', title: 'Oldest', hint: 'Age of the oldest message', first: true },
  { column: 'in', title: 'In /s', hint: 'Tasks sent a second', first: true },
  { column: 'out', title: 'Out /s', hint: 'Tasks begun a second', first: true },
  { column: 'drains', title: 'Drains in', hint: 'Time until empty at these rates', first: true },
  { column: 'consumers', title: 'Consumers', hint: 'Workers that read it', first: false },
]

const key = (row: QueueRow): string => `${row.broker}/${row.queue}`

/** The queues, worst first, or as a column head orders them. */
export function Queues({ overview, fresh }: { readonly overview: Overview; readonly fresh: Freshness }) {
  const { view, go } = useView()
  const { sort } = view
  const sorted = sortQueues(overview.queues, sort)
  const held = useHeldRows(sorted, key, `${sort.column} ${sort.descending}`)
  const whole = view.whole.includes('queues')
  const rows = whole ? held.rows : held.rows.slice(0, FIRST)
  const several = overview.brokers.length > 1
  const late = fresh === 'late' || fresh === 'gone'
  const gone = fresh === 'gone'
  return (
    <Panel
      id="queues"
      title={sort.column === 'worst' ? 'Queues, worst first' : 'Queues'}
      aside={
        <>
          <Fresh held={held} />
          <More
            shown={rows.length}
            of={held.rows.length}
            total={overview.queuesTotal}
            noun="queue"
            whole={whole}
            onChange={all =>
              go({ whole: all ? [...view.whole, 'queues'] : view.whole.filter(name => name !== 'queues') })
            }
          />
        </>
      }
    >
      {overview.queues.length === 0 ? (
        <Empty>No queue seen yet. One appears with its first message or its first consumer.</Empty>
      ) : (
        <div {...held.watch} className={styles.around}>
          {/* Explicit roles: on phones the rows are laid out as blocks, which would take the table's meaning away. */}
          <table role="table" className={styles.table} data-late={late}>
            <thead role="rowgroup">
              <tr role="row">
                {HEADS.map(head => {
                  const sorting = sort.column === head.column
                  return (
                    <th
                      key={head.column}
                      role="columnheader"
                      scope="col"
                      aria-sort={
                        sorting && head.column !== 'worst'
                          ? sort.descending
                            ? 'descending'
                            : 'ascending'
                          : undefined
                      }
                    >
                      <button
                        type="button"
                        className={styles.head}
                        title={head.hint}
                        onClick={() =>
                          go({
                            sort:
                              head.column === 'worst'
                                ? { column: 'worst', descending: false }
                                : {
                                    column: head.column,
                                    descending: sorting ? !sort.descending : head.first,
                                  },
                          })
                        }
                      >
                        {head.title}
                        {sorting && head.column !== 'worst' && <SortIcon descending={sort.descending} />}
                      </button>
                    </th>
                  )
                })}
              </tr>
            </thead>
            <tbody role="rowgroup">
              {rows.map(row => {
                const mark = gone ? { status: 'unknown' as const, word: 'Not known' } : queueMark(row)
                const number = (value: number | null) => (gone ? null : value)
                const trend = gone ? '–' : drainsIn(row)
                return (
                  <tr key={key(row)} role="row" data-queue={row.queue}>
                    <td role="cell" data-cell="state">
                      <Pill status={mark.status}>{mark.word}</Pill>
                    </td>
                    <th
                      role="rowheader"
                      scope="row"
                      data-cell="queue"
                      title={several ? `${row.queue} on ${row.broker}` : row.queue}
                    >
                      {row.queue}
                      {several && <span className="quiet"> {row.broker}</span>}
                    </th>
                    <td role="cell" data-cell="waiting">
                      <Value value={number(row.depth)} unit="count" />
                    </td>
                    <td role="cell" data-cell="oldest">
                      <Value value={number(row.oldestSeconds)} unit="seconds" />
                    </td>
                    <td role="cell" data-cell="in">
                      <Rate value={number(row.inPerSecond)} />
                    </td>
                    <td role="cell" data-cell="out">
                      <Rate value={number(row.outPerSecond)} />
                    </td>
                    <td role="cell" data-cell="drains" data-trend={row.trend}>
                      {trend === '–' ? <Dash /> : trend}
                    </td>
                    <td role="cell" data-cell="consumers">
                      <Value value={number(row.consumers)} unit="count" />
                    </td>
                  </tr>
                )
              })}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  )
}

/** The unit stands in the head of the column. */
const Rate = ({ value }: { readonly value: number | null }) =>
  value === null ? <Dash /> : <>{formatNumber(value)}</>
