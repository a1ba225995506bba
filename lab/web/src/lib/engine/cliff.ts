/**
 * Two weights and a cliff: a plain recurrent network of one unit, whose loss has a wall where the
 * state begins to hold (after Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063). And walkers that
 * go down it, with and without clipping.
 */

import { sigmoid } from './forward'

/** The recurrent weight and the bias. */
export type Point = readonly [w: number, b: number]

const STEPS = 50
const START = 0.5
const GOAL = 0.7

/** Where the map lies: from and to, of w and of b. */
export const FIELD = { w: [3.2, 6.2], b: [-3, -1.3] } as const

/** (h_T − goal)², h_t = σ(w h_{t−1} + b), and its gradient by w and b, through all steps. */
export function cliff([w, b]: Point): { loss: number; gradient: [number, number] } {
  let h = START
  let [byW, byB] = [0, 0]
  for (let t = 0; t < STEPS; t++) {
    const next = sigmoid(w * h + b)
    const slope = next * (1 - next)
    byW = slope * (h + w * byW)
    byB = slope * (1 + w * byB)
    h = next
  }
  const error = h - GOAL
  return { loss: error * error, gradient: [2 * error * byW, 2 * error * byB] }
}

export type Way = 'none' | 'value' | 'norm'
export const WAYS: readonly Way[] = ['none', 'value', 'norm']

/** The gradient after clipping at a threshold. */
export function clip([gw, gb]: readonly [number, number], way: Way, at: number): [number, number] {
  if (way === 'value') {
    const cut = (g: number) => Math.min(at, Math.max(-at, g))
    return [cut(gw), cut(gb)]
  }
  const norm = Math.hypot(gw, gb)
  if (way === 'none' || norm <= at) return [gw, gb]
  return [(gw * at) / norm, (gb * at) / norm]
}

/** Between two arrows, in degrees; 0 where one has no length. */
export function angle(a: readonly [number, number], b: readonly [number, number]): number {
  const lengths = Math.hypot(...a) * Math.hypot(...b)
  if (lengths === 0) return 0
  const sine = Math.abs(a[0] * b[1] - a[1] * b[0]) / lengths
  const cosine = (a[0] * b[0] + a[1] * b[1]) / lengths
  return (Math.atan2(sine, cosine) * 180) / Math.PI
}

/** A step of a walk: where it stands, and what the gradient there was before and after clipping. */
export interface Footprint {
  at: Point
  loss: number
  before: [number, number]
  after: [number, number]
}

/** Plain gradient descent from a point, so many steps. */
export function descend(
  from: Point,
  way: Way,
  threshold: number,
  rate: number,
  steps: number,
): Footprint[] {
  const path: Footprint[] = []
  let at = from
  for (let k = 0; k <= steps; k++) {
    const { loss, gradient } = cliff(at)
    const after = clip(gradient, way, threshold)
    path.push({ at, loss, before: gradient, after })
    at = [at[0] - rate * after[0], at[1] - rate * after[1]]
  }
  return path
}
