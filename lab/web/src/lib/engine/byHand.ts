/**
 * One unit at one step, by hand: every product, sum and squashing, with its equation, in the
 * project's symbols and in the textbook's, which calls the gates gate_reset and gate_update, the
 * candidate r, and what is kept u.
 */

import type { Gate, Titles } from './bundle'
import { before, sigmoid, type Pass, type Trace } from './forward'
import type { Edits } from './whatif'

/** What an equation is about: a gate, what is kept (u), the states, the output, a unit's part in it. */
export type Part = Gate | 'u' | 'c' | 'h' | 'y' | 'share'

/** A row of a weight matrix times a vector: the terms, and the values' names. */
export interface Product {
  ours: string
  names: (j: number) => string
  weights: Float64Array
  values: Float64Array
  sum: number
}

/** An equation in TeX, the numbers put into it, and what comes out. */
export interface Line {
  part: Part
  ours: string
  theirs: string | null
  numbers: string
  value: number
  products: Product[]
  /** A what-if change holds it: the equation was not asked. */
  held: boolean
}

export type StageName =
  'resetAndCandidate' | 'updateGate' | 'newState' | 'gates' | 'cellState' | 'output'

export interface Stage {
  name: StageName
  lines: Line[]
}

/** The whole way: its stages, the result, and what the layer computed. */
export interface ByHand {
  stages: Stage[]
  result: number
  byLayer: number
}

/** How numbers are written. */
export type Write = (value: number) => string

/** How far the result by hand may lie from the layer's, which it keeps as 32-bit numbers. */
export const TOLERANCE = 1e-5

export function byHand(
  pass: Pass,
  place: { layer: number; unit: number; t: number },
  edits: Edits,
  write: Write,
  row = 0,
  language: keyof Titles = 'en',
): ByHand {
  const trace = pass.layers[place.layer]
  const step = new Step(pass, trace, place.layer, place.unit, place.t, edits, write, language)
  const stages = { gru: ofGru, lstm: ofLstm, rnn: ofRnn }[trace.layer.cell](step)
  const result = stages.at(-1)!.lines.at(-1)!.value
  const top = trace.layer.depth === pass.layers.at(-1)!.layer.depth
  if (top && pass.model.output) stages.push(step.output(row))
  return { stages, result, byLayer: trace.h[place.t * trace.layer.H + place.unit] }
}

class Step {
  readonly H: number
  private readonly x: Float64Array
  private readonly xName: (j: number) => string
  /** h_{t−1} */
  readonly old: Float64Array
  readonly oldC: number

  constructor(
    private readonly pass: Pass,
    readonly trace: Trace,
    private readonly index: number,
    readonly unit: number,
    readonly t: number,
    private readonly edits: Edits,
    private readonly write: Write,
    language: keyof Titles,
  ) {
    const { layer, x, h, c } = trace
    this.H = layer.H
    this.x = Float64Array.from(x.subarray(t * layer.I, (t + 1) * layer.I))
    const columns = pass.model.columns
    this.xName =
      layer.depth === 0 && columns.length === layer.I
        ? (j) => columns[j][language]
        : (j) => `x[${String(j)}]`
    const earlier = before(trace, t)
    this.old =
      earlier < 0
        ? new Float64Array(this.H)
        : Float64Array.from(h.subarray(earlier * this.H, (earlier + 1) * this.H))
    this.oldC = c && earlier >= 0 ? c[earlier * this.H + unit] : 0
  }

  /** A number as it stands in a sum or product: in brackets where it is negative. */
  in(value: number): string {
    const text = this.write(value)
    return /^[-−]/.test(text) ? `(${text})` : text
  }

  plain(value: number): string {
    return this.write(value)
  }

  /** Row `unit` of a gate's block of wIh or wHh, times x_t or `by`. */
  product(side: 'x' | 'h', gate: number, ours: string, by?: Float64Array): Product {
    const { layer } = this.trace
    const W = side === 'x' ? layer.wIh : layer.wHh
    const columns = side === 'x' ? layer.I : this.H
    const row = gate * this.H + this.unit
    const weights = Float64Array.from(W.subarray(row * columns, (row + 1) * columns))
    const values = side === 'x' ? this.x : (by ?? this.old)
    const sum = weights.reduce((total, w, j) => total + w * values[j], 0)
    return {
      ours,
      names: side === 'x' ? this.xName : (j) => `h[${String(j)}]`,
      weights,
      values,
      sum,
    }
  }

  bias(side: 'bIh' | 'bHh', gate: number): number {
    return this.trace.layer[side][gate * this.H + this.unit]
  }

