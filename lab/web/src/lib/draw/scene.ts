/**
 * The unrolled unit as a weave: a thread is a unit, threads run from left to right through strips
 * (vectors) and sluices (gates), and where a product of matrices mixes them, they end in a knot.
 * Positions are in units of the drawing, WIDTH × HEIGHT.
 */

import { before, type Cell, type Gate, type Part, type Trace } from '$lib/engine'
import type { Phase } from '$lib/words/words'

export const WIDTH = 1120
/** How high a strip is. */
const S = 150
/** Where the two lanes begin. */
const A = 58
const B = 272
const LEFT = 196

/** When something appears: from and to, of the step's 0 to 1. */
export type When = readonly [number, number]

/** A vector, drawn as a column; a sluice where it multiplies the threads that cross it. */
export interface Strip {
  part: Part | 'x' | 'old' | 'oldC'
  /** As it is written on the drawing. */
  symbol: string
  x: number
  y: number
  width: number
  height: number
  values: Float32Array
  from: number
  count: number
  scale: 'signed' | 'share'
  when: When
  /** 1 − value is what multiplies here. */
  turned?: boolean
  /** What is asked when it is clicked. */
  asks: Part | null
}

/** Threads from one strip to the next; `value` of each unit; may change lanes. */
export interface Ribbon {
  x: readonly [number, number]
  y: readonly [number, number]
  value: (unit: number) => number
  when: When
  /** Leaves the picture, and fades. */
  leaves?: boolean
}

/** A product of matrices: input or state on its way to a gate. */
export interface Wire {
  points: readonly (readonly [number, number])[]
  of: 'x' | 'h'
  when: When
  to: Part
}

/** A knot: an operation with its sign. */
export interface Knot {
  x: number
  y: number
  sign: string
  when: When
}

/** A word beside a ribbon. */
export interface Label {
  word: 'kept' | 'replaced'
  x: number
  y: number
}

export interface Scene {
  height: number
  labels: Label[]
  strips: Strip[]
  ribbons: Ribbon[]
  wires: Wire[]
  knots: Knot[]
  phases: readonly (readonly [Phase, number])[]
  /** How large numbers get, for the colours of the states. */
  most: number
}

interface At {
  trace: Trace
  t: number
}

const NONE = new Float32Array(0)

export function scene(trace: Trace, t: number): Scene {
  return SCENES[trace.layer.cell]({ trace, t })
}

/** What every scene begins with: the old state and the input. */
function beginnings({ trace, t }: At, y: number): { old: Strip; input: Strip; at: number } {
  const { H, I } = trace.layer
  const earlier = before(trace, t)
  const old: Strip = {
    part: 'old',
    symbol: 'h₋',
    x: LEFT,
    y,
    width: 22,
    height: S,
    values: earlier < 0 ? NONE : trace.h,
    from: Math.max(0, earlier * H),
    count: H,
    scale: 'signed',
    when: [0, 0.06],
    asks: null,
  }
  const input: Strip = {
    part: 'x',
    symbol: 'x',
    x: 96,
    y: B + 26,
    width: 22,
    height: 98,
    values: trace.x,
    from: t * I,
    count: I,
    scale: 'signed',
    when: [0, 0.06],
    asks: null,
  }
  return { old, input, at: earlier * H }
}

function strip(
  { trace, t }: At,
  part: Part,
  symbol: string,
  x: number,
  y: number,
  when: When,
  more: Partial<Strip> = {},
): Strip {
  const { H } = trace.layer
  const values = part === 'h' ? trace.h : part === 'c' ? trace.c! : trace.gates[part as Gate]!
  const gate = ['r', 'z', 'i', 'f', 'o'].includes(part)
  return {
    part,
    symbol,
    x,
    y,
    width: gate ? 30 : 22,
    height: S,
    values,
    from: t * H,
    count: H,
    scale: gate ? 'share' : 'signed',
    when,
    asks: part,
    ...more,
  }
}

const reader = (own: Strip) => (unit: number) => own.values[own.from + unit] ?? 0

