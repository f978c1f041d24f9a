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
        <table className={styles.table}>
          <thead className="unseen">
            <tr>
              <th scope="col">Task</th>
              <th scope="col">Exception</th>
              <th scope="col">Failures</th>
              <th scope="col">Share of its runs</th>
            </tr>
          </thead>
          <tbody>
            {overview.failing.slice(0, 6).map(row => (
              <tr key={`${row.broker} ${row.task} ${row.exception}`}>
                <th scope="row" title={row.task}>
                  {row.task}
                </th>
                <td title={row.exception}>
                  <code>{row.exception}</code>
                </td>
                <td>
                  <Value value={fresh === 'gone' ? null : row.failed} unit="count" />
                </td>
                <td>
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
