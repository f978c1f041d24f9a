export {
  createSimulatedFleet,
  type SimulatedFleet,
  type SimulatedFleetOptions,
  type SimulatedFleetState,
} from './fleet.ts'
export { describeIncident, type Incident, type IncidentKind } from './incident.ts'
export { demoProfile, type FleetProfile, type ProfileOptions, queuesOf } from './profile.ts'
export { type Random, seededRandom } from './random.ts'
export type { FleetCounts } from './world.ts'
