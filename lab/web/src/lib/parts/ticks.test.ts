import { expect, test } from 'vitest'

import { formats } from '$lib/state/formats'

import { logTicks } from './ticks'

const labels = (low: number, high: number, most = 7, lang: 'en' | 'pt' = 'en') =>
  logTicks(Math.log10(low), Math.log10(high), most, formats(lang)).map((tick) => tick.label)

test('over decades the marks are powers of ten, as many as there is room for', () => {
  expect(labels(1e-5, 20)).toEqual(['10⁻⁵', '10⁻⁴', '0.001', '0.01', '0.1', '1', '10'])
  expect(labels(1e-9, 1, 4)).toEqual(['10⁻⁹', '10⁻⁶', '0.001', '1'])
})

test('what spans a decade or less has at least three marks, each where its number is', () => {
  expect(labels(0.02, 1.2, 7, 'pt')).toEqual(['0,02', '0,05', '0,1', '0,2', '0,5', '1'])
  expect(labels(1.1, 4.2)).toEqual(['1.5', '2.0', '2.5', '3.0', '3.5', '4.0'])
  expect(labels(0.021, 0.024, 5)).toEqual(['0.021', '0.022', '0.023', '0.024'])
  expect(labels(2.1e-6, 3.9e-6, 5)).toEqual(['2.5 · 10⁻⁶', '3.0 · 10⁻⁶', '3.5 · 10⁻⁶'])
  for (const [low, high] of [
    [0.9, 1.3],
    [3, 3.01],
    [1e-7, 5e-7],
    [7, 69],
  ]) {
    const found = logTicks(Math.log10(low), Math.log10(high), 7, formats('en'))
    expect(found.length).toBeGreaterThanOrEqual(3)
    expect(new Set(found.map((tick) => tick.label)).size).toBe(found.length)
    for (const { at } of found) expect(10 ** at).toBeGreaterThan(low * 0.999)
    for (const { at } of found) expect(10 ** at).toBeLessThan(high * 1.001)
  }
})
