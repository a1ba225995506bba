import { expect, test } from 'vitest'

import { read, write } from './route'

test('an address comes back as it was', () => {
  const hash =
    '#/backwards?model=demo&tab=lstm&text=a+%26+b&t=17&unit=3&layer=1&part=f&lang=pt&theme=dark'
  expect(write(read(hash))).toBe(hash)
})

test('what makes no sense is left out', () => {
  const route = read('#/nowhere?t=-4&unit=x&tab=grue&part=zz&lang=fr')
  expect(route).toMatchObject({ view: 'cell', t: 0, unit: null, tab: null, part: null, lang: null })
  expect(write(route)).toBe('#/cell')
})

test('the language may be said before the hash', () => {
  expect(read('#/tape', '?token=abc&lang=pt').lang).toBe('pt')
})
