/** Changes to a network and its input that the page computes with at once. */

import type { Gate, Layer } from './bundle'

/** A gate of one unit held at a value, at every step or at one. */
export interface GateEdit {
  layer: number
  gate: Gate
  unit: number
  value: number
  at: number | null
}

/** A step's input put in the place of what stood there. */
export interface InputEdit {
  at: number
  /** The new unit's number, for what reads units. */
  id?: number
  /** column and its new number, for what reads numbers. */
  column?: number
  value?: number
}

export interface Edits {
  gates: GateEdit[]
  inputs: InputEdit[]
  /** What every recurrent matrix is multiplied by. */
  recurrent: number
  /** What is added to the bias of the gate that keeps: z of a GRU, f of an LSTM. */
  keepBias: number
}

export const NONE: Edits = { gates: [], inputs: [], recurrent: 1, keepBias: 0 }

export function isNone(edits: Edits): boolean {
  return (
    edits.gates.length === 0 &&
    edits.inputs.length === 0 &&
    edits.recurrent === 1 &&
    edits.keepBias === 0
  )
}

/** The layer with its recurrent matrix scaled and its bias moved; itself if nothing is changed. */
export function edited(layer: Layer, edits: Edits): Layer {
  const { recurrent, keepBias } = edits
  if (recurrent === 1 && (keepBias === 0 || layer.cell === 'rnn')) return layer
  const wHh = recurrent === 1 ? layer.wHh : layer.wHh.map((w) => w * recurrent)
  if (keepBias === 0 || layer.cell === 'rnn') return { ...layer, wHh }
  const bIh = layer.bIh.slice() // z is the GRU's second block of rows, f the LSTM's
  for (let j = layer.H; j < 2 * layer.H; j++) bIh[j] += keepBias
  return { ...layer, wHh, bIh }
}

/** Holds gates of a layer at a step: `gates` is the value of each unit, changed in place. */
export type Hold = (gate: Gate, t: number, values: Float32Array, offset: number) => void

export function holder(edits: Edits, layer: number): Hold | null {
  const own = edits.gates.filter((edit) => edit.layer === layer)
  if (own.length === 0) return null
  return (gate, t, values, offset) => {
    for (const edit of own) {
      if (edit.gate === gate && (edit.at === null || edit.at === t)) {
        values[offset + edit.unit] = edit.value
      }
    }
  }
}
