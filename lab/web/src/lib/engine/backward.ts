/** Backpropagation through time: the error on its way from the last step to the first. */

import type { Cell } from './bundle'
import { before, softmax, type Pass, type Trace } from './forward'

/** ∂L/∂ what a layer had at each step: h [T, H] along every path, c [T, H] of an LSTM, x [T, I]. */
export interface Gradients {
  h: Float64Array
  c: Float64Array | null
  x: Float64Array
}

/** A step's way back: from d = ∂L/∂h_t (and dc) to what it sends to the step before. */
interface Back {
  /** ∂L/∂h_{t−1} by way of this step */
  h: Float64Array
  c: Float64Array | null
  /** ∂L/∂ what enters the activations on the input's side, [G*H] */
  a: Float64Array
}

/** out += Wᵀ v, W [rows, columns] from `row`, v from `from`. */
export function transposed(
  out: Float64Array,
  W: Float32Array,
  v: Float64Array,
  columns: number,
  row = 0,
  from = 0,
  rows = v.length,
  at = 0,
): void {
  for (let j = 0; j < rows; j++) {
    const factor = v[from + j]
    if (factor === 0) continue
    let w = (row + j) * columns
    for (let k = 0; k < columns; k++, w++) out[at + k] += W[w] * factor
  }
}

function gru(trace: Trace, t: number, d: Float64Array): Back {
  const { layer, h } = trace
  const { H, wHh, resetAfter } = layer
  const { r, z, n, q } = trace.gates as Record<'r' | 'z' | 'n' | 'q', Float32Array>
  const [o, earlier] = [t * H, before(trace, t)]
  const a = new Float64Array(3 * H) // da_r, da_z, da_n
  const out = new Float64Array(H)
  const dq = new Float64Array(H)
  for (let j = 0; j < H; j++) {
    const old = earlier < 0 ? 0 : h[earlier * H + j]
    const [zj, nj] = [z[o + j], n[o + j]]
    a[2 * H + j] = d[j] * (1 - zj) * (1 - nj * nj)
    a[H + j] = d[j] * (old - nj) * zj * (1 - zj)
    out[j] = d[j] * zj
  }
  if (resetAfter) {
    for (let j = 0; j < H; j++) {
      const rj = r[o + j]
      a[j] = a[2 * H + j] * q[o + j] * rj * (1 - rj)
      dq[j] = a[2 * H + j] * rj
    }
    transposed(out, wHh, dq, H, 2 * H)
  } else {
    transposed(dq, wHh, a, H, 2 * H, 2 * H, H)
    for (let j = 0; j < H; j++) {
      const old = earlier < 0 ? 0 : h[earlier * H + j]
      const rj = r[o + j]
      a[j] = dq[j] * old * rj * (1 - rj)
      out[j] += dq[j] * rj
    }
  }
  transposed(out, wHh, a, H, 0, 0, 2 * H)
  return { h: out, c: null, a }
}

function lstm(trace: Trace, t: number, d: Float64Array, dc: Float64Array): Back {
  const { H, wHh } = trace.layer
  const { i, f, g, o } = trace.gates as Record<'i' | 'f' | 'g' | 'o', Float32Array>
  const c = trace.c!
  const [s, earlier] = [t * H, before(trace, t)]
  const a = new Float64Array(4 * H)
  const [out, outC] = [new Float64Array(H), new Float64Array(H)]
  for (let j = 0; j < H; j++) {
    const old = earlier < 0 ? 0 : c[earlier * H + j]
    const [ij, fj, gj, oj] = [i[s + j], f[s + j], g[s + j], o[s + j]]
    const seen = Math.tanh(c[s + j])
    const whole = dc[j] + d[j] * oj * (1 - seen * seen)
    a[j] = whole * gj * ij * (1 - ij)
    a[H + j] = whole * old * fj * (1 - fj)
    a[2 * H + j] = whole * ij * (1 - gj * gj)
    a[3 * H + j] = d[j] * seen * oj * (1 - oj)
    outC[j] = whole * fj
  }
  transposed(out, wHh, a, H)
  return { h: out, c: outC, a }
}

function rnn(trace: Trace, t: number, d: Float64Array): Back {
  const { H, wHh, relu } = trace.layer
  const a = new Float64Array(H)
  for (let j = 0; j < H; j++) {
    const h = trace.h[t * H + j]
    a[j] = d[j] * (relu ? Number(h > 0) : 1 - h * h)
  }
  const out = new Float64Array(H)
  transposed(out, wHh, a, H)
  return { h: out, c: null, a }
}

