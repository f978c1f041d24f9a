import { controlSuite } from './control-suite.ts'
import { eventsSuite } from './events-suite.ts'
import { lifeSuite } from './life-suite.ts'
import { queuesSuite } from './queues-suite.ts'
import { serverSuite } from './server-suite.ts'
import { type BrokerWorld, suiteOf, type TransportTraits } from './stage.case.ts'

/** What every Broker and FleetLink promises; the same tests for every transport. */
export function brokerSuite(traits: TransportTraits, createWorld: () => Promise<BrokerWorld>): void {
  const suite = suiteOf(traits, createWorld)
  for (const part of [eventsSuite, controlSuite, queuesSuite, serverSuite, lifeSuite]) part(suite)
}
