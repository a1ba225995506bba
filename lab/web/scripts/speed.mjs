/**
 * How fast the page is in this machine's headless Chromium, drawn by software: first paint, frames
 * while scrubbing a model of H = 256 over T = 500, and from a text to its picture.
 */

import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

import { chromium } from '@playwright/test'

const [H, I, T, K] = [256, 8, 500, 4]
let state = 1
const draw = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2147483648 - 1
function array(shape, size) {
  const values = Float32Array.from(
    { length: shape.reduce((a, b) => a * b, 1) },
    () => size * draw(),
  )
  return { shape, data: Buffer.from(values.buffer).toString('base64') }
}
const large = {
  format: 1,
  name: 'large',
  task: 'layers',
  cell: 'gru',
  layers: [
    {
      name: 'l0',
      inputSize: I,
      hiddenSize: H,
      reverse: false,
      wIh: array([3 * H, I], 0.3),
      wHh: array([3 * H, H], 1 / 16),
      bIh: array([3 * H], 1 / 16),
      bHh: array([3 * H], 1 / 16),
    },
  ],
  embedding: null,
  output: { weight: array([K, H], 0.1), bias: array([K], 0.1) },
  units: null,
  samples: [{ title: { en: 'noise', pt: 'ruído' }, x: array([T, I], 1) }],
}
mkdirSync('shots', { recursive: true })
writeFileSync('shots/large.json', JSON.stringify(large))
execFileSync('node', ['scripts/page.mjs', 'shots/large.html', 'shots/large.json'])
execFileSync('node', ['scripts/page.mjs', 'shots/trio.html', 'tests/fixtures/trio.json'])

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
})
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
const address = (name, hash) => `${pathToFileURL(`shots/${name}.html`)}#/${hash}`
const found = {}

await page.goto(address('trio', 'cell?lang=en'))
await page.locator('h2').first().waitFor()
found.firstPaintMs = await page.evaluate(
  () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
)

for (const view of ['tape', 'cell']) {
  await page.goto('about:blank')
  await page.goto(address('large', `${view}?lang=en`))
  await page.locator('h2').first().waitFor()
  await page.waitForTimeout(1500)
  const frames = await page.evaluate(async (steps) => {
    const slider = document.querySelector('.transport input[type=range]')
    const times = []
    let last = await new Promise(requestAnimationFrame)
    for (let k = 0; k < steps; k++) {
      slider.value = String(k)
      slider.dispatchEvent(new Event('input', { bubbles: true }))
      const now = await new Promise(requestAnimationFrame)
      times.push(now - last)
      last = now
    }
    return times.sort((a, b) => a - b)
  }, T)
  found[`${view}FrameMs`] = {
    median: frames[Math.floor(frames.length / 2)],
    p99: frames[Math.floor(frames.length * 0.99)],
    most: frames.at(-1),
  }
}

await page.goto('about:blank')
await page.goto(address('trio', 'tape?lang=en'))
await page.locator('textarea').waitFor()
const text = 'The statement is executed when control reaches it; '.repeat(4).slice(0, 199)
found.textToPictureMs = await page.evaluate(async (typed) => {
  const area = document.querySelector('textarea')
  const started = performance.now()
  area.value = typed
  area.dispatchEvent(new Event('input', { bubbles: true }))
  const written = () => document.querySelector('.transport output').textContent.replace(/\s/g, '')
  while (written() !== `0/${typed.length}` && performance.now() - started < 5000) {
    await new Promise(requestAnimationFrame)
  }
  return performance.now() - started
}, text)
await browser.close()

const okay =
  found.firstPaintMs < 1000 &&
  found.tapeFrameMs.p99 <= 33.4 &&
  found.cellFrameMs.p99 <= 33.4 &&
  found.textToPictureMs < 150 + 50 // 50 of which the page waits for the next key
console.log(JSON.stringify(found, null, 2))
process.exit(okay ? 0 : 1)
