import type { Overview } from '../../../../src/contract/index.ts'
import { copyText } from '../../frame/copy.ts'
import { say } from '../../frame/toast.tsx'
import buttons from '../../parts/Button.module.css'
import { CopyIcon, StatusIcon } from '../../parts/Icons.tsx'
import { Panel } from '../../parts/Panel.tsx'
import styles from './FirstRun.module.css'
import { firstChecks } from './model.ts'

/** What is still missing before there is a fleet to show, with the command that brings it. Goes away by itself. */
export function FirstRun({ overview }: { readonly overview: Overview }) {
  const checks = firstChecks(overview)
  if (checks.length === 0) return null
  const met = checks.filter(check => check.met).length
  return (
    <Panel
      id="setup"
      title={`Watching your broker. ${met} of ${checks.length} checks pass.`}
      aside="checked every few seconds"
    >
      <ul>
        {checks.map(check => {
          const { command } = check
          return (
            <li key={check.title} className={styles.check}>
              <span className={styles.icon} data-met={check.met}>
                <StatusIcon status={check.met ? 'ok' : 'pending'} size={16} />
              </span>
              <div className={styles.what}>
                <b>
                  {check.title}
                  <span className="unseen">{check.met ? ', passed' : ', not yet'}</span>
                </b>
                <p className="quiet">{check.detail}</p>
                {command !== null && (
                  <div className={styles.command}>
                    <code>{command}</code>
                    <button
                      type="button"
                      className={`${buttons.button} ${buttons.icon}`}
                      aria-label={`Copy: ${command}`}
                      title="Copy"
                      onClick={() =>
                        void copyText(command).then(done =>
                          say(done ? `Copied: ${command}` : 'This browser lets no page copy.'),
                        )
                      }
                    >
                      <CopyIcon size={14} />
                    </button>
                  </div>
                )}
              </div>
            </li>
          )
        })}
      </ul>
    </Panel>
  )
}
