/** The built page with the trio inside, opened from the disk as a reader opens an exported one. */

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

import { decode, ofSample, run, type Bundle, type Cell, type Pass } from '../../src/lib/engine'

export default function build(): void {
  if (!existsSync('dist/index.html')) execFileSync('npx', ['vite', 'build'], { stdio: 'inherit' })
  execFileSync('node', ['scripts/page.mjs', 'dist/demo.html', 'tests/fixtures/trio.json'])
}

export const PAGE = pathToFileURL('dist/demo.html').href

export const BUNDLES = JSON.parse(readFileSync('tests/fixtures/trio.json', 'utf8')) as Bundle[]

/** What the page must show, computed outside of it. */
export function pass(cell: Cell): Pass {
  const model = decode(BUNDLES.find((b) => b.cell === cell)!)
  return run(model, ofSample(model, model.samples[0]))
}

/** A number as the page writes it. */
export function written(value: number, lang: string, digits: number): string {
  return new Intl.NumberFormat(lang === 'pt' ? 'pt-BR' : 'en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
    .format(value)
    .replace('-', '−')
}
