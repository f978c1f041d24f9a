import type { ComponentType } from 'react'
import { OverviewIcon } from './parts/Icons.tsx'

/** A place in the frame: one entry here is one line of the rail and one tab on a phone. */
export interface Place {
  readonly path: string
  readonly title: string
  readonly icon: ComponentType
  /** Places of one group stand together. */
  readonly group: 'fleet' | 'alerts' | 'tools'
}

/** The places that exist, in the order of the rail. A page is added here and in app.tsx, nowhere else. */
export const PLACES: readonly Place[] = [{ path: '/', title: 'Overview', icon: OverviewIcon, group: 'fleet' }]