function gru(at: At): Scene {
  const { old, input } = beginnings(at, A)
  const after = at.trace.layer.resetAfter
  const h0 = reader(old)
  const r = strip(at, 'r', 'r', after ? 404 : 300, B, [0.1, 0.22])
  const q = strip(at, 'q', 'q', after ? 290 : 420, B, after ? [0.1, 0.22] : [0.24, 0.34])
  const n = strip(at, 'n', 'n', 532, B, [0.34, 0.46])
  const z = strip(at, 'z', 'z', 660, A, [0.48, 0.6])
  const notZ = strip(at, 'z', '1−z', 660, B, [0.48, 0.6], { turned: true })
  const h = strip(at, 'h', 'h', 920, A, [0.84, 0.9])
  const [zOf, nOf, rOf, qOf, hOf] = [reader(z), reader(n), reader(r), reader(q), reader(h)]
  const line: Ribbon[] = after
    ? [
        { x: [312, 404], y: [B, B], value: qOf, when: [0.22, 0.28] },
        { x: [434, 532], y: [B, B], value: (j) => rOf(j) * qOf(j), when: [0.28, 0.36] },
      ]
    : [
        { x: [218, 300], y: [A, B], value: h0, when: [0.06, 0.18] },
        { x: [330, 408], y: [B, B], value: (j) => rOf(j) * h0(j), when: [0.2, 0.28] },
        { x: [442, 532], y: [B, B], value: qOf, when: [0.3, 0.38] },
      ]
  return {
    height: 500,
    labels: [
      { word: 'kept', x: 790, y: A - 12 },
      { word: 'replaced', x: 800, y: B + S + 4 },
    ],
    strips: [old, input, r, q, n, z, notZ, h],
    ribbons: [
      { x: [218, 660], y: [A, A], value: h0, when: [0.06, 0.5] },
      ...line,
      { x: [554, 660], y: [B, B], value: nOf, when: [0.46, 0.52] },
      { x: [690, 840], y: [A, A], value: (j) => zOf(j) * h0(j), when: [0.6, 0.76] },
      { x: [690, 840], y: [B, A], value: (j) => (1 - zOf(j)) * nOf(j), when: [0.6, 0.8] },
      { x: [852, 920], y: [A, A], value: hOf, when: [0.8, 0.86] },
      { x: [942, WIDTH], y: [A, A], value: hOf, when: [0.9, 1], leaves: true },
    ],
    wires: [
      ...toGate(r, [0.06, 0.14]),
      ...(after ? [wire('h', q, 'top', [0.06, 0.14])] : []),
      wire('x', n, 'bottom', [0.24, 0.36]),
      ...toGate(z, [0.4, 0.5]),
    ],
    knots: [
      { x: after ? 452 : 348, y: B + S / 2, sign: '×', when: r.when },
      { x: 708, y: A + S / 2, sign: '×', when: z.when },
      { x: 708, y: B + S / 2, sign: '×', when: z.when },
      { x: 846, y: A + S / 2, sign: '+', when: [0.74, 0.8] },
      ...(after ? [] : [{ x: 390, y: B + S / 2, sign: 'W', when: [0.22, 0.3] as When }]),
      { x: 502, y: B + S / 2, sign: 'tanh', when: [0.34, 0.42] },
    ],
    phases: [
      ['arrive', 0],
      ['reset', 0.08],
      ['candidate', 0.3],
      ['update', 0.46],
      ['blend', 0.62],
      ['out', 0.88],
    ],
    most: 1,
  }
}

function lstm(at: At): Scene {
  const { trace, t } = at
  const { H } = trace.layer
  const { old, input } = beginnings(at, B)
  const earlier = before(trace, t)
  const oldC: Strip = {
    ...old,
    part: 'oldC',
    symbol: 'c₋',
    y: A,
    values: earlier < 0 ? NONE : trace.c!,
    from: Math.max(0, earlier * H),
  }
  const g = strip(at, 'g', 'g', 322, B, [0.1, 0.24])
  const i = strip(at, 'i', 'i', 446, B, [0.1, 0.24])
  const f = strip(at, 'f', 'f', 446, A, [0.1, 0.24])
  const c = strip(at, 'c', 'c', 690, A, [0.56, 0.62])
  const o = strip(at, 'o', 'o', 880, B, [0.66, 0.76])
  const h = strip(at, 'h', 'h', 1004, B, [0.84, 0.9])
  const [c0, gOf, iOf, fOf, cOf, hOf] = [oldC, g, i, f, c, h].map(reader)
  const seen = (j: number) => Math.tanh(cOf(j))
  let most = 1
  for (let j = 0; j < H; j++) most = Math.max(most, Math.abs(cOf(j)), Math.abs(c0(j)))
  return {
    height: 500,
    labels: [
      { word: 'kept', x: 590, y: A - 12 },
      { word: 'replaced', x: 570, y: B + S + 4 },
    ],
    strips: [oldC, old, input, g, i, f, c, o, h],
    ribbons: [
      { x: [218, 446], y: [A, A], value: c0, when: [0.06, 0.26] },
      { x: [344, 446], y: [B, B], value: gOf, when: [0.24, 0.3] },
      { x: [476, 610], y: [A, A], value: (j) => fOf(j) * c0(j), when: [0.28, 0.5] },
      { x: [476, 610], y: [B, A], value: (j) => iOf(j) * gOf(j), when: [0.32, 0.52] },
      { x: [622, 690], y: [A, A], value: cOf, when: [0.52, 0.58] },
      { x: [712, WIDTH], y: [A, A], value: cOf, when: [0.62, 0.9], leaves: true },
      { x: [712, 830], y: [A, B], value: cOf, when: [0.62, 0.7] },
      { x: [842, 880], y: [B, B], value: seen, when: [0.7, 0.76] },
      { x: [910, 1004], y: [B, B], value: hOf, when: [0.78, 0.86] },
      { x: [1026, WIDTH], y: [B, B], value: hOf, when: [0.9, 1], leaves: true },
    ],
    wires: [
      wire('h', g, 'top', [0.06, 0.14]),
      wire('x', g, 'bottom', [0.06, 0.14]),
      ...toGate(i, [0.06, 0.14]),
      ...toGate(f, [0.06, 0.14]),
      ...toGate(o, [0.06, 0.66]),
    ],
    knots: [
      { x: 494, y: A + S / 2, sign: '×', when: f.when },
      { x: 494, y: B + S / 2, sign: '×', when: i.when },
      { x: 616, y: A + S / 2, sign: '+', when: [0.46, 0.54] },
      { x: 836, y: B + S / 2, sign: 'tanh', when: [0.66, 0.72] },
      { x: 928, y: B + S / 2, sign: '×', when: o.when },
    ],
    phases: [
      ['arrive', 0],
      ['gates', 0.08],
      ['forget', 0.28],
      ['add', 0.42],
      ['show', 0.62],
      ['out', 0.88],
    ],
    most: Math.min(most, 4),
  }
}

