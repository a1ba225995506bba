/** Draws a scene: threads, sluices, wires; as far as the step has been played. */

import type { Trace } from '$lib/engine'

import { shareAt, signedAt, type Palette } from './colour'
import {
  BUS,
  LANES,
  WIDTH,
  type Ribbon,
  type Scene,
  type Strip,
  type When,
  type Wire,
} from './scene'

export interface Look {
  phase: number
  /** Rows from the top: which unit. */
  order: readonly number[]
  unit: number
  /** Whose wires stand out. */
  part: string | null
  /** The number of a strip for the chosen unit. */
  write: (value: number) => string
}

type Context = CanvasRenderingContext2D

/** How far something has appeared, 0 to 1, softly. */
function shown(when: When, phase: number): number {
  const [from, to] = when
  const at = Math.max(0, Math.min(1, (phase - from) / Math.max(1e-6, to - from)))
  return at * at * (3 - 2 * at)
}

export function drawScene(
  c: Context,
  s: Scene,
  trace: Trace,
  t: number,
  p: Palette,
  look: Look,
): void {
  ground(c, s, trace, p, look)
  past(c, s, trace, t, p, look)
  for (const of of ['h', 'x'] as const) carried(c, s, of, p, look)
  if (trace.layer.cell === 'rnn') fan(c, s, trace, p, look)
  for (const own of s.ribbons) drawRibbon(c, own, s, p, look)
  for (const own of s.strips) drawStrip(c, own, s, p, look)
  c.textAlign = 'center'
  c.textBaseline = 'middle'
  c.font = '600 15px ui-sans-serif, system-ui, sans-serif'
  for (const { x, y, sign, when } of s.knots) {
    const alpha = 0.35 + 0.65 * shown(when, look.phase)
    knot(c, x, y, sign, p, alpha)
  }
  c.font = '600 13px ui-monospace, "DejaVu Sans Mono", monospace'
  for (const own of s.strips) number(c, own, p, look)
}

/** Paper with the wires on it: the same at each step, so drawn once and copied. */
const under = { key: '', canvas: null as HTMLCanvasElement | null }
function ground(c: Context, s: Scene, trace: Trace, p: Palette, look: Look): void {
  const { width, height } = c.canvas
  const { cell, resetAfter } = trace.layer
  const key = [cell, resetAfter, look.part, p.paper, width, height].join()
  if (under.key !== key || !under.canvas) {
    under.key = key
    under.canvas ??= document.createElement('canvas')
    under.canvas.width = width
    under.canvas.height = height
    const own = under.canvas.getContext('2d', { alpha: false })
    if (!own) return
    own.setTransform(c.getTransform())
    own.fillStyle = p.paper
    own.fillRect(0, 0, WIDTH, s.height)
    for (const one of s.wires) drawWire(own, one, p, look)
  }
  c.save()
  c.resetTransform()
  c.drawImage(under.canvas, 0, 0)
  c.restore()
}

/** The states before, as the tape has them: the older, the fainter. */
function past(c: Context, s: Scene, trace: Trace, t: number, p: Palette, look: Look): void {
  const { H } = trace.layer
  const step = trace.layer.reverse ? 1 : -1
  const lanes: [Float32Array, number][] = trace.c
    ? [
        [trace.c, LANES.A],
        [trace.h, LANES.B],
      ]
    : [[trace.h, LANES.A]]
  const [width, gap, count] = [11, 2, 6]
  for (const [values, y] of lanes) {
    const below = y === LANES.B
    for (let k = 0; k < count; k++) {
      const own = t + step * (k + 2)
      if (own < 0 || own >= trace.T) break
      const x = LANES.LEFT - 16 - (k + 1) * (width + gap)
      if (below && x < 130) break // the input stands there
      c.globalAlpha = 0.75 * (1 - k / count)
      column(
        c,
        [x, y, width, LANES.S],
        look.order,
        (j) => p.signed.packed[signedAt(values[own * H + j], s.most)],
      )
    }
  }
  c.globalAlpha = 1
}

/** A vector from the top down: a pixel a number, drawn scaled, as a rectangle each would cost more. */
function column(
  c: Context,
  [x, y, width, height]: readonly [x: number, y: number, width: number, height: number],
  order: readonly number[],
  colour: (unit: number) => number,
): void {
  const own = sheet(1, order.length)
  for (let k = 0; k < order.length; k++) own.pixels[k] = colour(order[k])
  own.canvas.getContext('2d')?.putImageData(own.image, 0, 0)
  // Rows that are wider than a pixel keep their edges.
  c.imageSmoothingEnabled = order.length > height
  c.drawImage(own.canvas, x, y, width, height)
  c.imageSmoothingEnabled = true
}

