import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const css = readFileSync(new URL('./tokens.css', import.meta.url), 'utf8')

/** A2: what meets on screen is measured, in both themes and under four kinds of colour vision. */

type Rgb = readonly [number, number, number]
type Theme = 'light' | 'dark'
const THEMES: readonly Theme[] = ['light', 'dark']
const STATUS = ['critical', 'warning', 'ok', 'info', 'unknown'] as const

const tokens = new Map<string, Record<Theme, string>>()
for (const [, name = '', light = '', dark = ''] of css.matchAll(
  /--([\w-]+):\s*light-dark\((#[0-9a-f]{6}),\s*(#[0-9a-f]{6})\)/g,
))
  tokens.set(name, { light, dark })

/** Linear light, 0 to 1. */
function rgb(name: string, theme: Theme): Rgb {
  const hex = tokens.get(name)?.[theme]
  if (hex === undefined) throw new Error(`tokens.css has no ${name}`)
  const channel = (at: number): number => {
    const c = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  }
  return [channel(1), channel(3), channel(5)]
}

/** WCAG 2.2 relative luminance and contrast ratio. */
const luminance = ([r, g, b]: Rgb): number => 0.2126 * r + 0.7152 * g + 0.0722 * b
function contrast(a: string, b: string, theme: Theme): number {
  const [x, y] = [luminance(rgb(a, theme)), luminance(rgb(b, theme))]
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05)
}

/** Full dichromacy on linear RGB: Machado, Oliveira and Fernandes 2009, severity 1.0. */
const VISIONS: Readonly<Record<string, readonly [Rgb, Rgb, Rgb]>> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protan: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deutan: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritan: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
}

const dot = (row: Rgb, v: Rgb): number => row[0] * v[0] + row[1] * v[1] + row[2] * v[2]
const clamp = (x: number): number => Math.min(1, Math.max(0, x))

/** Björn Ottosson's OKLab, times 100. */
function oklab(v: Rgb): Rgb {
  const l = Math.cbrt(dot([0.4122214708, 0.5363325363, 0.0514459929], v))
  const m = Math.cbrt(dot([0.2119034982, 0.6806995451, 0.1073969566], v))
  const s = Math.cbrt(dot([0.0883024619, 0.2817188376, 0.6299787005], v))
  return [
    100 * (0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s),
    100 * (1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s),
    100 * (0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s),
  ]
}

function distance(a: string, b: string, theme: Theme, vision: string): number {
  const matrix = VISIONS[vision]
  if (matrix === undefined) throw new Error(vision)
  const seen = (name: string): Rgb => {
    const v = rgb(name, theme)
    return oklab([clamp(dot(matrix[0], v)), clamp(dot(matrix[1], v)), clamp(dot(matrix[2], v))])
  }
  const [x, y] = [seen(a), seen(b)]
  return Math.hypot(x[0] - y[0], x[1] - y[1], x[2] - y[2])
}

test('text has a contrast of at least 4.5 on every surface it stands on', () => {
  for (const theme of THEMES) {
    for (const text of ['text', 'text-2', 'link'])
      for (const surface of ['page', 'panel', 'raised'])
        expect(contrast(text, surface, theme), `${text} on ${surface}, ${theme}`).toBeGreaterThanOrEqual(4.5)
    for (const status of STATUS)
      for (const surface of [`${status}-tint`, 'panel', 'page', 'raised'])
        expect(
          contrast(`${status}-text`, surface, theme),
          `${status} on ${surface}, ${theme}`,
        ).toBeGreaterThanOrEqual(4.5)
    expect(contrast('on-link', 'link', theme)).toBeGreaterThanOrEqual(4.5)
  }
})

test('marks, series and borders of controls have a contrast of at least 3', () => {
  const marks = [
    ...STATUS.map(status => `${status}-mark`),
    'series-1',
    'series-2',
    'series-3',
    'series-4',
    'control',
  ]
  for (const theme of THEMES)
    for (const mark of marks)
      for (const surface of ['page', 'panel'])
        expect(contrast(mark, surface, theme), `${mark} on ${surface}, ${theme}`).toBeGreaterThanOrEqual(3)
})

test('no two status marks and no two series look alike to anyone', () => {
  const sets = [
    STATUS.map(status => `${status}-mark`),
    ['series-1', 'series-2', 'series-3', 'series-4'],
  ] as const
  for (const theme of THEMES)
    for (const set of sets)
      for (const vision of Object.keys(VISIONS))
        for (const [i, a] of set.entries())
          for (const b of set.slice(i + 1))
            expect(distance(a, b, theme, vision), `${a}, ${b}: ${theme}, ${vision}`).toBeGreaterThanOrEqual(8)
})
