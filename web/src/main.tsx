import { QueryClient } from '@tanstack/react-query'
import { createRoot } from 'react-dom/client'
import './tokens.css'
import './base.css'
import { App } from './app.tsx'
import { makeFeed } from './overview-data.ts'

const root = document.getElementById('root')
if (root === null) throw new Error('the page has no #root')

const client = new QueryClient({
  defaultOptions: {
    queries: {
      retry: false,
      // The feed renews what is live; a focus must not ask on its own.
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
    },
  },
})

createRoot(root).render(<App client={client} feed={makeFeed(client)} />)