function drawStrip(c: Context, own: Strip, s: Scene, p: Palette, look: Look): void {
  const alpha = shown(own.when, look.phase)
  const { x, y, width, height } = own
  if (alpha > 0) {
    c.globalAlpha = alpha
    const order = own.part === 'x' ? natural(own.count) : look.order
    const most = own.part === 'x' ? inputSize(own) : s.most
    column(c, [x, y, width, height], order, (j) => {
      const v = own.values[own.from + j] ?? 0
      if (own.scale === 'share') return p.share.packed[shareAt(own.turned ? 1 - v : v)]
      return p.signed.packed[signedAt(v, most)]
    })
    c.globalAlpha = 1
  }
  const asked = own.asks !== null && own.asks === look.part
  c.strokeStyle = asked ? p.accent : own.scale === 'share' ? p.ink : p.muted
  c.lineWidth = asked ? 3 : own.scale === 'share' ? 1.6 : 1
  c.strokeRect(x - 0.5, y - 0.5, width + 1, height + 1)
}

const NATURAL = new Map<number, number[]>()
function natural(count: number): number[] {
  if (!NATURAL.has(count))
    NATURAL.set(
      count,
      Array.from({ length: count }, (_, k) => k),
    )
  return NATURAL.get(count)!
}

function inputSize(own: Strip): number {
  let most = 0.5
  for (let k = 0; k < own.count; k++) most = Math.max(most, Math.abs(own.values[own.from + k]))
  return most
}

/** Canvases that are drawn into again and again: a straight ribbon's, and a bent one's. */
const kept = new Map<string, { canvas: HTMLCanvasElement; image: ImageData; pixels: Uint32Array }>()
function sheet(width: number, height: number) {
  const key = `${String(width)}×${String(height)}`
  const known = kept.get(key)
  if (known) return known
  const canvas = document.createElement('canvas')
  canvas.width = width
  canvas.height = height
  const image = new ImageData(width, height)
  const made = { canvas, image, pixels: new Uint32Array(image.data.buffer) }
  kept.set(key, made)
  return made
}

/**
 * The threads of a ribbon, a pixel a row of the screen: the smaller a value, the thinner, so that what
 * is forgotten loses body.
 */
function threads(
  pixels: Uint32Array,
  rows: number,
  own: Ribbon,
  s: Scene,
  p: Palette,
  order: readonly number[],
): void {
  const row = rows / order.length
  let last = -1
  let [colour, half] = [0, 0]
  for (let y = 0; y < rows; y++) {
    const k = Math.min(order.length - 1, Math.floor(y / row))
    if (k !== last) {
      const v = own.value(order[k])
      colour = p.signed.packed[signedAt(v, s.most)]
      half = Math.max(0.5, row * (0.125 + 0.375 * Math.sqrt(Math.min(1, Math.abs(v) / s.most))))
      last = k
    }
    const off = Math.abs(y + 0.5 - (k + 0.5) * row)
    // Where a row is thinner than a pixel or two, its body shows as how much it covers.
    const alpha =
      row < 4 ? Math.min(1, (2 * half) / row) : Math.max(0, Math.min(1, half - off + 0.5))
    pixels[y] = (colour & 0xffffff) | (Math.round(219 * alpha) << 24)
  }
}

