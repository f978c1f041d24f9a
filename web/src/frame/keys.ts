/** What a single key does. One list: the handler acts on it and the help shows it. */
export const KEYS = [
  { key: '?', action: 'help', text: 'Show this help' },
  { key: 'p', action: 'pause', text: 'Pause or resume live updates' },
  { key: 'c', action: 'copy', text: 'Copy a link to what is shown now' },
  { key: '[', action: 'earlier', text: 'Earlier by half the range' },
  { key: ']', action: 'later', text: 'Later by half the range' },
  { key: '-', action: 'zoom-out', text: 'Show twice the range' },
] as const

export type KeyAction = (typeof KEYS)[number]['action']

/** Of a keyboard event, what decides. */
export interface Pressed {
  readonly key: string
  readonly modified: boolean
  /** The element that has the focus takes text. */
  readonly typing: boolean
  /** A dialog is open: keys belong to it. */
  readonly inDialog: boolean
}

/** What a key press does, or undefined. Nothing while typing, with a modifier, in a dialog, or when single keys are off. */
export function actionOf(pressed: Pressed, enabled: boolean): KeyAction | undefined {
  if (!enabled || pressed.modified || pressed.typing || pressed.inDialog) return undefined
  return KEYS.find(entry => entry.key === pressed.key)?.action
}

/** Reads a DOM event. Shift is no modifier here: `?` needs it on most keyboards. */
export function pressedOf(event: KeyboardEvent): Pressed {
  const target = event.target instanceof Element ? event.target : null
  return {
    key: event.key,
    modified: event.ctrlKey || event.metaKey || event.altKey,
    typing:
      target?.closest(
        'textarea, select, [contenteditable]:not([contenteditable="false"]), input:not([type="radio"], [type="checkbox"], [type="button"])',
      ) != null,
    inDialog: document.querySelector('dialog[open]') !== null,
  }
}
