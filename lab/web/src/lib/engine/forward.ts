/** The step of each cell, and a network's way through a sequence. */

import type { Cell, Gate, Layer, Model } from './bundle'
import { embed, unitName, type Sequence } from './sequence'
import { edited, holder, NONE, type Edits, type Hold } from './whatif'

/** What a layer's pass leaves: every array [T, H], in the order of the sequence. */
export interface Trace {
  layer: Layer
  T: number
  /** [T, I], what the layer read */
  x: Float32Array
  h: Float32Array
  /** The LSTM's cell state. */
  c: Float32Array | null
  gates: Partial<Record<Gate, Float32Array>>
}

/** A network's pass: one trace a layer, and the output [T, K] where it has one. */
export interface Pass {
  model: Model
  sequence: Sequence
  layers: Trace[]
  y: Float32Array | null
}

export const sigmoid = (a: number): number => 1 / (1 + Math.exp(-a))

/** out = W v (+ what stands in out), W [rows, columns] from `row`, v from `at`. */
export function product(
  out: Float64Array,
  W: Float32Array,
  v: ArrayLike<number>,
  at: number,
  columns: number,
  row = 0,
  rows = out.length,
): void {
  for (let j = 0; j < rows; j++) {
    let w = (row + j) * columns
    let even = 0
    let odd = 0
    let k = 0
    for (; k + 1 < columns; k += 2, w += 2) {
      even += W[w] * v[at + k]
      odd += W[w + 1] * v[at + k + 1]
    }
    if (k < columns) even += W[w] * v[at + k]
    out[j] += even + odd
  }
}

/** A layer through a sequence, x [T, I], from a state of zeros. */
export function pass(layer: Layer, x: Float32Array, hold: Hold | null = null): Trace {
  return PASSES[layer.cell](layer, x, Math.floor(x.length / layer.I), hold)
}

/** Which step comes before t, −1 at the first. */
export function before(trace: { T: number; layer: Layer }, t: number): number {
  if (!trace.layer.reverse) return t - 1
  return t + 1 < trace.T ? t + 1 : -1
}

/** The steps in the order in which the layer walks. */
function* walk(layer: Layer, T: number): Generator<[t: number, before: number]> {
  for (let k = 0; k < T; k++) {
    const t = layer.reverse ? T - 1 - k : k
    yield [t, k === 0 ? -1 : layer.reverse ? t + 1 : t - 1]
  }
}

type Way = (layer: Layer, x: Float32Array, T: number, hold: Hold | null) => Trace

function empty(T: number, H: number): Float32Array {
  return new Float32Array(T * H)
}

function gru(layer: Layer, x: Float32Array, T: number, hold: Hold | null): Trace {
  const { I, H, wIh, wHh, bIh, bHh, resetAfter } = layer
  const [r, z, n, q, h] = [empty(T, H), empty(T, H), empty(T, H), empty(T, H), empty(T, H)]
  const fromX = new Float64Array(3 * H)
  const fromH = new Float64Array(3 * H)
  const reset = new Float64Array(H)
  const none = new Float32Array(H)
  for (const [t, earlier] of walk(layer, T)) {
    const o = t * H
    const old = earlier < 0 ? none : h
    const at = earlier < 0 ? 0 : earlier * H
    fromX.set(bIh)
    product(fromX, wIh, x, t * I, I)
    fromH.set(bHh)
    product(fromH, wHh, old, at, H, 0, resetAfter ? 3 * H : 2 * H)
    for (let j = 0; j < H; j++) {
      r[o + j] = sigmoid(fromX[j] + fromH[j])
      z[o + j] = sigmoid(fromX[H + j] + fromH[H + j])
    }
    hold?.('r', t, r, o)
    hold?.('z', t, z, o)
    if (resetAfter) {
      for (let j = 0; j < H; j++) q[o + j] = fromH[2 * H + j]
    } else {
      for (let j = 0; j < H; j++) reset[j] = r[o + j] * old[at + j]
      const rows = fromH.subarray(2 * H)
      product(rows, wHh, reset, 0, H, 2 * H)
      for (let j = 0; j < H; j++) q[o + j] = rows[j]
    }
    for (let j = 0; j < H; j++) {
      const seen = resetAfter ? r[o + j] * q[o + j] : q[o + j]
      n[o + j] = Math.tanh(fromX[2 * H + j] + seen)
    }
    hold?.('n', t, n, o)
    for (let j = 0; j < H; j++) {
      h[o + j] = (1 - z[o + j]) * n[o + j] + z[o + j] * old[at + j]
    }
  }
  return { layer, T, x, h, c: null, gates: { r, z, n, q } }
}