/** How far down a bend is after a share of its way: as a cubic curve with level ends. */
const bent = (at: number): number => at * at * (3 - 2 * at)
function drawRibbon(c: Context, own: Ribbon, s: Scene, p: Palette, look: Look): void {
  const reach = shown(own.when, look.phase)
  if (reach <= 0) return
  const [x0, x1] = own.x
  const [y0, y1] = own.y
  const end = x0 + (x1 - x0) * reach
  const straight = y0 === y1
  // Bitmaps as fine as the screen are copied, not blended between neighbours, which would cost more.
  const fine = c.getTransform().a
  const rows = Math.round(fine * LANES.S)
  const column = sheet(1, rows)
  threads(column.pixels, rows, own, s, p, look.order)
  c.imageSmoothingEnabled = false
  if (straight) {
    column.canvas.getContext('2d')?.putImageData(column.image, 0, 0)
    c.drawImage(column.canvas, x0, y0, end - x0, LANES.S)
  } else {
    const rise = Math.round(fine * Math.abs(y1 - y0))
    const [width, height] = [Math.round(fine * (x1 - x0)), rows + rise]
    const bend = sheet(width, height)
    bend.pixels.fill(0)
    for (let x = 0; x < Math.ceil(width * reach); x++) {
      const share = bent((x + 0.5) / width)
      const down = Math.round(rise * (y1 > y0 ? share : 1 - share))
      for (let y = 0; y < rows; y++) bend.pixels[(y + down) * width + x] = column.pixels[y]
    }
    bend.canvas.getContext('2d')?.putImageData(bend.image, 0, 0)
    c.drawImage(bend.canvas, x0, Math.min(y0, y1), width / fine, height / fine)
  }
  c.imageSmoothingEnabled = true
  const k = look.order.indexOf(look.unit)
  if (k >= 0) {
    const row = LANES.S / look.order.length
    c.strokeStyle = p.accent
    c.lineWidth = 1.25
    for (const side of [-1, 1]) {
      const shift = (k + 0.5) * row + side * Math.max(row / 2, 1.5)
      c.beginPath()
      c.moveTo(x0, y0 + shift)
      if (straight) c.lineTo(end, y1 + shift)
      else {
        for (let x = x0; x <= end; x += 4) {
          c.lineTo(x, y0 + (y1 - y0) * bent((x - x0) / (x1 - x0)) + shift)
        }
      }
      c.stroke()
    }
  }
  if (own.leaves) {
    const fade = c.createLinearGradient(x0, 0, x1, 0)
    fade.addColorStop(0, transparent(p.paper))
    fade.addColorStop(1, p.paper)
    c.fillStyle = fade
    c.fillRect(x0, y0 - 3, x1 - x0 + 2, LANES.S + 6)
  }
}

const transparent = (hex: string): string => `${hex}00`

function drawWire(c: Context, own: Wire, p: Palette, look: Look): void {
  const asked = own.to === look.part
  const path = new Path2D()
  own.points.forEach(([x, y], k) => {
    if (k === 0) path.moveTo(x, y)
    else path.lineTo(x, y)
  })
  c.lineJoin = 'round'
  c.setLineDash(own.of === 'x' ? [5, 4] : [])
  c.strokeStyle = asked ? p.accent : p.muted
  c.globalAlpha = asked ? 1 : 0.55
  c.lineWidth = asked ? 2.25 : 1.1
  c.stroke(path)
  c.globalAlpha = 1
  c.setLineDash([])
}

/** The vector that the wires of the old state, or of the input, carry: where they begin, and on its
 * way to each gate while that is played. */
function carried(c: Context, s: Scene, of: 'h' | 'x', p: Palette, look: Look): void {
  const own = s.strips.find((strip) => strip.part === (of === 'h' ? 'old' : 'x'))
  const wires = s.wires.filter((wire) => wire.of === of)
  const there = shown([0.04, 0.1], look.phase)
  if (!own || own.count === 0 || wires.length === 0 || there === 0) return
  const order = of === 'x' ? natural(own.count) : look.order
  const most = of === 'x' ? inputSize(own) : s.most
  const { canvas, image, pixels } = sheet(order.length, 1)
  for (const [k, j] of order.entries()) {
    pixels[k] = p.signed.packed[signedAt(own.values[own.from + j] ?? 0, most)]
  }
  canvas.getContext('2d')?.putImageData(image, 0, 0)
  const strip = (x: number, y: number, width: number, height: number, edge: string): void => {
    c.drawImage(canvas, x, y, width, height)
    c.strokeStyle = edge
    c.lineWidth = 1
    c.strokeRect(x - 0.5, y - 0.5, width + 1, height + 1)
  }
  const [begin] = wires[0].points
  c.globalAlpha = there
  strip(begin[0] + 12, BUS[of] - 5, 60, 10, p.muted)
  c.globalAlpha = 1
  for (const wire of wires) {
    const at = shown(wire.when, look.phase)
    if (at <= 0 || at >= 1) continue
    const [x, y] = along(wire.points, at)
    strip(x - 15, y - 4, 30, 8, p.accent)
  }
}

