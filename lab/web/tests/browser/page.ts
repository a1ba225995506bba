/** The built page with the trio inside, opened from the disk as a reader opens an exported one. */

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

import { decode, ofSample, run, type Bundle, type Cell, type Pass } from '../../src/lib/engine'

export default function build(): void {
  if (!existsSync('dist/index.html')) execFileSync('npx', ['vite', 'build'], { stdio: 'inherit' })
  execFileSync('node', ['scripts/page.mjs', 'dist/demo.html', 'tests/fixtures/trio.json'])
}

export const PAGE = pathToFileURL('dist/demo.html').href

export const BUNDLES = JSON.parse(readFileSync('tests/fixtures/trio.json', 'utf8')) as Bundle[]

/** A page with a network that heard a recording: a tone in every fourth step, from low to high. */
export function heardPage(out: string): { address: string; T: number; step: number } {
  const [T, M, step, rate] = [48, 24, 0.02, 8000]
  const base = BUNDLES.find((b) => b.cell === 'gru')!
  const I = base.layers[0].inputSize
  const bands = Uint8Array.from({ length: T * M }, (_, k) => (k % M === k / M / 4 ? 255 : 10))
  const recording = {
    bands: { shape: [T, M], data: base64(bands) },
    wav: base64(silence(T * step, rate)),
    step,
  }
  const x = { shape: [T, I], data: base64(new Uint8Array(4 * T * I)) }
  const labels = Array.from({ length: T }, (_, t) => (t * step).toFixed(2))
  const sample = { title: { en: 'one', pt: 'um' }, x, labels, recording }
  writeFileSync(`${out}.json`, JSON.stringify({ ...base, group: null, samples: [sample] }))
  execFileSync('node', ['scripts/page.mjs', out, `${out}.json`])
  return { address: pathToFileURL(out).href, T, step }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

/** A WAV file of 16 bits. */
function silence(seconds: number, rate: number): Uint8Array {
  const size = 2 * Math.round(seconds * rate)
  const file = Buffer.alloc(44 + size)
  file.write('RIFF', 0)
  file.writeUInt32LE(36 + size, 4)
  file.write('WAVEfmt ', 8)
  file.writeUInt32LE(16, 16)
  file.writeUInt16LE(1, 20)
  file.writeUInt16LE(1, 22)
  file.writeUInt32LE(rate, 24)
  file.writeUInt32LE(2 * rate, 28)
  file.writeUInt16LE(2, 32)
  file.writeUInt16LE(16, 34)
  file.write('data', 36)
  file.writeUInt32LE(size, 40)
  return file
}

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
