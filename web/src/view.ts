import { useMemo } from 'react'
import { useLocation, useSearch } from 'wouter'
import { type OverviewView, parseView, printView } from './links.ts'

/** The state of the address, and the way to change it. */
export interface View {
  readonly view: OverviewView
  /** Goes to a changed state. Back comes back from it, unless it replaces the present one. */
  readonly go: (change: Partial<OverviewView>, options?: { readonly replace?: boolean }) => void
  /** The address of a changed state, relative to the base, for a link. */
  readonly href: (change: Partial<OverviewView>, hash?: string) => string
}

export function useView(): View {
  const [path, navigate] = useLocation()
  const search = useSearch()
  return useMemo(() => {
    const view = parseView(search, Date.now())
    return {
      view,
      go: (change, options) => {
        const next = printView({ ...view, ...change })
        // The same state twice would make Back do nothing.
        if (next !== printView(view)) navigate(`${path}${next}`, { replace: options?.replace ?? false })
      },
      href: (change, hash = '') =>
        `${path.replace(/^\//, '') || './'}${printView({ ...view, ...change })}${hash}`,
    }
  }, [path, search, navigate])
}
