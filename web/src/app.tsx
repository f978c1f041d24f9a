import { type QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { Route, Router, Switch } from 'wouter'
import type { Feed } from './live/feed.ts'
import { FeedContext, useStartedFeed } from './overview-data.ts'
import { OverviewPage } from './pages/overview/OverviewPage.tsx'
import { MissingPage } from './pages/MissingPage.tsx'

/** The path under which the server serves the pages, without a slash at its end; `<base>` knows it. */
const basePath = (): string => new URL(document.baseURI).pathname.replace(/\/[^/]*$/, '')

export function App({ client, feed }: { readonly client: QueryClient; readonly feed: Feed }) {
  useStartedFeed(feed)
  return (
    <QueryClientProvider client={client}>
      <FeedContext value={feed}>
        <Router base={basePath()}>
          <Switch>
            <Route path="/">
              <OverviewPage />
            </Route>
            <Route>
              <MissingPage />
            </Route>
          </Switch>
        </Router>
      </FeedContext>
    </QueryClientProvider>
  )
}
