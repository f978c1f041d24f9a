/** Alarms, topics and a dashboard in Amazon CloudWatch, for what Celeriac publishes there. */
import type { EmittedFile } from '../file.ts'
import { emitSettings, type EmitSettings } from '../settings.ts'
import type { Target } from '../target.ts'
import { cloudWatchPlan } from './plan.ts'
import { SCRIPT_FILE, scriptFile } from './script.ts'
import { TEMPLATE_FILE, templateFile } from './template.ts'

export { type CloudWatchPlan, cloudWatchPlan } from './plan.ts'

export function emitCloudWatch(given: Partial<EmitSettings> = {}): readonly EmittedFile[] {
  const settings = emitSettings(given)
  const plan = cloudWatchPlan(settings)
  return [
    { path: TEMPLATE_FILE, content: templateFile(plan, settings) },
    { path: SCRIPT_FILE, content: scriptFile(plan, settings), executable: true },
  ]
}

export const cloudwatchTarget: Target = {
  name: 'cloudwatch',
  description:
    'alarms, topics and a dashboard of CloudWatch: a CloudFormation template, and the same as a script',
  uses: ['config'],
  files: emitCloudWatch,
  print: settings => templateFile(cloudWatchPlan(settings), settings),
}
