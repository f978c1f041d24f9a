import { html, raw } from 'hono/html'
import { type Alert, alerts, type Step, stepsBefore } from '../catalog/index.ts'

const STYLE = `:root{color-scheme:light dark;--page:light-dark(#f5f7fa,#0f1319);--panel:light-dark(#fff,#171d26);--text:light-dark(#18202b,#e6eaf1);--second:light-dark(#4a5566,#a6b1c2);--link:light-dark(#1450b0,#8ab4ff);--line:light-dark(#d6dce4,#2b3543)}
body{margin:0;background:var(--page);color:var(--text);font:14px/1.5 Inter,system-ui,sans-serif}
main{max-width:48rem;margin:0 auto;padding:24px 16px}
h1{font-size:22px;line-height:28px;margin:8px 0 16px}h2{font-size:16px;margin:24px 0 8px}
section{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:4px 16px 12px;margin-bottom:12px}
a{color:var(--link)}li{margin:6px 0}p{margin:8px 0}
code,pre{font:12px/18px "JetBrains Mono",ui-monospace,monospace}
pre{background:var(--page);border:1px solid var(--line);border-radius:6px;padding:8px;white-space:pre-wrap;overflow-wrap:anywhere;margin:6px 0}
small{color:var(--second)}`

const step = ({ text, query, shell }: Step): ReturnType<typeof html> =>
  html`<li>
    ${text}
    ${
      query === undefined
        ? ''
        : html`<pre>${query.text}</pre>
            <a href="api/v1/query?query=${encodeURIComponent(query.text)}">ask now</a>`
    }
    ${shell === undefined ? '' : html`<pre>${shell}</pre>`}
  </li>`

const bySlug = new Map<string, Alert>(alerts.map(alert => [alert.slug, alert]))

/** The page of one runbook, where `runbook_url` of its alert leads; undefined when there is none of that name. */
export async function renderRunbook(
  slug: string,
  basePath: string,
  nonce: string,
): Promise<string | undefined> {
  const alert = bySlug.get(slug)
  if (alert === undefined) return undefined
  const { title, meaning, check, act, escalate } = alert.runbook
  const page = await html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <base href="${basePath}" />
        <title>${title} - Celeriac</title>
        <style nonce="${nonce}">
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <main>
          <p><a href="./">Overview</a> · <small>runbook of ${alert.name}</small></p>
          <h1>${title}</h1>
          <section>
            <h2>What it means</h2>
            ${meaning.map(text => html`<p>${text}</p>`)}
          </section>
          <section>
            <h2>Check</h2>
            <ol>
              ${check.map(step)}
            </ol>
          </section>
          <section>
            <h2>Act</h2>
            <ol>
              ${act.map(step)}
            </ol>
          </section>
          <section>
            <h2>Escalate</h2>
            ${escalate.map(text => html`<p>${text}</p>`)}
          </section>
          <section>
            <h2>What it looked like before</h2>
            <ol>
              ${stepsBefore(alert).map(step)}
            </ol>
          </section>
        </main>
      </body>
    </html>`
  return String(page)
}
