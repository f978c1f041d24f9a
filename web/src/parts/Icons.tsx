import type { ReactNode } from 'react'
import type { Status } from '../status.ts'

/** Every icon is decoration beside a word: hidden from assistive technology, coloured by the text around it. */
function Icon({ children, size = 16 }: { readonly children: ReactNode; readonly size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.5}
      aria-hidden="true"
      focusable="false"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      {children}
    </svg>
  )
}

/** The shape of a status; `var(--hole)` is the surface seen through a filled one. */
const SHAPES: Readonly<Record<Status, ReactNode>> = {
  critical: (
    <>
      <path d="M5.3 1.5h5.4l3.8 3.8v5.4l-3.8 3.8H5.3l-3.8-3.8V5.3z" fill="currentColor" stroke="none" />
      <path d="M8 4.6v4" stroke="var(--hole)" strokeWidth={2} />
      <circle cx={8} cy={11.3} r={1.1} fill="var(--hole)" stroke="none" />
    </>
  ),
  warning: (
    <>
      <path d="M8 1.6 15 14H1z" fill="currentColor" stroke="currentColor" strokeWidth={1} />
      <path d="M8 6v3.6" stroke="var(--hole)" strokeWidth={1.8} />
      <circle cx={8} cy={11.9} r={1} fill="var(--hole)" stroke="none" />
    </>
  ),
  pending: <circle cx={8} cy={8} r={6} strokeWidth={1.8} strokeDasharray="2.7 2" strokeLinecap="butt" />,
  ok: (
    <>
      <circle cx={8} cy={8} r={6.25} />
      <path d="m5.2 8.2 2 2 3.7-4.1" />
    </>
  ),
  info: (
    <>
      <rect x={2} y={2} width={12} height={12} rx={2.5} />
      <path d="M8 7.4v3.8" strokeWidth={1.8} />
      <circle cx={8} cy={4.9} r={1.05} fill="currentColor" stroke="none" />
    </>
  ),
  unknown: (
    <>
      <path d="M5.6 6a2.5 2.5 0 1 1 3.7 2.2c-.9.5-1.3 1-1.3 1.9" strokeWidth={1.8} />
      <circle cx={8} cy={12.7} r={1.1} fill="currentColor" stroke="none" />
    </>
  ),
  stopped: <rect x={3.5} y={3.5} width={9} height={9} rx={1} strokeWidth={1.8} />,
}

/** The shape of a status, alone; always put its word beside it. */
export const StatusIcon = ({ status, size = 14 }: { readonly status: Status; readonly size?: number }) => (
  <Icon size={size}>{SHAPES[status]}</Icon>
)

const icon = (children: ReactNode) =>
  function Named({ size }: { readonly size?: number }) {
    return size === undefined ? <Icon>{children}</Icon> : <Icon size={size}>{children}</Icon>
  }

