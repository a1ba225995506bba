import { expect, test } from 'vitest'

import { angle, clip, cliff, descend } from './cliff'

test('the cliff’s gradient is that of its loss', () => {
  const [w, b] = [4.6, -2.1]
  const { gradient } = cliff([w, b])
  const e = 1e-6
  expect(gradient[0]).toBeCloseTo((cliff([w + e, b]).loss - cliff([w - e, b]).loss) / (2 * e), 4)
  expect(gradient[1]).toBeCloseTo((cliff([w, b + e]).loss - cliff([w, b - e]).loss) / (2 * e), 4)
})

test('by norm keeps the direction, by value turns it', () => {
  const gradient = [3, 0.4] as const
  expect(clip(gradient, 'norm', 1)[0]).toBeCloseTo(3 / Math.hypot(3, 0.4))
  expect(angle(gradient, clip(gradient, 'norm', 1))).toBeCloseTo(0, 6)
  expect(clip(gradient, 'value', 1)).toEqual([1, 0.4])
  expect(angle(gradient, clip(gradient, 'value', 1))).toBeCloseTo(14.21, 1)
})

test('no step of a clipped walk is longer than the threshold times the rate', () => {
  const path = descend([5, -2.45], 'norm', 0.15, 1, 60)
  for (let k = 1; k < path.length; k++) {
    const [a, b] = [path[k - 1].at, path[k].at]
    expect(Math.hypot(a[0] - b[0], a[1] - b[1])).toBeLessThanOrEqual(0.15 + 1e-12)
  }
})

test('unclipped, the walker is thrown out; by norm it comes down into the valley', () => {
  const end = (way: 'none' | 'norm') => descend([5, -2.45], way, 0.15, 1, 60)[60]
  expect(end('none').at[1]).toBeGreaterThan(0)
  expect(end('norm').loss).toBeLessThan(0.002)
})
