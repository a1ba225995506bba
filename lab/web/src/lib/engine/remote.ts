/** What a server computed for the page: gates, states and outputs as 16-bit numbers. */

import type { Gate, Model } from './bundle'
import type { Pass, Trace } from './forward'
import type { Sequence } from './sequence'

export interface Inferred {
  /** A layer's arrays by their letters, each [T, H]; the bits of 16-bit numbers. */
  layers: Record<string, Uint16Array>[]
  /** [T, K] */
  y: Uint16Array | null
}

/** An answer with arrays behind it: the length of its JSON, the JSON, and the arrays' bytes, where
 * the JSON has {shape, at}. */
export function framed(content: ArrayBuffer): unknown {
  const { buffer } = new Uint8Array(content)
  const start = 4 + new DataView(buffer).getUint32(0, true)
  const text = new TextDecoder().decode(new Uint8Array(buffer, 4, start - 4))
  return JSON.parse(text, (_key, value: unknown) => {
    if (value === null || typeof value !== 'object' || !('shape' in value)) return value
    const { shape, at } = value as { shape: number[]; at: number }
    return new Uint16Array(
      buffer,
      start + at,
      shape.reduce((a, b) => a * b, 1),
    )
  })
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

/** Of each 16 bits the number that they stand for: computed once, as an answer has a million. */
let known: Float32Array | null = null
function numbers(): Float32Array {
  if (known) return known
  known = new Float32Array(2 ** 16)
  const raw = new Uint32Array(known.buffer)
  for (let bits = 0; bits < known.length; bits++) {
    const [power, rest] = [(bits >> 10) & 31, bits & 1023]
    if (power === 0) known[bits] = bits & 0x8000 ? -rest * TINY : rest * TINY
    else {
      const own = power === 31 ? 255 : power + 112
      raw[bits] = ((bits & 0x8000) << 16) | (own << 23) | (rest << 13)
    }
  }
  return known
}

/** IEEE 754 numbers of 16 bits. */
export function halves(given: Uint16Array): Float32Array {
  const out = new Float32Array(given.length)
  const all = numbers()
  for (let k = 0; k < out.length; k++) out[k] = all[given[k]]
  return out
}
