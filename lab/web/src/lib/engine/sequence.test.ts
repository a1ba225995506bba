import { readFileSync } from 'node:fs'

import { expect, test } from 'vitest'

import { decode, LONGEST, ofTable, ofText, type Bundle } from './index'

const [bundle] = JSON.parse(readFileSync('tests/fixtures/trio.json', 'utf8')) as Bundle[]
const model = decode(bundle)

test('a text or a table that is longer than the page takes says so, and no other', () => {
  for (const [length, longer] of [
    [LONGEST, false],
    [LONGEST + 1, true],
  ] as const) {
    expect(ofText(model, 'a'.repeat(length)).longer).toBe(longer)
    const columns = [{ en: 'x', pt: 'x' }]
    const table = ofTable({ ...model, I: 1, columns }, `x\n${'1\n'.repeat(length)}`)
    expect([table.T, table.longer]).toEqual([LONGEST, longer])
  }
})
