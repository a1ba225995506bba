/** Pictures of every view, both themes: node scripts/shots.mjs [view …] */

import { mkdirSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

import { chromium } from '@playwright/test'

const VIEWS = ['cell', 'tape', 'backwards', 'clipping', 'memory', 'training', 'tour']
const wanted = process.argv.slice(2)
mkdirSync('shots', { recursive: true })
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
})
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
page.on('pageerror', (error) => console.log('error:', error.message))
page.on('console', (m) => m.type() === 'error' && console.log('console:', m.text()))
for (const view of wanted.length > 0 ? wanted : VIEWS) {
  const [name, query = ''] = view.split('?')
  for (const [theme, lang, width] of [
    ['light', 'en', 1280],
    ['dark', 'pt', 1280],
    ['light', 'pt', 360],
  ]) {
    await page.setViewportSize({ width, height: width === 360 ? 740 : 900 })
    await page.goto('about:blank')
    await page.goto(
      `${pathToFileURL('dist/demo.html')}#/${name}?theme=${theme}&lang=${lang}&t=40&${query}`,
    )
    await page.waitForTimeout(1800)
    const label = query.replace(/\W+/g, '-')
    await page.screenshot({ path: `shots/${name}${label}-${theme}-${width}.png`, fullPage: true })
  }
}
await browser.close()
