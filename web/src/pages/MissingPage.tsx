import { Link } from 'wouter'
import { Frame } from '../frame/Frame.tsx'
import { useOverview } from '../overview-data.ts'
import { Empty, Panel } from '../parts/Panel.tsx'
import { useView } from '../view.ts'

/** An address that leads nowhere, and the way back. */
export function MissingPage() {
  const state = useOverview()
  const { view } = useView()
  return (
    <Frame title="No such page" state={state} range={view.range} parts={[]}>
      <Panel id="missing" title="There is no page at this address">
        <Empty>
          Go to the <Link href="/">Overview</Link>.
        </Empty>
      </Panel>
    </Frame>
  )
}
