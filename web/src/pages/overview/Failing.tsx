import type { Overview } from '../../../../src/contract/index.ts'
import type { Freshness } from '../../live/freshness.ts'
import { Empty, Panel } from '../../parts/Panel.tsx'
import styles from './Failing.module.css'
import { Value } from './Value.tsx'

/** Which tasks fail, with what, and how much of their runs that is. */
export function Failing({ overview, fresh }: { readonly overview: Overview; readonly fresh: Freshness }) {
  const blind = overview.sources.find(source => source.source === 'events' && source.state === 'blind')
  return (
    <Panel
      id="failing"
      title="Failing most"
      aside={overview.failing.length === 0 ? undefined : 'last 1 h · failures · share of runs'}
    >
      {overview.failing.length === 0 ? (
        <Empty>
          {blind === undefined && overview.collectedAtMs !== null
            ? 'No task failed in the last hour.'
            : 'Failures cannot be known: no task events arrive.'}
        </Empty>
      ) : (
        <table role="table" className={styles.table}>
          <colgroup>
            <col className={styles.task} />
            <col />
            <col className={styles.number} />
            <col className={styles.number} />
          </colgroup>
          <thead role="rowgroup" className="unseen">
            <tr role="row">
              <th role="columnheader" scope="col">
                Task
              </th>
              <th role="columnheader" scope="col">
                Exception
              </th>
              <th role="columnheader" scope="col">
                Failures
              </th>
              <th role="columnheader" scope="col">
                Share of its runs
              </th>
            </tr>
          </thead>
          <tbody role="rowgroup">
            {overview.failing.slice(0, 6).map(row => (
              <tr role="row" key={`${row.broker} ${row.task} ${row.exception}`}>
                <th role="rowheader" scope="row" title={row.task}>
                  {row.task}
                </th>
                <td role="cell" title={row.exception}>
                  <code>{row.exception}</code>
                </td>
                <td role="cell">
                  <Value value={fresh === 'gone' ? null : row.failed} unit="count" />
                </td>
                <td role="cell">
                  <Value value={fresh === 'gone' ? null : row.ratio} unit="ratio" />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  )
}
