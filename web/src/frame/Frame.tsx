import { type ReactNode, useEffect, useRef, useState } from 'react'
import { Link, useLocation } from 'wouter'
import type { Overview } from '../../../src/contract/index.ts'
import { formatAge, formatCount } from '../format.ts'
import { defaultRange, fixedRange, printView, type Range, rangeMs, shiftRange, zoomOut } from '../links.ts'
import type { OverviewState } from '../overview-data.ts'
import { useFeed, useFeedStatus } from '../overview-data.ts'
import { favicon, pageTitle } from '../pages/overview/model.ts'
import buttons from '../parts/Button.module.css'
import {
  DownIcon,
  HelpIcon,
  LinkIcon,
  Logo,
  MoonIcon,
  OutIcon,
  StatusIcon,
  SunIcon,
  SystemIcon,
} from '../parts/Icons.tsx'
import { Pill } from '../parts/Pill.tsx'
import { Popover } from '../parts/Popover.tsx'
import { PLACES } from '../places.ts'
import { changeSettings, settings, useSettings } from '../settings.ts'
import { useView } from '../view.ts'
import { copyText } from './copy.ts'
import styles from './Frame.module.css'
import { HelpDialog } from './HelpDialog.tsx'
import { actionOf, pressedOf } from './keys.ts'
import { LiveMenu } from './LiveMenu.tsx'
import menus from './menus.module.css'
import { RangeMenu, rangeWords } from './RangeMenu.tsx'
import { say, Toast } from './toast.tsx'

/** A part of the page that the rail leads to. */
export interface PagePart {
  readonly id: string
  readonly title: string
  readonly icon: ReactNode
  readonly count: ReactNode
}

