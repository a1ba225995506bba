import { expect, test } from 'vitest'

import { aligned, curve, ofLayers, type Record_ } from './training.svelte'

const RECORDS: Record_[] = [
  { step: 0, validation_loss: 2 },
  {
    step: 5,
    loss: 1.5,
    health: { 'l0/keep_mean': 0.5, 'l1/keep_mean': 0.7, 'l0/reset_mean': 0.1 },
  },
  { step: 10, loss: null },
  { step: 10, validation_loss: 1 },
]

test('curves take the records that have a number', () => {
  expect(curve(RECORDS, 'loss')).toEqual({ steps: [5], values: [1.5] })
  expect(ofLayers(RECORDS, 'keep_mean')).toEqual({ steps: [5], values: [0.6] })
})

test('curves of different steps stand on the steps of all', () => {
  const both = aligned([curve(RECORDS, 'loss'), curve(RECORDS, 'validation_loss')])
  expect(both).toEqual({
    x: [0, 5, 10],
    lines: [
      [null, 1.5, null],
      [2, null, 1],
    ],
  })
})
