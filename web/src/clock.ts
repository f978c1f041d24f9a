import { useSyncExternalStore } from 'react'

/** The browser's clock in whole seconds, shared by all ages on the page: one timer, and none while nobody looks. */
let nowMs = Date.now()
let timer: ReturnType<typeof setInterval> | undefined
const listeners = new Set<() => void>()

function tick(): void {
  nowMs = Date.now()
  if (document.visibilityState === 'hidden') return
  for (const listener of listeners) listener()
}

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener)
  if (timer === undefined) {
    timer = setInterval(tick, 1000)
    document.addEventListener('visibilitychange', tick)
  }
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
    document.removeEventListener('visibilitychange', tick)
  }
}

/** Epoch ms of this browser, renewed every second while the page is visible. */
export const useBrowserNow = (): number => useSyncExternalStore(subscribe, () => nowMs)