function along(points: Wire['points'], share: number): readonly [number, number] {
  const lengths = points.slice(1).map(([x, y], k) => Math.hypot(x - points[k][0], y - points[k][1]))
  let left = share * lengths.reduce((a, b) => a + b, 0)
  for (const [k, length] of lengths.entries()) {
    if (left <= length && length > 0) {
      const [[x0, y0], [x1, y1]] = [points[k], points[k + 1]]
      return [x0 + ((x1 - x0) * left) / length, y0 + ((y1 - y0) * left) / length]
    }
    left -= length
  }
  return points[points.length - 1]
}

/** The plain network's knot: from every old unit to every new one; the strongest weights of some. */
function fan(c: Context, s: Scene, trace: Trace, p: Palette, look: Look): void {
  const { H, wHh } = trace.layer
  const old = s.strips.find((own) => own.part === 'old')
  const reach = shown([0.14, 0.5], look.phase)
  if (!old || reach === 0 || wHh.length === 0) return
  const row = LANES.S / H
  const every = Math.max(1, Math.round(H / 48))
  c.save()
  c.beginPath()
  c.rect(300, 0, 290 * reach, s.height)
  c.clip()
  for (let k = 0; k < H; k += every) {
    const to = look.order[k]
    let best = 0
    for (let j = 1; j < H; j++) {
      const term = (i: number) => Math.abs(wHh[to * H + i] * (old.values[old.from + i] ?? 0))
      if (term(j) > term(best)) best = j
    }
    line(to, best, k)
  }
  const chosen = look.unit
  const terms = natural(H)
    .map((j) => [j, wHh[chosen * H + j] * (old.values[old.from + j] ?? 0)] as const)
    .sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]))
    .slice(0, 8)
  for (const [j] of terms) line(chosen, j, look.order.indexOf(chosen), true)
  c.restore()

  function line(to: number, from: number, k: number, strong = false): void {
    const term = wHh[to * H + from] * (old!.values[old!.from + from] ?? 0)
    const y0 = LANES.A + (look.order.indexOf(from) + 0.5) * row
    const y1 = LANES.A + (k + 0.5) * row
    c.strokeStyle = strong ? p.accent : p.signed.css[signedAt(term, 0.4)]
    c.globalAlpha = strong ? 0.9 : 0.8
    c.lineWidth = strong ? 1.5 : 1.2
    c.beginPath()
    c.moveTo(300, y0)
    c.bezierCurveTo(430, y0, 470, y1, 576, y1)
    c.stroke()
    c.globalAlpha = 1
  }
}

/** How wide a sign of a knot is, and a digit of a number: each asked of the canvas once. */
const widths = new Map<string, number>()
function widthOf(c: Context, sign: string): number {
  const width = widths.get(sign) ?? c.measureText(sign).width
  widths.set(sign, width)
  return width
}

function knot(c: Context, x: number, y: number, sign: string, p: Palette, alpha: number): void {
  c.globalAlpha = 1
  const width = Math.max(24, widthOf(c, sign) + 12)
  c.fillStyle = p.paper
  c.strokeStyle = p.ink
  c.lineWidth = 1.4
  c.beginPath()
  c.roundRect(x - width / 2, y - 12, width, 24, 12)
  c.fill()
  c.globalAlpha = alpha
  c.stroke()
  c.fillStyle = p.ink
  c.fillText(sign, x, y + 0.5)
  c.globalAlpha = 1
}

/** The chosen unit's number at a strip, and its row marked. */
function number(c: Context, own: Strip, p: Palette, look: Look): void {
  if (own.part === 'x' || shown(own.when, look.phase) < 0.5) return
  const k = look.order.indexOf(look.unit)
  if (k < 0) return
  const y = own.y + ((k + 0.5) * own.height) / look.order.length
  const row = own.height / look.order.length
  c.strokeStyle = p.accent
  c.lineWidth = 2
  c.strokeRect(own.x - 2, y - Math.max(row / 2, 1.5) - 1, own.width + 4, Math.max(row, 3) + 2)
  const v = own.values[own.from + look.unit] ?? 0
  const text = look.write(own.turned ? 1 - v : v)
  const width = text.length * widthOf(c, '0') + 8
  const x = own.x + own.width / 2
  const above = y - 16 < own.y - 4
  const ty = above ? y + 16 : y - 16
  c.fillStyle = p.paper
  c.globalAlpha = 0.92
  c.beginPath()
  c.roundRect(x - width / 2, ty - 9, width, 18, 4)
  c.fill()
  c.globalAlpha = 1
  c.fillStyle = p.ink
  c.fillText(text, x, ty + 0.5)
}