export const OverviewIcon = icon(
  <>
    <rect x={2} y={2} width={5} height={7} rx={1} />
    <rect x={9} y={2} width={5} height={4} rx={1} />
    <rect x={2} y={11.5} width={5} height={2.5} rx={0.8} />
    <rect x={9} y={8.5} width={5} height={5.5} rx={1} />
  </>,
)
export const QueuesIcon = icon(<path d="M2 4h12M2 8h12M2 12h7" />)
export const WorkersIcon = icon(
  <>
    <rect x={2} y={2.5} width={12} height={4.5} rx={1} />
    <rect x={2} y={9} width={12} height={4.5} rx={1} />
    <path d="M4.5 4.75h.01M4.5 11.25h.01" strokeWidth={2} />
  </>,
)
export const BellIcon = icon(
  <>
    <path d="M4 7a4 4 0 1 1 8 0c0 3.2 1.4 4 1.4 4H2.6S4 10.2 4 7z" />
    <path d="M6.6 13.4a1.6 1.6 0 0 0 2.8 0" />
  </>,
)
export const TasksIcon = icon(<path d="M7 4h7M7 8h7M7 12h7M2 4l1 1 1.6-2M2 8l1 1 1.6-2M2 12l1 1 1.6-2" />)
export const ChangesIcon = icon(
  <>
    <circle cx={8} cy={8} r={6} />
    <path d="M8 4.6V8l2.4 1.5" />
  </>,
)
export const ChartIcon = icon(<path d="M2 12.5 6 8l3 2.5L14 4" />)
export const TableIcon = icon(
  <>
    <rect x={2} y={2.5} width={12} height={11} rx={1.2} />
    <path d="M2 6.2h12M2 9.9h12M6.4 6.2v7.3" />
  </>,
)
export const LeftIcon = icon(<path d="M9.8 3.6 5.4 8l4.4 4.4" />)
export const RightIcon = icon(<path d="M6.2 3.6 10.6 8l-4.4 4.4" />)
export const DownIcon = icon(<path d="M4 6.2 8 10.2l4-4" />)
export const CloseIcon = icon(<path d="m4 4 8 8M12 4l-8 8" />)
export const CopyIcon = icon(
  <>
    <rect x={5.5} y={5.5} width={8} height={8} rx={1.5} />
    <path d="M3.5 10.5H3A1.5 1.5 0 0 1 1.5 9V3A1.5 1.5 0 0 1 3 1.5h6A1.5 1.5 0 0 1 10.5 3v.5" />
  </>,
)
export const LinkIcon = icon(
  <path d="M6.8 9.2a2.6 2.6 0 0 0 3.9.2l2-2a2.7 2.7 0 0 0-3.8-3.8l-1 1M9.2 6.8a2.6 2.6 0 0 0-3.9-.2l-2 2a2.7 2.7 0 0 0 3.8 3.8l1-1" />,
)
export const OutIcon = icon(
  <path d="M6 3H3.5A.5.5 0 0 0 3 3.500V12.500a.5.5 0 0 0 .5.5h9a.5.5 0 0 0 .5-.5V10M9.5 3H13v3.500M13 3 7.5 8.5" />,
)
export const HelpIcon = icon(
  <>
    <rect x={1.5} y={4} width={13} height={8.5} rx={1.5} />
    <path d="M4.3 6.8h.01M6.8 6.800h.01M9.2 6.800h.01M11.7 6.800h.01M5.5 9.800h5" strokeWidth={1.6} />
  </>,
)
export const SunIcon = icon(
  <>
    <circle cx={8} cy={8} r={2.8} />
    <path d="M8 1.5v1.300M8 13.200v1.300M1.5 8h1.300M13.2 8h1.300M3.4 3.400l.9.9M11.7 11.700l.9.9M3.4 12.600l.9-.9M11.7 4.300l.9-.9" />
  </>,
)
export const MoonIcon = icon(<path d="M13.5 9.700A6 6 0 0 1 6.3 2.500a6 6 0 1 0 7.2 7.200z" />)
export const SystemIcon = icon(
  <>
    <circle cx={8} cy={8} r={6} />
    <path d="M8 2a6 6 0 0 1 0 12z" fill="currentColor" />
  </>,
)
/** Live: a filled dot. Paused: two bars. The words stand beside them. */
export const LiveIcon = icon(<circle cx={8} cy={8} r={4} fill="var(--ok-mark)" stroke="none" />)
export const PauseIcon = icon(<path d="M5.5 3.500v9M10.5 3.500v9" strokeWidth={2.4} />)
export const ClockIcon = ChangesIcon
export const SortIcon = ({ descending }: { readonly descending: boolean }) => (
  <Icon size={10}>
    {descending ? <path d="m3 6 5 5 5-5" strokeWidth={2.5} /> : <path d="m3 10 5-5 5 5" strokeWidth={2.5} />}
  </Icon>
)

/** The mark of the product: a pulse in a root's cross-section. */
export const Logo = ({ size = 20 }: { readonly size?: number }) => (
  <svg
    width={size}
    height={size}
    viewBox="0 0 20 20"
    fill="none"
    stroke="var(--ok-mark)"
    strokeWidth={1.8}
    strokeLinecap="round"
    strokeLinejoin="round"
    aria-hidden="true"
    focusable="false"
  >
    <circle cx={10} cy={10} r={8.2} />
    <path d="M5 10.400h2.300l1.7-3.9 2.4 6.6 1.6-4.2.6 1.500H15" />
  </svg>
)
