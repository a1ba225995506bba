/** Models of random weights, as large as a check wants them: a bundle, and a state dict of torch.nn. */

import { writeFileSync } from 'node:fs'

/** Numbers between −1 and 1, the same each time. */
function draws() {
  let state = 1
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2147483648 - 1
}

function array(draw, shape, size) {
  const count = shape.reduce((a, b) => a * b, 1)
  return { shape, values: Float32Array.from({ length: count }, () => size * draw()) }
}

const coded = ({ shape, values }) => ({
  shape,
  data: Buffer.from(values.buffer).toString('base64'),
})

/** A GRU that reads I numbers a step, T steps of them. */
export function bundle(file, { H, I = 8, T, K = 4 }) {
  const draw = draws()
  const made = (shape, size) => coded(array(draw, shape, size))
  const layer = {
    name: 'l0',
    inputSize: I,
    hiddenSize: H,
    reverse: false,
    wIh: made([3 * H, I], 0.3),
    wHh: made([3 * H, H], 1 / Math.sqrt(H)),
    bIh: made([3 * H], 1 / 16),
    bHh: made([3 * H], 1 / 16),
  }
  const content = {
    ...{ format: 1, name: 'large', task: 'layers', cell: 'gru', layers: [layer] },
    ...{ embedding: null, units: null },
    output: { weight: made([K, H], 0.1), bias: made([K], 0.1) },
    samples: [{ title: { en: 'noise', pt: 'ruído' }, x: made([T, I], 1) }],
  }
  writeFileSync(file, JSON.stringify(content))
}

/** A GRU that reads characters, as FILE.safetensors with FILE.json, which describes it. */
export function stateDict(file, { H, I = 16 }) {
  const draw = draws()
  const list = Array.from({ length: 95 }, (_, k) => String.fromCharCode(32 + k))
  const V = list.length
  const arrays = {
    'embedding.weight': array(draw, [V, I], 1),
    'gru.weight_ih_l0': array(draw, [3 * H, I], 0.3),
    'gru.weight_hh_l0': array(draw, [3 * H, H], 1 / Math.sqrt(H)),
    'gru.bias_ih_l0': array(draw, [3 * H], 1 / 16),
    'gru.bias_hh_l0': array(draw, [3 * H], 1 / 16),
    'fc.weight': array(draw, [V, H], 1 / Math.sqrt(H)),
    'fc.bias': array(draw, [V], 0.1),
  }
  const header = {}
  let at = 0
  for (const [name, { shape, values }] of Object.entries(arrays)) {
    header[name] = { dtype: 'F32', shape, data_offsets: [at, at + values.byteLength] }
    at += values.byteLength
  }
  const text = Buffer.from(JSON.stringify(header))
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(text.length))
  const bytes = Object.values(arrays).map(({ values }) => Buffer.from(values.buffer))
  writeFileSync(`${file}.safetensors`, Buffer.concat([size, text, ...bytes]))
  const units = { kind: 'characters', list }
  const about = { layers: 'gru', embedding: 'embedding.weight', output: 'fc', units }
  writeFileSync(`${file}.json`, JSON.stringify(about))
}
