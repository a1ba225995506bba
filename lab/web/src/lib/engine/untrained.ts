/** A network of random weights, for a cell of which no trained one came. */

import { GATES, type Cell, type Model } from './bundle'

/** Like `model`, with one layer of `cell`; weights as torch.nn draws them, the same each time. */
export function untrained(model: Model, cell: Cell): Model {
  const { H, I } = model.layers[0]
  const bound = 1 / Math.sqrt(H)
  let state = 12345
  const draw = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return bound * (state / 2147483648 - 1)
  }
  const rows = GATES[cell].length * H
  const weights = (count: number) => Float32Array.from({ length: count }, draw)
  const K = model.output?.K ?? 0
  return {
    ...model,
    name: cell,
    cell,
    metrics: [],
    advice: [],
    layers: [
      {
        ...{ name: 'l0', cell, I, H, resetAfter: true, relu: false, reverse: false, depth: 0 },
        ...{ wIh: weights(rows * I), wHh: weights(rows * H) },
        ...{ bIh: weights(rows), bHh: weights(rows) },
      },
    ],
    output: model.output && { weight: weights(K * H), bias: weights(K), K },
  }
}