function rnn(at: At): Scene {
  const { old, input } = beginnings(at, A)
  const h = strip(at, 'h', 'h', 690, A, [0.6, 0.75])
  const hOf = reader(h)
  let most = 1
  for (let j = 0; j < h.count; j++) most = Math.max(most, Math.abs(hOf(j)))
  return {
    height: 440,
    labels: [],
    strips: [old, input, h],
    ribbons: [
      { x: [218, 300], y: [A, A], value: reader(old), when: [0.06, 0.16], leaves: true },
      { x: [640, 690], y: [A, A], value: hOf, when: [0.56, 0.66] },
      { x: [712, WIDTH], y: [A, A], value: hOf, when: [0.75, 1], leaves: true },
    ],
    wires: [wire('h', h, 'left', [0.14, 0.5]), wire('x', h, 'left', [0.14, 0.5])],
    knots: [
      { x: 612, y: A + S / 2, sign: at.trace.layer.relu ? 'ReLU' : 'tanh', when: [0.46, 0.58] },
    ],
    phases: [
      ['arrive', 0],
      ['mix', 0.14],
      ['out', 0.75],
    ],
    most,
  }
}

const SCENES: Record<Cell, (at: At) => Scene> = { gru, lstm, rnn }

/** The two buses that run between the lanes: of the old state, and of the input. */
export const BUS = { h: A + S + 20, x: B - 22 } as const
const H_BUS = BUS.h
const X_BUS = BUS.x

/** From the old state or the input to a strip's edge. */
function wire(of: 'x' | 'h', to: Strip, edge: 'top' | 'bottom' | 'left', when: When): Wire {
  const bus = of === 'h' ? H_BUS : X_BUS
  const middle = to.x + to.width / 2 + (of === 'h' ? -5 : 5)
  const begin: [number, number][] =
    of === 'h'
      ? [[LEFT + 11, bus]]
      : [
          [107, B + 30],
          [107, bus],
        ]
  if (edge === 'left') {
    const y = to.y + to.height / 2
    return {
      points: [...begin, [of === 'h' ? 606 : 618, bus], [of === 'h' ? 606 : 618, y + 12]],
      of,
      when,
      to: 'h',
    }
  }
  const upper = to.y < B
  const end: [number, number] = upper ? [middle, to.y + to.height + 2] : [middle, to.y - 2]
  return { points: [...begin, [middle, bus], end], of, when, to: to.part as Part }
}

function toGate(to: Strip, when: When): Wire[] {
  const edge = to.y < B ? 'bottom' : 'top'
  return [wire('h', to, edge, when), wire('x', to, edge, when)]
}

/** Where, from the top of the drawing, the lanes begin and how high they are. */
export const LANES = { A, B, S, LEFT } as const

/** The wire that passes a point, if one does within a few units of the drawing; where several run
 * together, the one that ends first. */
export function wireAt({ wires }: Scene, x: number, y: number): Wire | null {
  const REACH = 7
  const near = wires.filter(({ points }) =>
    points.slice(1).some(([x1, y1], k) => {
      const [x0, y0] = points[k]
      const beside = x >= Math.min(x0, x1) - REACH && x <= Math.max(x0, x1) + REACH
      return beside && y >= Math.min(y0, y1) - REACH && y <= Math.max(y0, y1) + REACH
    }),
  )
  const away = (wire: Wire) => Math.abs(wire.points.at(-1)![0] - x)
  return near.reduce<Wire | null>((best, w) => (best && away(best) <= away(w) ? best : w), null)
}