const BACK: Record<Cell, (t: Trace, at: number, d: Float64Array, dc: Float64Array) => Back> = {
  gru,
  lstm,
  rnn,
}

/**
 * ∂L/∂ everything of one layer, from `upstream`: ∂L/∂h_t by way of the outputs, [T, H].
 * `from` and `to` bound the steps that have any, in the order of the sequence.
 */
export function backward(
  trace: Trace,
  upstream: Float64Array,
  from = 0,
  to = trace.T - 1,
): Gradients {
  const { T, layer } = trace
  const { H, I, wIh, reverse } = layer
  const h = new Float64Array(T * H)
  const c = trace.c ? new Float64Array(T * H) : null
  const x = new Float64Array(T * I)
  let d = new Float64Array(H)
  let dc = new Float64Array(H)
  const [first, last] = reverse ? [from, T - 1] : [to, 0]
  for (let t = first; reverse ? t <= last : t >= last; t += reverse ? 1 : -1) {
    for (let j = 0; j < H; j++) d[j] += upstream[t * H + j]
    h.set(d, t * H)
    if (c) {
      const o = trace.gates.o!
      for (let j = 0; j < H; j++) {
        const seen = Math.tanh(trace.c![t * H + j])
        c[t * H + j] = dc[j] + d[j] * o[t * H + j] * (1 - seen * seen)
      }
    }
    const back = BACK[layer.cell](trace, t, d, dc)
    transposed(x, wIh, back.a, I, 0, 0, back.a.length, t * I)
    d = back.h as Float64Array<ArrayBuffer>
    if (back.c) dc = back.c as Float64Array<ArrayBuffer>
  }
  return { h, c, x }
}

/** The same for the whole network, from the gradient of what the output reads, [T, sum of H]. */
export function throughNetwork(
  pass: Pass,
  top: Float64Array,
  from = 0,
  to = pass.sequence.T - 1,
): Gradients[] {
  const found: Gradients[] = new Array<Gradients>(pass.layers.length)
  const T = pass.sequence.T
  let upstream = top
  for (let depth = pass.layers.at(-1)!.layer.depth; depth >= 0; depth--) {
    const own = pass.layers.map((trace, k) => ({ trace, k }))
    const here = own.filter(({ trace }) => trace.layer.depth === depth)
    const width = here.reduce((sum, { trace }) => sum + trace.layer.H, 0)
    const below = new Float64Array(T * here[0].trace.layer.I)
    const bothWays = here.length > 1 || pass.layers.length > depth + 1
    let at = 0
    for (const { trace, k } of here) {
      const { H } = trace.layer
      const gradients = backward(
        trace,
        part(upstream, T, width, at, H),
        bothWays ? 0 : from,
        bothWays ? T - 1 : to,
      )
      found[k] = gradients
      for (let s = 0; s < below.length; s++) below[s] += gradients.x[s]
      at += H
    }
    upstream = below
  }
  return found
}

function part(all: Float64Array, T: number, width: number, at: number, H: number): Float64Array {
  if (width === H) return all
  const own = new Float64Array(T * H)
  for (let t = 0; t < T; t++) own.set(all.subarray(t * width + at, t * width + at + H), t * H)
  return own
}

export type LossAt = 'last' | 'every'

/** Whether the outputs are scores of the unit to come. */
export function foretells({ model, sequence }: Pass): boolean {
  const known = model.task === 'generate' || model.task === 'layers'
  return known && model.output !== null && sequence.targets !== null
}

/** The last step that has a loss: where text is foretold, the last whose next unit is known. */
export function lastWithLoss(pass: Pass): number {
  const { T, targets } = pass.sequence
  if (!targets || !foretells(pass)) return T - 1
  return Math.max(
    0,
    targets.findLastIndex((id) => id >= 0),
  )
}

/**
 * ∂L/∂ what the output reads, [T, sum of H]. L: where text is foretold, the mean cross-entropy of
 * the next unit, in nats; else the sum of the outputs, or of the states of a network without.
 */
export function lossGradient(pass: Pass, at: LossAt): Float64Array {
  const { T, targets } = pass.sequence
  const depth = pass.layers.at(-1)!.layer.depth
  const width = pass.layers
    .filter((trace) => trace.layer.depth === depth)
    .reduce((sum, trace) => sum + trace.layer.H, 0)
  const top = new Float64Array(T * width)
  const last = lastWithLoss(pass)
  const first = at === 'last' ? last : 0
  const output = pass.model.output
  const foretold = foretells(pass)
  for (let t = first; t <= last; t++) {
    if (!output || !pass.y) {
      top.fill(1, t * width, (t + 1) * width)
      continue
    }
    const scores = new Float64Array(output.K).fill(1)
    if (foretold) {
      scores.set(softmax(pass.y, t * output.K, output.K))
      scores[targets![t]] -= 1
      for (let k = 0; k < output.K; k++) scores[k] /= last - first + 1
    }
    transposed(top, output.weight, scores, width, 0, 0, output.K, t * width)
  }
  return top
}

