/** The page's arithmetic beside the reference's numbers, which Python wrote. */

import { readdirSync, readFileSync } from 'node:fs'

import { describe, expect, test } from 'vitest'

import {
  backward,
  before,
  byHand,
  decode,
  influence,
  lossGradient,
  NONE,
  productNorms,
  run,
  throughNetwork,
  type Bundle,
  type Gate,
  type Pass,
} from './index'

interface Flat {
  shape: number[]
  values: number[]
}

interface Fixture {
  bundle: Bundle
  units: number[]
  targets: number[]
  x: Flat
  layers: Record<string, Flat>[]
  logits: Flat
  losses: Record<'last' | 'every', { layers: { h: Flat; c?: Flat }[]; x: Flat }>
  jacobians: Flat[]
  influence: { h: Flat; y: Flat }
}

const FOLDER = new URL('../../../tests/fixtures/', import.meta.url)
const FILES = readdirSync(FOLDER).filter((name) =>
  /-(after|before|tanh|relu|lstm)?-?\d\.json$/.test(name),
)

const TOLERANCE = 1e-5

function far(own: ArrayLike<number>, theirs: ArrayLike<number>): number {
  expect(own.length).toBe(theirs.length)
  let most = 0
  for (let k = 0; k < own.length; k++) most = Math.max(most, Math.abs(own[k] - theirs[k]))
  return most
}

test('there are fixtures of every cell and form', () => {
  expect(FILES.length).toBeGreaterThanOrEqual(10)
})

describe.each(FILES)('%s', (file) => {
  const fixture = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as Fixture
  const model = decode(fixture.bundle)
  const sequence = {
    T: fixture.units.length,
    x: Float32Array.from(fixture.x.values),
    labels: fixture.units.map(String),
    ids: Int32Array.from(fixture.units),
    targets: Int32Array.from(fixture.targets),
  }
  const pass: Pass = run(model, sequence)

  test('every gate, candidate and state of every layer is the reference’s', () => {
    for (const [k, own] of fixture.layers.entries()) {
      const { gates, h, c } = pass.layers[k]
      for (const [name, { values }] of Object.entries(own)) {
        const found = name === 'h' ? h : name === 'c' ? c : gates[name as Gate]
        expect(far(found ?? [], values), `layer ${String(k)} ${name}`).toBeLessThan(TOLERANCE)
      }
    }
  })

  test('the outputs are the reference’s', () => {
    expect(far(pass.y!, fixture.logits.values)).toBeLessThan(TOLERANCE)
  })

  test.each(['last', 'every'] as const)('the gradient of a loss at the %s step', (at) => {
    const found = throughNetwork(pass, lossGradient(pass, at))
    const expected = fixture.losses[at]
    for (const [k, own] of expected.layers.entries()) {
      expect(far(found[k].h, own.h.values)).toBeLessThan(TOLERANCE)
      if (own.c) expect(far(found[k].c!, own.c.values)).toBeLessThan(TOLERANCE)
    }
    expect(far(found[0].x, expected.x.values)).toBeLessThan(TOLERANCE)
  })

  test('norms of the products of Jacobians, from the matrices themselves', () => {
    for (const [k, { shape, values }] of fixture.jacobians.entries()) {
      const [T, S] = shape
      const norms = productNorms(pass.layers[k])
      let product = Array.from({ length: S }, (_, i) =>
        Array.from({ length: S }, (_, j) => Number(i === j)),
      )
      for (let t = T - 1; t >= 0; t--) {
        const squares = product.flat().reduce((sum, v) => sum + v * v, 0)
        const expected = Math.sqrt(squares / S)
        expect(Math.abs(norms[t] - expected)).toBeLessThan(TOLERANCE * Math.max(1, expected))
        product = product.map((row) =>
          row.map((_, j) => row.reduce((sum, v, m) => sum + v * values[(t * S + m) * S + j], 0)),
        )
      }
    }
  })

  test('the influence of each input on each output, estimated', () => {
    const [last] = [...influence(pass, 64, 400)].slice(-1)
    const { T } = last
    for (let t = 0; t < T; t++) {
      for (let s = 0; s <= t; s++) {
        const exact = fixture.influence.y.values[t * T + s]
        expect(last.norms[t * T + s]).toBeGreaterThan(0.8 * exact - 1e-6)
        expect(last.norms[t * T + s]).toBeLessThan(1.2 * exact + 1e-6)
      }
    }
  })

  test('by hand comes to what the layer computed, at every unit and step', () => {
    for (const [layer, trace] of pass.layers.entries()) {
      for (let t = 0; t < trace.T; t++) {
        for (let unit = 0; unit < trace.layer.H; unit++) {
          const own = byHand(pass, { layer, unit, t }, NONE, String)
          expect(Math.abs(own.result - own.byLayer)).toBeLessThan(TOLERANCE)
          const numbers = own.stages.flatMap((stage) => stage.lines.map((line) => line.numbers))
          expect(numbers.filter((told) => told.includes('(('))).toEqual([])
        }
      }
    }
  })

  test('the gradient foretells what a small change of the input does', () => {
    const top = new Float64Array(sequence.T * pass.layers.at(-1)!.layer.H).fill(1)
    const { x } = throughNetwork(pass, top)[0]
    const sum = (p: Pass) => p.layers.at(-1)!.h.reduce((a, b) => a + b, 0)
    const moved = { ...sequence, x: sequence.x.map((v, k) => v + 1e-3 * Math.sin(k)) }
    const back = { ...sequence, x: sequence.x.map((v, k) => v - 1e-3 * Math.sin(k)) }
    const measured = (sum(run(model, moved)) - sum(run(model, back))) / 2e-3
    const foretold = x.reduce((total, g, k) => total + g * Math.sin(k), 0)
    expect(Math.abs(measured - foretold)).toBeLessThan(2e-3)
  })

  test('a layer that walks the other way is one that reads the sequence reversed', () => {
    const { layer } = pass.layers[0]
    const { T } = sequence
    const turned = Float32Array.from(sequence.x)
    for (let t = 0; t < T; t++) {
      turned.set(sequence.x.subarray((T - 1 - t) * layer.I, (T - t) * layer.I), t * layer.I)
    }
    const both = { ...model, layers: [{ ...layer, reverse: true }], output: null }
    const own = run(both, { ...sequence, x: turned }).layers[0]
    const upstream = new Float64Array(T * layer.H).fill(1)
    const there = backward(pass.layers[0], upstream).h
    const here = backward(own, upstream).h
    for (let t = 0; t < T; t++) {
      const row = (a: ArrayLike<number> & { slice: Float32Array['slice'] }, s: number) =>
        a.slice(s * layer.H, (s + 1) * layer.H)
      expect(far(row(own.h, T - 1 - t), row(pass.layers[0].h, t))).toBeLessThan(1e-7)
      expect(
        far(
          Array.from(here).slice((T - 1 - t) * layer.H, (T - t) * layer.H),
          Array.from(there).slice(t * layer.H, (t + 1) * layer.H),
        ),
      ).toBeLessThan(1e-7)
    }
    expect(before(own, T - 1)).toBe(-1)
  })
})
