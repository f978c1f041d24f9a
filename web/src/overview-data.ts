import { type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query'
import { createContext, useContext, useEffect, useSyncExternalStore } from 'react'
import type { Overview } from '../../src/contract/index.ts'
import { type ApiError, fetchOverview, type Received, receiveOverview } from './api.ts'
import { useBrowserNow } from './clock.ts'
import { Feed, type FeedStatus } from './live/feed.ts'
import { type Freshness, freshness } from './live/freshness.ts'

const KEY = ['overview'] as const

/** Makes the one feed of this tab; what it hears goes where the pages read it. */
export function makeFeed(client: QueryClient): Feed {
  const ask = async (): Promise<void> => {
    await client.fetchQuery({ queryKey: KEY, queryFn: ({ signal }) => fetchOverview(signal), staleTime: 0 })
  }
  return new Feed({
    url: new URL('api/celeriac/live', document.baseURI).href,
    onText: text => {
      let received: Received
      try {
        received = receiveOverview(JSON.parse(text))
      } catch {
        // An event that cannot be read: asking brings the same error where the page shows it.
        ask().catch(() => undefined)
        return
      }
      client.setQueryData(KEY, received)
    },
    ask,
  })
}

export const FeedContext = createContext<Feed | null>(null)

/** The feed of this tab. */
export function useFeed(): Feed {
  const feed = useContext(FeedContext)
  if (feed === null) throw new Error('no FeedContext above')
  return feed
}

/** How the data comes, renewed when that changes. */
export function useFeedStatus(): FeedStatus {
  const feed = useFeed()
  return useSyncExternalStore(feed.subscribe, feed.status)
}

/** The overview and how far it can be believed. */
export interface OverviewState {
  readonly overview: Overview | undefined
  /** Why the last request failed; the stream may still have brought data since. */
  readonly error: ApiError | null
  readonly retry: () => void
  /** The server's clock now, in epoch ms; ages are differences of the same clock. */
  readonly nowMs: number
  /** Of the last collection; null while there was none. */
  readonly ageMs: number | null
  readonly fresh: Freshness
}

/** Reads the overview. Data that could not be renewed stays and ages; while the reader paused it does not count as late. */
export function useOverview(): OverviewState {
  const client = useQueryClient()
  const feed = useFeed()
  const status = useFeedStatus()
  const browserNowMs = useBrowserNow()
  const query = useQuery<Received, ApiError>({
    queryKey: KEY,
    queryFn: ({ signal }) => fetchOverview(signal),
    staleTime: Infinity,
    retry: false,
    // Without data there is nothing to age: keep asking. With data the feed takes care.
    refetchInterval: ({ state }) => (state.data === undefined && state.status === 'error' ? 5000 : false),
  })
  const received = query.data
  const overview = received?.overview
  const nowMs =
    received === undefined
      ? browserNowMs
      : received.overview.nowMs + Math.max(0, browserNowMs - received.receivedAtMs)
  const collectedAtMs = overview?.collectedAtMs ?? null
  const ageMs = collectedAtMs === null ? null : Math.max(0, nowMs - collectedAtMs)
  const paused = status.kind === 'paused'
  const judgedMs =
    paused && overview !== undefined && collectedAtMs !== null ? overview.nowMs - collectedAtMs : ageMs
  const paceMs = status.kind === 'polling' ? status.everyMs : 0
  return {
    overview,
    error: query.error,
    retry: () => {
      void client.refetchQueries({ queryKey: KEY })
      if (status.kind === 'lost') feed.retry()
    },
    nowMs,
    ageMs,
    fresh:
      overview === undefined ? 'never' : freshness(judgedMs, Math.max(overview.collectIntervalMs, paceMs)),
  }
}

/** Starts the feed once and for all. */
export function useStartedFeed(feed: Feed): void {
  useEffect(() => feed.start(), [feed])
}