  /** The value that a what-if change holds a gate at, or null. */
  held(gate: Gate): number | null {
    const own = this.edits.gates.filter(
      (e) =>
        e.layer === this.index &&
        e.gate === gate &&
        e.unit === this.unit &&
        (e.at === null || e.at === this.t),
    )
    return own.at(-1)?.value ?? null
  }

  /** σ or tanh of what input and state say to a gate. */
  gate(letter: Gate, block: number, name: string, squash: 'σ' | 'tanh' = 'σ'): Line {
    const fromX = this.product('x', block, `W_{i${letter}}\\,x_t`)
    const fromH = this.product('h', block, `W_{h${letter}}\\,h_{t-1}`)
    const [bI, bH] = [this.bias('bIh', block), this.bias('bHh', block)]
    const a = fromX.sum + bI + fromH.sum + bH
    const held = this.held(letter)
    const tex = squash === 'σ' ? '\\sigma' : '\\tanh'
    const theirs = squash === 'σ' ? `\\text{gate\\_${name}}` : '\\text{candidate}'
    return {
      part: letter,
      ours: `${letter}_t = ${tex}(W_{i${letter}}\\,x_t + b_{i${letter}} + W_{h${letter}}\\,h_{t-1} + b_{h${letter}})`,
      theirs: `${theirs} = ${tex}(W_{\\text{input\\_${name}}}\\cdot x_t + W_{\\text{hidden\\_${name}}}\\cdot h_{t-1})`,
      numbers: `${squash}(${this.plain(fromX.sum)} + ${this.in(bI)} + ${this.in(fromH.sum)} + ${this.in(bH)}) = ${squash}(${this.plain(a)})`,
      value: held ?? (squash === 'σ' ? sigmoid(a) : Math.tanh(a)),
      products: [fromX, fromH],
      held: held !== null,
    }
  }

  /** The linear output that reads the state, and the unit's part in it. */
  output(k: number): Stage {
    const { weight, bias, K } = this.pass.model.output!
    const top = this.pass.layers.filter((t) => t.layer.depth === this.trace.layer.depth)
    const width = weight.length / K
    const at = top.slice(0, top.indexOf(this.trace)).reduce((sum, t) => sum + t.layer.H, 0)
    const weights = Float64Array.from(weight.subarray(k * width, (k + 1) * width))
    const values = Float64Array.from(
      top.flatMap((t) => Array.from(t.h.subarray(this.t * t.layer.H, (this.t + 1) * t.layer.H))),
    )
    const sum = weights.reduce((total, w, j) => total + w * values[j], 0)
    const own = at + this.unit
    const line = (
      part: Part,
      ours: string,
      theirs: string | null,
      numbers: string,
      value: number,
      products: Product[] = [],
    ): Line => ({ part, ours, theirs, numbers, value, products, held: false })
    return {
      name: 'output',
      lines: [
        line(
          'y',
          `y_t[${String(k)}] = V\\,h_t + a`,
          '\\text{output} = W_{\\text{output}}\\cdot h_t + b_{\\text{output}}',
          `${this.plain(sum)} + ${this.in(bias[k])}`,
          sum + bias[k],
          [{ ours: 'V\\,h_t', names: (j) => `h[${String(j)}]`, weights, values, sum }],
        ),
        line(
          'share',
          `V[${String(k)}, ${String(own)}]\\cdot h_t[${String(own)}]`,
          null,
          `${this.in(weights[own])} · ${this.in(values[own])}`,
          weights[own] * values[own],
        ),
      ],
    }
  }
}

const GATE = (name: string): string => `\\text{gate\\_${name}}`

