/**
 * Whether the page's memory stays flat while it plays: node scripts/soak.mjs [MINUTES]. Cell and Tape
 * play from end to end and again, cells, views and zoom change now and then; after each round what the
 * page holds once garbage is collected is compared with what it held after the first.
 */

import { pathToFileURL } from 'node:url'

import { chromium } from '@playwright/test'

import { pageWith } from './page.mjs'

const MINUTES = Number(process.argv[2] ?? 10)
if (!(MINUTES > 0)) throw new Error(`minutes: expected a number above 0, got ${process.argv[2]}`)
/** What a round may leave more than the first did: caches of numbers and glyphs fill up. */
const MOST = { heapBytes: 2 * 2 ** 20, nodes: 200, listeners: 50 }
const STOP_MS = 4000
/** Short, so that it is played to its end again and again. */
const TEXT = 'What the cell keeps is still there.'

const STOPS = [
  ...['gru', 'lstm', 'rnn'].map((tab) => ({ view: 'cell', tab })),
  { view: 'tape' },
  { view: 'tape', wide: true },
  { view: 'backwards' },
  { view: 'memory' },
  { view: 'cell', tab: 'gru' },
]

pageWith('shots/soak.html', 'tests/fixtures/trio.json')
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
})
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
const problems = []
page.on('pageerror', (error) => problems.push(error.message))
await page.goto(
  `${pathToFileURL('shots/soak.html')}#/cell?lang=en&text=${encodeURIComponent(TEXT)}`,
)
await page.locator('.transport').waitFor()
await page.locator('.transport select').selectOption('4')
const session = await page.context().newCDPSession(page)
await session.send('Performance.enable')

/** What the page holds, once it has let go of what it can. */
async function held() {
  await click('.transport .icon') // to the start, where every round is compared
  for (let k = 0; k < 3; k++) {
    await page.waitForTimeout(400)
    await session.send('HeapProfiler.collectGarbage')
  }
  const { metrics } = await session.send('Performance.getMetrics')
  const of = (name) => metrics.find((m) => m.name === name).value
  return {
    heapBytes: of('JSHeapUsedSize'),
    nodes: of('Nodes'),
    listeners: of('JSEventListeners'),
  }
}

/** As a person does; by the page itself, as a click of the driver's waits until nothing moves. */
async function click(selector, k = 0) {
  // Not waitForSelector, whose answer would hold on to the element, and to the view around it.
  await page.locator(selector).nth(k).waitFor({ state: 'attached' })
  await page.evaluate(([own, at]) => document.querySelectorAll(own)[at].click(), [selector, k])
}

let ends = 0
async function stop({ view, tab, wide }) {
  await click(`nav a[href*="#/${view}"]`)
  if (tab) await click(`#tab-${tab}`)
  if (view === 'tape') await click('.head .segments button', wide ? 1 : 0)
  const until = Date.now() + STOP_MS
  while (Date.now() < until) {
    const [at, last, playing] = await page.evaluate(() => {
      const range = document.querySelector('.transport input[type=range]')
      const does = document.querySelector('.transport .play').getAttribute('aria-label')
      return [Number(range.value), Number(range.max), does === 'Pause']
    })
    if (!playing) {
      if (at === last) ends++
      await click('.transport .play')
    }
    await page.waitForTimeout(250)
  }
  const playing = await page.evaluate(
    () => document.querySelector('.transport .play').getAttribute('aria-label') === 'Pause',
  )
  if (playing) await click('.transport .play')
}

const told = ({ heapBytes, nodes, listeners }) =>
  `heap ${(heapBytes / 2 ** 20).toFixed(2)} MiB, ${String(nodes)} nodes, ${String(listeners)} listeners`
const end = Date.now() + 60_000 * MINUTES
let first = null
let now
for (let round = 0; round < 2 || Date.now() < end; round++) {
  for (const one of STOPS) await stop(one)
  now = await held()
  first ??= now
  console.log(`round ${String(round + 1).padStart(3)}: ${told(now)}`)
}
await browser.close()

const grown = Object.keys(MOST).filter((name) => now[name] - first[name] > MOST[name])
for (const name of grown) {
  const more = now[name] - first[name]
  console.log(`${name} grew by ${String(more)}, of ${String(MOST[name])} at most`)
}
for (const problem of problems) console.log(`error: ${problem}`)
console.log(`played to the end ${String(ends)} times`)
process.exit(grown.length + problems.length > 0 || ends === 0 ? 1 : 0)