/** What stands around every page: rail, bar, range, live state, age, link, theme, keys, and the title of the tab. */
export function Frame({
  title,
  state,
  range: chosenRange,
  parts,
  children,
}: {
  readonly title: string
  readonly state: OverviewState
  readonly range: Range | null
  readonly parts: readonly PagePart[]
  readonly children: ReactNode
}) {
  const { overview, nowMs } = state
  const { view, go, href } = useView()
  const range = chosenRange ?? defaultRange(overview === undefined ? Infinity : nowMs - overview.startedAtMs)
  const feed = useFeed()
  const [help, setHelp] = useState(false)
  const setRange = (next: Range): void => go({ range: next })

  const copy = async (fixed: boolean): Promise<void> => {
    const shown = fixed ? fixedRange(range, nowMs) : range
    const path = location.href.replace(/[?#].*$/, '')
    const link = `${path}${printView({ ...view, range: shown })}`
    const words = rangeWords(shown, nowMs, settings().zone)
    say(
      (await copyText(link))
        ? `Copied a link to ${title}, ${words}.`
        : `This browser lets no page copy. The link: ${link}`,
    )
  }

  const act = useRef<(event: KeyboardEvent) => void>(() => undefined)
  act.current = event => {
    const action = actionOf(pressedOf(event), settings().keys)
    if (action === undefined) return
    event.preventDefault()
    if (action === 'help') setHelp(true)
    else if (action === 'pause') {
      const pausing = feed.pace() !== 'paused'
      feed.setPace(pausing ? 'paused' : 'live')
      say(pausing ? 'Live updates paused.' : 'Live updates resumed.')
    } else if (action === 'copy') void copy(true)
    else if (action === 'zoom-out') setRange(zoomOut(range, nowMs))
    else setRange(shiftRange(range, action === 'earlier' ? -1 : 1, nowMs))
  }
  useEffect(() => {
    const handle = (event: KeyboardEvent): void => act.current(event)
    document.addEventListener('keydown', handle)
    return () => document.removeEventListener('keydown', handle)
  }, [])

  const tabTitle = pageTitle(overview, title)
  const shape = favicon(overview, state.fresh)
  useEffect(() => {
    document.title = tabTitle
  }, [tabTitle])
  useEffect(() => {
    document
      .querySelector<HTMLLinkElement>('link[rel="icon"]')
      ?.setAttribute('href', `./favicon-${shape}.svg`)
  }, [shape])

  return (
    <div className={styles.frame}>
      <a
        className={styles.skip}
        href={href({}, '#main')}
        onClick={event => {
          event.preventDefault()
          document.getElementById('main')?.focus()
        }}
      >
        Skip to content
      </a>
      <Rail overview={overview} nowMs={nowMs} parts={parts} />
      <header className={styles.bar}>
        <div className={styles.name}>
          <span className={styles.barLogo}>
            <Logo />
          </span>
          <h1 tabIndex={-1}>{title}</h1>
          {overview?.simulated === true && (
            <Pill
              status="info"
              title="This load is invented. Start celeriac with --broker and the address of your broker to watch your own fleet."
            >
              Simulated fleet
            </Pill>
          )}
          <Age state={state} />
        </div>
        <div className={styles.tools}>
          <RangeMenu range={range} nowMs={nowMs} onChange={setRange} />
          <LiveMenu intervalMs={overview?.collectIntervalMs ?? null} />
          <div className={styles.split}>
            <button
              type="button"
              className={`${buttons.button} ${styles.splitMain}`}
              aria-label="Copy link"
              title={`Copy a link to what is shown now, ${fixedWords(range, nowMs)}  c`}
              onClick={() => void copy(true)}
            >
              <LinkIcon size={14} />
              <span className={styles.wide}>Copy link</span>
            </button>
            <Popover
              label="Copy link"
              title="Other links"
              className={`${buttons.icon} ${styles.splitMore}`}
              face={
                <>
                  <span className="unseen">Other links</span>
                  <DownIcon size={12} />
                </>
              }
            >
              {close => (
                <ul>
                  <li>
                    <button
                      type="button"
                      className={menus.choice}
                      onClick={() => {
                        close()
                        void copy(true)
                      }}
                    >
                      Absolute: {fixedWords(range, nowMs)}
                    </button>
                  </li>
                  <li>
                    <button
                      type="button"
                      className={menus.choice}
                      onClick={() => {
                        close()
                        void copy(false)
                      }}
                    >
                      Relative: {rangeWords(range, nowMs, settings().zone)}
                    </button>
                  </li>
                </ul>
              )}
            </Popover>
          </div>
          <ThemeButton />
          <button
            type="button"
            className={`${buttons.button} ${buttons.icon} ${styles.helpButton}`}
            aria-label="Keyboard and display"
            title="Keyboard and display  ?"
            onClick={() => setHelp(true)}
          >
            <HelpIcon />
          </button>
        </div>
      </header>
      <main id="main" tabIndex={-1} className={styles.main}>
        {children}
      </main>
      {help && <HelpDialog onClose={() => setHelp(false)} />}
      <Toast />
    </div>
  )
}

const fixedWords = (range: Range, nowMs: number): string => {
  const { fromMs, toMs } = rangeMs(range, nowMs)
  return rangeWords(
    { from: { kind: 'at', ms: fromMs }, to: { kind: 'at', ms: toMs } },
    nowMs,
    settings().zone,
  )
}

/** The age of the data in words, with a warning shape once it is late. */
function Age({ state }: { readonly state: OverviewState }) {
  const status = useFeedStatus()
  if (state.overview === undefined) return null
  const { ageMs, fresh } = state
  const text = ageMs === null ? 'nothing collected yet' : `data ${formatAge(ageMs)} old`
  const late = fresh === 'late' || fresh === 'gone'
  return (
    <span className={`${styles.age} ${late ? styles.late : ''}`} data-fresh={fresh}>
      {late && <StatusIcon status="warning" />}
      {text}
      {status.kind === 'paused' ? ', paused' : ''}
    </span>
  )
}

const THEMES = { system: SystemIcon, light: SunIcon, dark: MoonIcon } as const
const NEXT = { system: 'light', light: 'dark', dark: 'system' } as const

function ThemeButton() {
  const { theme } = useSettings()
  const Icon = THEMES[theme]
  return (
    <button
      type="button"
      className={`${buttons.button} ${buttons.icon}`}
      aria-label={`Theme: ${theme}`}
      title={`Theme: ${theme}. Change to ${NEXT[theme]}`}
      onClick={() => changeSettings({ theme: NEXT[theme] })}
    >
      <Icon />
    </button>
  )
}

const GROUPS = ['fleet', 'alerts', 'tools'] as const

function Rail({
  overview,
  nowMs,
  parts,
}: {
  readonly overview: Overview | undefined
  readonly nowMs: number
  readonly parts: readonly PagePart[]
}) {
  const [path] = useLocation()
  const { href } = useView()
  return (
    <div className={styles.rail}>
      <div className={styles.brand}>
        <Logo size={22} />
        Celeriac
      </div>
      {/* With a single place there is nothing to choose: the tabs of a phone appear with the second. */}
      <nav
        aria-label="Pages"
        className={PLACES.length > 1 ? styles.pages : `${styles.pages} ${styles.onlyOne}`}
      >
        {GROUPS.map(group => {
          const places = PLACES.filter(place => place.group === group)
          if (places.length === 0) return null
          return (
            <ul key={group}>
              {places.map(place => (
                <li key={place.path}>
                  <Link
                    href={place.path}
                    className={styles.link}
                    aria-current={place.path === path ? 'page' : undefined}
                  >
                    <place.icon />
                    {place.title}
                  </Link>
                </li>
              ))}
            </ul>
          )
        })}
      </nav>
      {parts.length > 0 && (
        <nav aria-label="On this page" className={styles.parts}>
          <ul>
            {parts.map(part => (
              <li key={part.id}>
                <a
                  className={styles.link}
                  href={href({}, `#${part.id}`)}
                  onClick={event => {
                    // A hash alone would resolve against <base> and lose the state of the address.
                    event.preventDefault()
                    document.getElementById(part.id)?.scrollIntoView({ behavior: 'smooth' })
                    document.getElementById(`${part.id}-title`)?.focus({ preventScroll: true })
                  }}
                >
                  {part.icon}
                  {part.title}
                  <span className={styles.count}>{part.count}</span>
                </a>
              </li>
            ))}
          </ul>
        </nav>
      )}
      <nav aria-label="Endpoints" className={styles.ends}>
        <ul>
          <li>
            <a className={styles.link} href="metrics" target="_blank" rel="noreferrer">
              <OutIcon size={14} />
              <code>/metrics</code>
            </a>
          </li>
          <li>
            <a className={styles.link} href="health" target="_blank" rel="noreferrer">
              <OutIcon size={14} />
              <code>/health</code>
            </a>
          </li>
        </ul>
      </nav>
      <div className={styles.foot}>
        {overview?.brokers.map(broker => (
          <div key={broker.name} title={broker.address}>
            {broker.name} · {broker.transport}
            {broker.state === 'connected' ? '' : ` · ${broker.state}`}
          </div>
        ))}
        {overview !== undefined && (
          <div>
            v{overview.version} · up {formatAge(nowMs - overview.startedAtMs)}
          </div>
        )}
        {overview !== undefined && overview.brokers.length > 4 && (
          <div>{formatCount(overview.brokers.length)} brokers</div>
        )}
      </div>
    </div>
  )
}
