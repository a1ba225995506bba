/**
 * How fast the page is in this machine's headless Chromium, drawn by software: frames while a model
 * of H = 256 over T = 500 is scrubbed and played; and, from `gruta lab` itself, the first picture, and
 * from a text of 200 characters to its picture, computed in the page and over the socket. The page
 * must be built, and copied to where `gruta lab` looks for it (`make lab` does both).
 */

import { mkdirSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { pathToFileURL } from 'node:url'

import { chromium } from '@playwright/test'

import { bundle, stateDict } from './models.mjs'
import { pageWith } from './page.mjs'
import { served } from './served.mjs'

const T = 500
/** Milliseconds: of a frame at the 99th percentile, to the first picture, from a text to its own. */
const BARS = { frame: 33, first: 1000, text: 150 }
const LOADS = 5
/** So long nothing is typed between two texts: keys that come at once are read together. */
const PAUSE = 300

mkdirSync('shots', { recursive: true })
bundle('shots/large.json', { H: 256, T })
pageWith('shots/large.html', 'shots/large.json')
stateDict('shots/narrow', { H: 128 })
stateDict('shots/wide', { H: 640 })

const launched = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  })
const round = (v) => Math.round(10 * v) / 10
const at = (sorted, share) =>
  round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))])
let late = 0
function told(name, found, bar) {
  const value = found.p99 ?? found.median
  if (!(value <= bar)) late++
  const all = Object.entries(found).map(([key, v]) => `${key} ${String(v)}`)
  console.log(`${value <= bar ? ' ' : '!'} ${name.padEnd(28)} ${all.join(', ')} ms; at most ${bar}`)
}

const spread = (times) => {
  times.sort((a, b) => a - b)
  return { median: at(times, 0.5), p99: at(times, 0.99), most: round(times.at(-1)) }
}

/** The cursor moved on by a step each frame, from end to end. */
async function scrubbed(page) {
  return page.evaluate(async (steps) => {
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
    return times
  }, T)
}

/** As it plays by itself. */
async function played(page) {
  return page.evaluate(async (steps) => {
    document.querySelector('.transport .play').click()
    const times = []
    let last = await new Promise(requestAnimationFrame)
    for (let k = 0; k < steps; k++) {
      const now = await new Promise(requestAnimationFrame)
      times.push(now - last)
      last = now
    }
    return times
  }, T)
}

async function frames() {
  const browser = await launched()
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  const open = async (hash) => {
    await page.goto('about:blank')
    await page.goto(`${pathToFileURL('shots/large.html')}#/${hash}`)
    await page.locator('.transport').waitFor()
    await page.waitForTimeout(1500)
  }
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable')
  const busy = async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    return 1000 * metrics.find((m) => m.name === 'ThreadTime').value
  }
  /** With the processor time of the page's own thread: the same on a machine that others use too. */
  const measured = async (moved) => {
    const before = await busy()
    const found = spread(await moved(page))
    return { ...found, processor: round(((await busy()) - before) / T) }
  }
  for (const [name, hash] of [
    ['tape', 'tape?lang=en'],
    ['cell, GRU', 'cell?lang=en'],
    ['cell, GRU, an equation open', 'cell?lang=en&part=n'],
    ['cell, LSTM', 'cell?lang=en&tab=lstm'],
    ['cell, RNN', 'cell?lang=en&tab=rnn'],
  ]) {
    await open(hash)
    if (hash.includes('part')) await page.locator('#by-hand').scrollIntoViewIfNeeded()
    told(`frames, ${name}`, await measured(scrubbed), BARS.frame)
  }
  await open('cell?lang=en')
  told('frames, cell, played', await measured(played), BARS.frame)
  await browser.close()
}

const typed = 'The statement is executed when control reaches it; '.repeat(5).slice(0, 200 + LOADS)

async function fromTheServer() {
  const server = await served(['shots/narrow.safetensors', 'shots/wide.safetensors'])
  const home = server.address.replace(/lang=../, 'lang=en')
  const address = (hash) => `${home}#/${hash}`
  try {
    const first = []
    for (let k = 0; k < LOADS; k++) {
      const browser = await launched()
      const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
      // The picture is there once its canvas is as large as it is shown, and the cursor's bar with it.
      await page.addInitScript(() => {
        requestAnimationFrame(function look() {
          const canvas = document.querySelector('.drawing canvas')
          if (canvas?.width > 300 && document.querySelector('.transport')) {
            requestAnimationFrame(() => (window.pictureAt = performance.now()))
          } else requestAnimationFrame(look)
        })
      })
      await page.goto(home)
      first.push(await page.waitForFunction(() => window.pictureAt).then((f) => f.jsonValue()))
      await browser.close()
    }
    first.sort((a, b) => a - b)
    told('first picture', { median: at(first, 0.5), most: round(first.at(-1)) }, BARS.first)

    const browser = await launched()
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
    for (const [name, model] of [
      ['in the page', 'narrow'],
      ['over the socket', 'wide'],
    ]) {
      await page.goto('about:blank')
      await page.goto(address(`tape?model=${model}`))
      await page.locator('.transport').waitFor()
      await page.waitForTimeout(1000)
      const times = []
      for (let k = 0; k < LOADS; k++) {
        await page.waitForTimeout(PAUSE)
        times.push(await page.evaluate(textToPicture, typed.slice(k)))
      }
      times.sort((a, b) => a - b)
      const found = { median: at(times, 0.5), most: round(times.at(-1)) }
      told(`text to picture, ${name}`, found, BARS.text)
    }
    await browser.close()
  } finally {
    server.end()
  }
}

/** In the page: until the text stands under the cursor's bar, and the frame that drew it is over. */
async function textToPicture(text) {
  const area = document.querySelector('textarea')
  const frame = () => new Promise(requestAnimationFrame)
  const written = () => document.querySelector('.transport .of')?.textContent.replace(/\D/g, '')
  const started = performance.now()
  area.value = text
  area.dispatchEvent(new Event('input', { bubbles: true }))
  while (written() !== String(text.length - 1)) {
    if (performance.now() - started > 10_000) throw new Error('the picture never came')
    await frame()
  }
  await frame()
  return performance.now() - started
}

const [load] = loadavg()
if (load > cpus().length / 2) {
  console.log(
    `The machine is busy: ${load.toFixed(1)} processes run on ${String(cpus().length)} cores`,
  )
}
await frames()
await fromTheServer()
process.exit(late > 0 ? 1 : 0)
