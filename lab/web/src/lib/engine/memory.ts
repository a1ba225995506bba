/** How far back the network looks, and for how long its units keep. */

import { gaussian, surprises, throughNetwork, transposed } from './backward'
import { KEEP, type Model } from './bundle'
import { run, type Pass, type Trace } from './forward'
import type { Sequence } from './sequence'
import type { Edits } from './whatif'

/** −1 / log(mean keep), in steps; 0 where nothing is kept. */
export function timeConstant(keep: number): number {
  if (keep <= 0) return 0
  return keep >= 1 ? Infinity : -1 / Math.log(keep)
}

/** After how many steps half is left, where each step keeps this share. */
export const halfLife = (keep: number): number => Math.LN2 * timeConstant(keep)

/**
 * The mean share of its state that each unit keeps a step, [H]. A plain RNN keeps none: there it is
 * how alike neighbouring states are, their correlation.
 */
export function meanKeep(trace: Trace): Float64Array {
  const { T, layer, h } = trace
  const { H } = layer
  const gate = KEEP[layer.cell]
  const keep = gate ? trace.gates[gate]! : null
  return Float64Array.from({ length: H }, (_, j) => {
    if (!keep) return Math.max(0, alike(h, T, H, j))
    let sum = 0
    for (let t = 0; t < T; t++) sum += keep[t * H + j]
    return T > 0 ? sum / T : 0
  })
}

function alike(h: Float32Array, T: number, H: number, j: number): number {
  let mean = 0
  for (let t = 0; t < T; t++) mean += h[t * H + j] / T
  let [together, alone] = [0, 0]
  for (let t = 0; t < T; t++) {
    const own = h[t * H + j] - mean
    alone += own * own
    if (t > 0) together += own * (h[(t - 1) * H + j] - mean)
  }
  return alone > 0 ? together / alone : 0
}

/** The units, those that keep longest first. */
export function byTimeConstant(keep: Float64Array): number[] {
  return Array.from(keep.keys()).sort((a, b) => keep[b] - keep[a] || a - b)
}

/** ‖∂y_t/∂x_s‖ for some steps t, and every s: norms [times, T]. */
export interface Influence {
  T: number
  times: number[]
  norms: Float64Array
  probes: number
}

/** How many products of a number and a weight the page spends on one influence. */
export const BUDGET = 1.5e9

/**
 * How strongly each input moves each output, a few rows at a time, so that the page stays awake:
 * the last value is whole. The norm is Frobenius', estimated by random directions. Of outputs before
 * step `from` none is asked.
 */
export function* influence(pass: Pass, outputs = 64, probes = 4, from = 0): Generator<Influence> {
  const { T } = pass.sequence
  const size = pass.layers.reduce((sum, { layer }) => sum + layer.wHh.length + layer.wIh.length, 0)
  const most = Math.max(4, Math.floor(BUDGET / Math.max(1, (size * probes * T) / 2)))
  const times = spread(T - from, Math.min(outputs, most)).map((k) => from + k)
  const norms = new Float64Array(times.length * T)
  const draw = gaussian(7)
  const { output } = pass.model
  const depth = pass.layers.at(-1)!.layer.depth
  const width = pass.layers.reduce((w, { layer }) => w + (layer.depth === depth ? layer.H : 0), 0)
  for (const [row, t] of times.entries()) {
    for (let p = 0; p < probes; p++) {
      const top = new Float64Array(T * width)
      const v = Float64Array.from({ length: output?.K ?? width }, draw)
      if (output) transposed(top, output.weight, v, width, 0, 0, output.K, t * width)
      else top.set(v, t * width)
      const { x } = throughNetwork(pass, top, t, t)[0]
      const bothWays = pass.layers.some(({ layer }) => layer.reverse)
      const I = x.length / T
      for (let s = 0; s <= (bothWays ? T - 1 : t); s++) {
        let sum = 0
        for (let k = s * I; k < (s + 1) * I; k++) sum += x[k] * x[k]
        norms[row * T + s] += sum / probes
      }
    }
    for (let s = 0; s < T; s++) norms[row * T + s] = Math.sqrt(norms[row * T + s])
    if (row % 4 === 3 || row === times.length - 1) yield { T, times, norms, probes }
  }
}

/** Up to `count` whole numbers from 0 to T − 1, spread evenly, with the last. */
export function spread(T: number, count: number): number[] {
  const many = Math.min(T, count)
  const at = Array.from({ length: many }, (_, k) =>
    many === 1 ? T - 1 : Math.round((k * (T - 1)) / (many - 1)),
  )
  return [...new Set(at)]
}

/** The mean share of the influence at each lag, [T], over the later half of the outputs. */
export function byLag({ T, times, norms }: Influence): Float64Array {
  const shares = new Float64Array(T)
  let whole = 0
  for (const [row, t] of times.entries()) {
    if (t < Math.floor(T / 2)) continue
    let sum = 0
    for (let s = 0; s < T; s++) sum += norms[row * T + s]
    if (sum === 0) continue
    whole += 1
    for (let s = 0; s < T; s++) shares[Math.abs(t - s)] += norms[row * T + s] / sum
  }
  return whole > 0 ? shares.map((share) => share / whole) : shares
}

export const SHARE = 0.95

/** The memory horizon: the smallest lag within which 95 % of the influence lies. */
export function horizon(shares: Float64Array): number {
  let sum = 0
  for (const [lag, share] of shares.entries()) {
    sum += share
    if (sum >= SHARE) return lag
  }
  return 0
}

/** The loss, in bits, where the network remembers only its last so many steps. */
export interface ByContext {
  context: number
  bits: number
}

/** Mean surprise at up to `positions` units of the later half, for contexts of 1, 2, 4, … steps. */
export function* lossByContext(
  model: Model,
  sequence: Sequence,
  edits: Edits,
  positions = 24,
): Generator<ByContext> {
  const { T } = sequence
  const first = Math.floor(T / 2)
  if (T < 4 || !sequence.targets) return
  const places = spread(T - 1 - first, positions).map((k) => first + k)
  for (let context = 1; ; context *= 2) {
    const whole = context >= T
    let sum = 0
    for (const t of places) {
      const from = whole ? 0 : Math.max(0, t - context + 1)
      const bits = surprises(run(model, cut(model, sequence, from, t + 1), withoutSteps(edits)))
      if (!bits) return
      sum += bits[bits.length - 1]
    }
    yield { context: whole ? T : context, bits: sum / places.length }
    if (whole) return
  }
}

function cut(
  model: Model,
  { x, labels, ids, targets }: Sequence,
  from: number,
  to: number,
): Sequence {
  return {
    T: to - from,
    x: x.slice(from * model.I, to * model.I),
    labels: labels.slice(from, to),
    ids: ids?.slice(from, to) ?? null,
    targets: targets?.slice(from, to) ?? null,
  }
}

/** Steps are counted anew in a piece of a sequence: only what holds at every step stays. */
function withoutSteps(edits: Edits): Edits {
  return { ...edits, inputs: [], gates: edits.gates.filter((edit) => edit.at === null) }
}
