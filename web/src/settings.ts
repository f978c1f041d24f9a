import { useSyncExternalStore } from 'react'
import type { Zone } from './format.ts'

/** What a reader prefers. Kept in this browser, never in a link: a shared link shows the same facts to everyone. */
export interface Settings {
  readonly theme: 'system' | 'light' | 'dark'
  readonly zone: Zone
  /** Single keys act (WCAG 2.1.4 asks that they can be turned off). */
  readonly keys: boolean
}

const DEFAULTS: Settings = { theme: 'system', zone: 'local', keys: true }

function stored(name: string): string | null {
  try {
    return localStorage.getItem(`celeriac.${name}`)
  } catch {
    // Storage is switched off: settings last as long as the page.
    return null
  }
}

function load(): Settings {
  const theme = stored('theme')
  return {
    theme: theme === 'light' || theme === 'dark' ? theme : DEFAULTS.theme,
    zone: stored('zone') === 'utc' ? 'utc' : DEFAULTS.zone,
    keys: stored('keys') !== 'off',
  }
}

let current = load()
const listeners = new Set<() => void>()

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** The settings now, for what is no component. */
export const settings = (): Settings => current

/** The settings; the component is drawn anew when they change. */
export const useSettings = (): Settings => useSyncExternalStore(subscribe, settings)

/** Changes settings and remembers them where the browser allows it. */
export function changeSettings(change: Partial<Settings>): void {
  current = { ...current, ...change }
  document.documentElement.style.colorScheme = current.theme === 'system' ? '' : current.theme
  try {
    // theme.js reads the theme before the first paint.
    localStorage.setItem('celeriac.theme', current.theme)
    localStorage.setItem('celeriac.zone', current.zone)
    localStorage.setItem('celeriac.keys', current.keys ? 'on' : 'off')
  } catch {
    // Storage is switched off: the change lasts as long as the page.
  }
  for (const listener of listeners) listener()
}
