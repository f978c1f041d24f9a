import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Every asset address is relative, so one build serves under any base path (the server sets `<base href>`). */
export default defineConfig({
  root: here('.'),
  base: './',
  plugins: [react()],
  build: {
    outDir: here('../dist/web'),
    emptyOutDir: true,
    target: 'es2023',
    // The first with `light-dark()`: rewritten for older ones, a theme chosen by the reader would not reach it.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // The policy is `script-src 'self'`: nothing may be inlined as a data: address.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  worker: { format: 'es' },
})
