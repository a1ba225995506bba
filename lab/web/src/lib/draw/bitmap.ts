/** A heat map as one bitmap, a pixel a number, drawn scaled: scrubbing over it redraws nothing. */

import { shareAt, signedAt, type Scale } from './colour'

export interface Map2d {
  width: number
  height: number
  /** The value at a column and row. */
  value: (column: number, row: number) => number
  scale: Scale
  signed: boolean
  most: number
}

export function bitmap({ width, height, value, scale, signed, most }: Map2d): HTMLCanvasElement {
  return painted(width, height, (pixels) => {
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const v = value(column, row)
        pixels[row * width + column] = scale.packed[signed ? signedAt(v, most) : shareAt(v, most)]
      }
    }
  })
}

/** A canvas whose pixels, a row after the other, are painted once. */
function painted(
  width: number,
  height: number,
  paint: (pixels: Uint32Array) => void,
): HTMLCanvasElement {
  const canvas = document.createElement('canvas')
  canvas.width = Math.max(1, width)
  canvas.height = Math.max(1, height)
  const context = canvas.getContext('2d')
  if (!context || width === 0 || height === 0) return canvas
  const image = context.createImageData(width, height)
  paint(new Uint32Array(image.data.buffer))
  context.putImageData(image, 0, 0)
  return canvas
}

/** A trace's array: a column a step, a row a unit. */
export interface Tape {
  /** [T, H] */
  values: Float32Array
  T: number
  H: number
  /** The units, from the top. */
  order: readonly number[]
  scale: Scale
  signed: boolean
  most: number
}

/** The same of an array of a million numbers, each time that a text is typed: without a call each. */
export function taped({ values, T, H, order, scale, signed, most }: Tape): HTMLCanvasElement {
  const { packed } = scale
  const last = packed.length - 1
  const [times, zero] = signed ? [last / (2 * most), last / 2] : [last / most, 0]
  return painted(T, H, (pixels) => {
    for (let row = 0; row < H; row++) {
      for (let t = 0, from = order[row], to = row * T; t < T; t++, from += H, to++) {
        const at = values[from] * times + zero + 0.5
        pixels[to] = packed[at <= 0 ? 0 : at >= last ? last : at | 0]
      }
    }
  })
}

/**
 * Make a canvas as large as it is shown, in device pixels; its context counts in CSS pixels. What is
 * drawn over wholly each time is opaque: then the page need not blend it with what lies under it.
 */
export function fitted(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
  opaque = false,
): CanvasRenderingContext2D | null {
  const ratio = Math.min(2, window.devicePixelRatio || 1)
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)]
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w
    canvas.height = h
  }
  const context = canvas.getContext('2d', { alpha: !opaque })
  context?.setTransform(ratio, 0, 0, ratio, 0, 0)
  return context
}
