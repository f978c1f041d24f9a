import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { type BrowserContext, chromium, type LaunchOptions } from 'playwright-core'

/** The distribution's Chromium on PATH, or undefined. */
export function findChromium(): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter))
    for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
      const path = join(folder, name)
      try {
        accessSync(path, constants.X_OK)
        return path
      } catch {
        // Not here.
      }
    }
  return undefined
}

export interface OpenBrowser {
  readonly context: BrowserContext
  readonly close: () => Promise<void>
}

type ContextOptions = NonNullable<Parameters<typeof chromium.launchPersistentContext>[1]>

/** Chromium with a profile of its own, which is removed when it is closed; nothing is asked of any other host. */
export async function openBrowser(
  options: Omit<ContextOptions, keyof LaunchOptions> = {},
): Promise<OpenBrowser> {
  const executablePath = findChromium()
  if (executablePath === undefined)
    throw new Error('The browser tests need Chromium on PATH (Debian: apt install chromium).')
  const profile = mkdtempSync(join(tmpdir(), 'celeriac-browser-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
    timezoneId: 'UTC',
    ...options,
  })
  return {
    context,
    close: async () => {
      await context.close()
      rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
    },
  }
}
