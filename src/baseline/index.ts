export { proposedSettings, type ProposedSetting } from './overrides.ts'
export {
  type HistorySeries,
  isLearnable,
  type Proposal,
  propose,
  type ProposeOptions,
  question,
} from './propose.ts'