/** How surprising each next unit was, in bits, [T]; NaN where it is not known; null without text. */
export function surprises(pass: Pass): Float64Array | null {
  const { T, targets } = pass.sequence
  if (!foretells(pass) || !pass.y || !targets) return null
  const K = pass.model.output!.K
  return Float64Array.from({ length: T }, (_, t) =>
    targets[t] < 0 ? NaN : -Math.log2(Math.max(softmax(pass.y!, t * K, K)[targets[t]] ?? 0, 1e-30)),
  )
}

/** The size of each step's row, [T]. */
export function rowNorms(values: Float64Array, T: number): Float64Array {
  const width = values.length / T
  const norms = new Float64Array(T)
  for (let t = 0; t < T; t++) {
    let sum = 0
    for (let k = t * width; k < (t + 1) * width; k++) sum += values[k] * values[k]
    norms[t] = Math.sqrt(sum)
  }
  return norms
}

/** How many directions stand for all where a state has more units, and what all may cost. */
export const PROBES = 32
const BUDGET = 2.5e8

/** How many directions a layer's product of Jacobians takes; as many as the state has: exact. */
export function directions({ layer, T, c }: Trace): number {
  const size = c ? 2 * layer.H : layer.H
  if (size <= PROBES) return size
  return Math.max(4, Math.min(PROBES, Math.floor(BUDGET / (T * layer.wHh.length))))
}

/**
 * ‖J_T J_{T−1} … J_{t+1}‖ for every t, [T], as the root of the mean square over directions: 1 for
 * steps that change nothing. J: of the state, c and h of an LSTM. Exact up to PROBES units, else
 * estimated by random directions.
 */
export function productNorms(trace: Trace, from = trace.T - 1): Float64Array {
  const { T, layer } = trace
  const { H } = layer
  const size = trace.c ? 2 * H : H
  const count = directions(trace)
  const exact = count === size
  const draw = gaussian(1)
  const squares = new Float64Array(T)
  for (let k = 0; k < count; k++) {
    const v = new Float64Array(size)
    if (exact) v[k] = 1
    else for (let j = 0; j < size; j++) v[j] = draw()
    let d = v.slice(0, H)
    let dc = trace.c ? v.slice(H) : new Float64Array(H)
    for (let t = from; t >= 0; t--) {
      let sum = 0
      for (let j = 0; j < H; j++) sum += d[j] * d[j]
      if (trace.c) for (let j = 0; j < H; j++) sum += dc[j] * dc[j]
      squares[t] += sum
      if (t === 0) break
      const back = BACK[layer.cell](trace, t, d, dc)
      d = back.h as Float64Array<ArrayBuffer>
      if (back.c) dc = back.c as Float64Array<ArrayBuffer>
    }
  }
  return squares.map((s) => Math.sqrt(s / (exact ? size : count * size)))
}

/** Normal numbers, the same for the same seed. */
export function gaussian(seed: number): () => number {
  let state = (seed * 2654435769) >>> 0
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let a = Math.imul(state ^ (state >>> 15), state | 1)
    a ^= a + Math.imul(a ^ (a >>> 7), a | 61)
    return (((a ^ (a >>> 14)) >>> 0) + 0.5) / 4294967296
  }
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
}

/** What changes do: the mean surprise before and after, in bits, and how far the outputs moved. */
export function lossAndMove(
  was: Pass,
  is: Pass,
): { bits: readonly [number, number] | null; moved: number } {
  const [a, b] = [was.y ?? was.layers.at(-1)!.h, is.y ?? is.layers.at(-1)!.h]
  let sum = 0
  for (let k = 0; k < a.length; k++) sum += Math.abs(a[k] - b[k])
  const mean = (pass: Pass) => {
    const known = surprises(pass)?.filter((v) => !Number.isNaN(v))
    return known && known.length > 0 ? known.reduce((s, v) => s + v, 0) / known.length : null
  }
  const [before, now] = [mean(was), mean(is)]
  return { bits: before === null || now === null ? null : [before, now], moved: sum / a.length }
}