function lstm(layer: Layer, x: Float32Array, T: number, hold: Hold | null): Trace {
  const { I, H, wIh, wHh, bIh, bHh } = layer
  const [i, f, g, o] = [empty(T, H), empty(T, H), empty(T, H), empty(T, H)]
  const [c, h] = [empty(T, H), empty(T, H)]
  const a = new Float64Array(4 * H)
  const none = new Float32Array(H)
  for (const [t, earlier] of walk(layer, T)) {
    const s = t * H
    const at = earlier < 0 ? 0 : earlier * H
    for (let j = 0; j < 4 * H; j++) a[j] = bIh[j] + bHh[j]
    product(a, wIh, x, t * I, I)
    product(a, wHh, earlier < 0 ? none : h, at, H)
    for (let j = 0; j < H; j++) {
      i[s + j] = sigmoid(a[j])
      f[s + j] = sigmoid(a[H + j])
      g[s + j] = Math.tanh(a[2 * H + j])
      o[s + j] = sigmoid(a[3 * H + j])
    }
    hold?.('i', t, i, s)
    hold?.('f', t, f, s)
    hold?.('g', t, g, s)
    hold?.('o', t, o, s)
    for (let j = 0; j < H; j++) {
      const old = earlier < 0 ? 0 : c[at + j]
      c[s + j] = f[s + j] * old + i[s + j] * g[s + j]
      h[s + j] = o[s + j] * Math.tanh(c[s + j])
    }
  }
  return { layer, T, x, h, c, gates: { i, f, g, o } }
}

function rnn(layer: Layer, x: Float32Array, T: number, hold: Hold | null): Trace {
  const { I, H, wIh, wHh, bIh, bHh, relu } = layer
  const h = empty(T, H)
  const a = new Float64Array(H)
  const none = new Float32Array(H)
  for (const [t, earlier] of walk(layer, T)) {
    for (let j = 0; j < H; j++) a[j] = bIh[j] + bHh[j]
    product(a, wIh, x, t * I, I)
    product(a, wHh, earlier < 0 ? none : h, earlier < 0 ? 0 : earlier * H, H)
    for (let j = 0; j < H; j++) h[t * H + j] = relu ? Math.max(a[j], 0) : Math.tanh(a[j])
    hold?.('n', t, h, t * H)
  }
  return { layer, T, x, h, c: null, gates: { n: h } }
}

const PASSES: Record<Cell, Way> = { gru, lstm, rnn }

/** The whole network through a sequence, with what-if changes. */
export function run(model: Model, sequence: Sequence, edits: Edits = NONE): Pass {
  const { T } = sequence
  const changed = withInputs(model, sequence, edits)
  const traces: Trace[] = []
  let x = changed.x
  for (let depth = 0; traces.length < model.layers.length; depth++) {
    const own = model.layers
      .map((layer, k) => ({ layer, k }))
      .filter(({ layer }) => layer.depth === depth)
      .map(({ layer, k }) => pass(edited(layer, edits), x, holder(edits, k)))
    traces.push(...own)
    x = sideBySide(own, T)
  }
  return { model, sequence: changed, layers: traces, y: outputs(model, x, T) }
}

/** What the next depth reads: the states of all directions, [T, sum of H]. */
export function sideBySide(traces: Trace[], T: number): Float32Array {
  if (traces.length === 1) return traces[0].h
  const width = traces.reduce((sum, trace) => sum + trace.layer.H, 0)
  const x = new Float32Array(T * width)
  let from = 0
  for (const { h, layer } of traces) {
    for (let t = 0; t < T; t++) x.set(h.subarray(t * layer.H, (t + 1) * layer.H), t * width + from)
    from += layer.H
  }
  return x
}

function outputs(model: Model, x: Float32Array, T: number): Float32Array | null {
  if (!model.output) return null
  const { weight, bias, K } = model.output
  const width = weight.length / K
  const y = new Float32Array(T * K)
  const row = new Float64Array(K)
  for (let t = 0; t < T; t++) {
    row.set(bias)
    product(row, weight, x, t * width, width)
    y.set(row, t * K)
  }
  return y
}

function withInputs(model: Model, sequence: Sequence, edits: Edits): Sequence {
  const inside = edits.inputs.filter((edit) => edit.at >= 0 && edit.at < sequence.T)
  if (inside.length === 0) return sequence
  const x = sequence.x.slice()
  const labels = sequence.labels.slice()
  const ids = sequence.ids?.slice() ?? null
  const targets = sequence.targets?.slice() ?? null
  for (const { at, id, column, value } of inside) {
    if (ids && id !== undefined) {
      ids[at] = id
      if (targets && at > 0) targets[at - 1] = id
      labels[at] = unitName(model, id)
      x.set(embed(model, Int32Array.of(id)), at * model.I)
    } else if (column !== undefined && value !== undefined) {
      x[at * model.I + column] = value
    }
  }
  return { ...sequence, x, labels, ids, targets }
}

/** Shares that add up to 1, of the scores y[from, from + K). */
export function softmax(y: Float32Array, from: number, K: number): Float64Array {
  let most = -Infinity
  for (let k = 0; k < K; k++) most = Math.max(most, y[from + k])
  const p = new Float64Array(K)
  let sum = 0
  for (let k = 0; k < K; k++) sum += p[k] = Math.exp(y[from + k] - most)
  for (let k = 0; k < K; k++) p[k] /= sum
  return p
}
