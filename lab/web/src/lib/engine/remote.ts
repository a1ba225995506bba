/** What a server computed for the page: gates, states and outputs as 16-bit numbers. */

import type { ArrayData, Gate, Model } from './bundle'
import type { Pass, Trace } from './forward'
import type { Sequence } from './sequence'

export interface Inferred {
  /** A layer's arrays by their letters, each [T, H]. */
  layers: Record<string, ArrayData>[]
  /** [T, K] */
  y?: ArrayData | null
}

/** The pass of a network whose weights the page has not. */
export function passOf(model: Model, sequence: Sequence, found: Inferred): Pass {
  const layers = model.layers.map((layer, k): Trace => {
    const { h, c, ...gates } = Object.fromEntries(
      Object.entries(found.layers[k]).map(([name, array]) => [name, halves(array)]),
    )
    const T = Math.floor(h.length / layer.H)
    const own: Trace['gates'] =
      layer.cell === 'rnn' ? { n: h } : (gates as Record<Gate, Float32Array>)
    return { layer, T, x: new Float32Array(0), h, c: c ?? null, gates: own }
  })
  return { model, sequence, layers, y: found.y ? halves(found.y) : null }
}

const TINY = 2 ** -24

/** Numbers of 16 bits, IEEE 754, the low byte first; as bits of the 32-bit number, which is fast. */
export function halves({ data }: ArrayData): Float32Array {
  const bytes = atob(data ?? '')
  const out = new Float32Array(bytes.length / 2)
  const raw = new Uint32Array(out.buffer)
  for (let k = 0; k < out.length; k++) {
    const bits = bytes.charCodeAt(2 * k) | (bytes.charCodeAt(2 * k + 1) << 8)
    const [power, rest] = [(bits >> 10) & 31, bits & 1023]
    if (power === 0) out[k] = bits & 0x8000 ? -rest * TINY : rest * TINY
    else {
      const own = power === 31 ? 255 : power + 112
      raw[k] = ((bits & 0x8000) << 16) | (own << 23) | (rest << 13)
    }
  }
  return out
}
