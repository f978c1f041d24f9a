import { useSyncExternalStore } from 'react'
import styles from './toast.module.css'

/** One short message at a time, said politely and gone after a while. */
let message = ''
let timer: ReturnType<typeof setTimeout> | undefined
const listeners = new Set<() => void>()

function set(text: string): void {
  message = text
  for (const listener of listeners) listener()
}

/** Says what was just done. */
export function say(text: string): void {
  clearTimeout(timer)
  set(text)
  timer = setTimeout(() => set(''), 6000)
}

export function Toast() {
  const text = useSyncExternalStore(
    listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => message,
  )
  return (
    <div role="status" className={text === '' ? 'unseen' : styles.toast}>
      {text}
    </div>
  )
}
