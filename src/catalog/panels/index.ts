/** Every panel, by key. To add one: an entry in the file of its subject, and its place on a dashboard. */
import { brokerPanels } from './broker.ts'
import { celeriacPanels } from './celeriac.ts'
import { overviewPanels } from './overview.ts'
import { taskPanels } from './tasks.ts'
import { workerPanels } from './workers.ts'

export type { Panel, PanelQuery, PanelStep } from './panel.ts'

export const panels = {
  ...overviewPanels,
  ...taskPanels,
  ...workerPanels,
  ...brokerPanels,
  ...celeriacPanels,
} as const

export type PanelKey = keyof typeof panels
export type PanelId = (typeof panels)[PanelKey]['id']