function ofGru(step: Step): Stage[] {
  const { unit, old } = step
  const after = step.trace.layer.resetAfter
  const reset = step.gate('r', 0, 'reset')
  const update = step.gate('z', 1, 'update')
  const r = step.trace.gates.r!
  const seen = after
    ? old
    : old.map((h, j) => h * (j === unit ? reset.value : r[step.t * step.H + j]))
  const what = after ? 'h_{t-1}' : '(r_t \\odot h_{t-1})'
  const fromH = step.product('h', 2, `W_{hn}\\,${what}`, seen)
  const [bI, bH] = [step.bias('bIh', 2), step.bias('bHh', 2)]
  const q = fromH.sum + bH
  const recurrent: Line = {
    part: 'q',
    ours: `q_t = W_{hn}\\,${what} + b_{hn}`,
    theirs: after ? 'W_h\\cdot h_{t-1}' : `W_h\\cdot(${GATE('reset')}\\odot h_{t-1})`,
    numbers: `${step.plain(fromH.sum)} + ${step.in(bH)}`,
    value: q,
    products: [fromH],
    held: false,
  }
  const fromX = step.product('x', 2, 'W_{in}\\,x_t')
  const a = fromX.sum + bI + (after ? reset.value * q : q)
  const shown = after ? `${step.in(reset.value)} · ${step.in(q)}` : step.in(q)
  const heldN = step.held('n')
  const candidate: Line = {
    part: 'n',
    ours: `n_t = \\tanh(W_{in}\\,x_t + b_{in} + ${after ? 'r_t \\odot q_t' : 'q_t'})`,
    theirs: after
      ? `r = \\tanh(${GATE('reset')}\\odot(W_h\\cdot h_{t-1}) + W_x\\cdot x_t)`
      : `r = \\tanh(W_h\\cdot(${GATE('reset')}\\odot h_{t-1}) + W_x\\cdot x_t)`,
    numbers: `tanh(${step.plain(fromX.sum)} + ${step.in(bI)} + ${shown}) = tanh(${step.plain(a)})`,
    value: heldN ?? Math.tanh(a),
    products: [fromX],
    held: heldN !== null,
  }
  const [z, n] = [update.value, candidate.value]
  const kept = z * old[unit]
  const keeping: Line = {
    part: 'u',
    ours: 'z_t \\odot h_{t-1}',
    theirs: `u = ${GATE('update')}\\odot h_{t-1}`,
    numbers: `${step.in(z)} · ${step.in(old[unit])}`,
    value: kept,
    products: [],
    held: false,
  }
  const state: Line = {
    part: 'h',
    ours: 'h_t = (1 - z_t)\\odot n_t + z_t \\odot h_{t-1}',
    theirs: `h_t = r\\odot(1 - ${GATE('update')}) + u`,
    numbers: `(1 − ${step.in(z)}) · ${step.in(n)} + ${step.in(kept)}`,
    value: (1 - z) * n + kept,
    products: [],
    held: false,
  }
  return [
    { name: 'resetAndCandidate', lines: [reset, recurrent, candidate] },
    { name: 'updateGate', lines: [update, keeping] },
    { name: 'newState', lines: [state] },
  ]
}

function ofLstm(step: Step): Stage[] {
  const i = step.gate('i', 0, 'input')
  const f = step.gate('f', 1, 'forget')
  const g = step.gate('g', 2, 'candidate', 'tanh')
  const o = step.gate('o', 3, 'output')
  const c = f.value * step.oldC + i.value * g.value
  const cell: Line = {
    part: 'c',
    ours: 'c_t = f_t \\odot c_{t-1} + i_t \\odot g_t',
    theirs: `c_t = ${GATE('forget')}\\odot c_{t-1} + ${GATE('input')}\\odot\\text{candidate}`,
    numbers: `${step.in(f.value)} · ${step.in(step.oldC)} + ${step.in(i.value)} · ${step.in(g.value)}`,
    value: c,
    products: [],
    held: false,
  }
  const hidden: Line = {
    part: 'h',
    ours: 'h_t = o_t \\odot \\tanh(c_t)',
    theirs: `h_t = ${GATE('output')}\\odot\\tanh(c_t)`,
    numbers: `${step.in(o.value)} · tanh(${step.plain(c)})`,
    value: o.value * Math.tanh(c),
    products: [],
    held: false,
  }
  return [
    { name: 'gates', lines: [i, f, o] },
    { name: 'cellState', lines: [g, cell] },
    { name: 'newState', lines: [hidden] },
  ]
}

function ofRnn(step: Step): Stage[] {
  const { relu } = step.trace.layer
  const [squash, tex] = relu ? ['ReLU', '\\operatorname{ReLU}'] : ['tanh', '\\tanh']
  const fromX = step.product('x', 0, 'W_{ih}\\,x_t')
  const fromH = step.product('h', 0, 'W_{hh}\\,h_{t-1}')
  const [bI, bH] = [step.bias('bIh', 0), step.bias('bHh', 0)]
  const a = fromX.sum + bI + fromH.sum + bH
  const held = step.held('n')
  const line: Line = {
    part: 'h',
    ours: `h_t = ${tex}(W_{ih}\\,x_t + b_{ih} + W_{hh}\\,h_{t-1} + b_{hh})`,
    theirs: `h_t = ${tex}(W_x\\cdot x_t + W_h\\cdot h_{t-1})`,
    numbers: `${squash}(${step.plain(fromX.sum)} + ${step.in(bI)} + ${step.in(fromH.sum)} + ${step.in(bH)}) = ${squash}(${step.plain(a)})`,
    value: held ?? (relu ? Math.max(a, 0) : Math.tanh(a)),
    products: [fromX, fromH],
    held: held !== null,
  }
  return [{ name: 'newState', lines: [line] }]
}
