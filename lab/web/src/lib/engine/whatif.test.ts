import { readFileSync } from 'node:fs'

import { expect, test } from 'vitest'

import { byHand, decode, NONE, ofText, run, type Bundle, type Edits } from './index'

const file = new URL('../../../tests/fixtures/gru-after-1.json', import.meta.url)
const model = decode((JSON.parse(readFileSync(file, 'utf8')) as { bundle: Bundle }).bundle)
const sequence = ofText(model, 'abcdabcd')
const with_ = (edits: Partial<Edits>): Edits => ({ ...NONE, ...edits })
const H = model.layers[0].H

test('an update gate held at 1 keeps the unit’s state from that step on', () => {
  const edits = with_({ gates: [{ layer: 0, gate: 'z', unit: 2, value: 1, at: null }] })
  const { h } = run(model, sequence, edits).layers[0]
  for (let t = 0; t < sequence.T; t++) expect(h[t * H + 2]).toBe(0)
})

test('a gate held at one step changes nothing before it', () => {
  const edits = with_({ gates: [{ layer: 0, gate: 'r', unit: 1, value: 0, at: 3 }] })
  const [was, is] = [run(model, sequence), run(model, sequence, edits)]
  expect(is.layers[0].h.slice(0, 3 * H)).toEqual(was.layers[0].h.slice(0, 3 * H))
  expect(is.layers[0].gates.r![3 * H + 1]).toBe(0)
  expect(is.y).not.toEqual(was.y)
})

test('by hand says that a gate is held, and comes to the layer’s number', () => {
  const edits = with_({ gates: [{ layer: 0, gate: 'z', unit: 2, value: 0, at: null }] })
  const own = byHand(run(model, sequence, edits), { layer: 0, unit: 2, t: 4 }, edits, String)
  const update = own.stages.flatMap((s) => s.lines).find((line) => line.part === 'z')
  expect(update).toMatchObject({ held: true, value: 0 })
  expect(own.result).toBeCloseTo(own.byLayer, 6)
})

test('another input is another unit from its step on, and what is to be foretold before it', () => {
  const is = run(model, sequence, with_({ inputs: [{ at: 4, id: 3 }] }))
  expect(is.sequence.labels[4]).toBe('c')
  expect(is.sequence.targets![3]).toBe(3)
  expect(is.layers[0].h.slice(0, 4 * H)).toEqual(run(model, sequence).layers[0].h.slice(0, 4 * H))
})

test('without its recurrent matrix a step depends on the state by the kept part alone', () => {
  const is = run(model, sequence, with_({ recurrent: 0 })).layers[0]
  const { z } = is.gates
  const [first, later] = [0, 4] // both read an a
  for (let j = 0; j < H; j++) expect(z![first * H + j]).toBeCloseTo(z![later * H + j], 7)
})

test('a bias that keeps more raises every update gate', () => {
  const [was, is] = [run(model, sequence), run(model, sequence, with_({ keepBias: 2 }))]
  const mean = (a: Float32Array) => a.reduce((s, v) => s + v, 0) / a.length
  expect(mean(is.layers[0].gates.z!)).toBeGreaterThan(mean(was.layers[0].gates.z!) + 0.1)
})
