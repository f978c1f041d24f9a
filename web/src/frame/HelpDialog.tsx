import { Dialog } from '../parts/Dialog.tsx'
import { changeSettings, useSettings } from '../settings.ts'
import styles from './HelpDialog.module.css'
import { KEYS } from './keys.ts'
import menus from './menus.module.css'

/** The keys, the switch that turns them off, and the theme. */
export function HelpDialog({ onClose }: { readonly onClose: () => void }) {
  const { keys, theme } = useSettings()
  return (
    <Dialog title="Keyboard and display" onClose={onClose}>
      <dl className={styles.keys}>
        {KEYS.map(entry => (
          <div key={entry.key}>
            <dt>
              <kbd>{entry.key}</kbd>
            </dt>
            <dd>{entry.text}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>←</kbd> <kbd>→</kbd>
          </dt>
          <dd>Move the cursor of a chart that has the focus</dd>
        </div>
        <div>
          <dt>
            <kbd>Esc</kbd>
          </dt>
          <dd>Close what is open</dd>
        </div>
      </dl>
      <label className={styles.check}>
        <input
          type="checkbox"
          checked={keys}
          onChange={event => changeSettings({ keys: event.target.checked })}
        />
        Single keys act
      </label>
      <fieldset className={menus.radios}>
        <legend>Theme</legend>
        {(['system', 'light', 'dark'] as const).map(value => (
          <label key={value}>
            <input
              type="radio"
              name="theme"
              checked={theme === value}
              onChange={() => changeSettings({ theme: value })}
            />
            {{ system: 'As the system', light: 'Light', dark: 'Dark' }[value]}
          </label>
        ))}
      </fieldset>
    </Dialog>
  )
}
