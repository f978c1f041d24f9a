import type { Panel } from '../../catalog/index.ts'
import type { GridPos } from './model.ts'

/** Grafana's grid is 24 units wide; a unit of height is 30 pixels. */
const WIDTH = 24
const ROW_HEIGHT = 1
const TILE_HEIGHT = 4
const HEIGHT = 8

export interface Placed {
  readonly title: GridPos
  readonly panels: readonly GridPos[]
  /** Where the next row begins. */
  readonly bottom: number
}

/** How many stand side by side: no line is left with a single panel where the others have three. */
const columns = (count: number): number => (count <= 3 ? count : count % 3 === 1 ? 2 : 3)

/** Places a row and its panels from `top` on, in their order: tiles six a line, all else two or three. */
export function place(panels: readonly Panel[], top: number): Placed {
  let [x, y] = [0, top + ROW_HEIGHT]
  let lineHeight = 0
  const others = panels.filter(({ kind }) => kind !== 'tile').length
  const tiles = panels.length - others
  const next = (w: number, h: number): GridPos => {
    if (x + w > WIDTH || (lineHeight !== 0 && lineHeight !== h)) {
      x = 0
      y += lineHeight
      lineHeight = 0
    }
    const at = { x, y, w, h }
    x += w
    lineHeight = h
    return at
  }
  const placed = panels.map(({ kind }) =>
    kind === 'tile' ? next(WIDTH / Math.min(tiles, 6), TILE_HEIGHT) : next(WIDTH / columns(others), HEIGHT),
  )
  return { title: { x: 0, y: top, w: WIDTH, h: ROW_HEIGHT }, panels: placed, bottom: y + lineHeight }
}
