/** Who cannot see, point, or wait: axe, the keyboard, little room, little motion. */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

import { expect, test, type Page } from '@playwright/test'
import type axeCore from 'axe-core'

import { en } from '../../src/lib/words/en'
import { pt } from '../../src/lib/words/pt'

import { PAGE } from './page'

declare global {
  interface Window {
    axe: typeof axeCore
  }
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const VIEWS = ['cell', 'tape', 'backwards', 'clipping', 'memory', 'training', 'tour'] as const

async function faults(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  return page.evaluate(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
    const { violations } = await window.axe.run(document, { runOnly: tags })
    return violations.flatMap((v) =>
      v.nodes.map((n) => `${v.id}: ${n.html.slice(0, 200)} ${n.failureSummary ?? ''}`),
    )
  })
}

for (const [lang, theme] of [
  ['en', 'light'],
  ['pt', 'dark'],
] as const) {
  for (const view of VIEWS) {
    test(`axe finds nothing: ${view}, ${lang}, ${theme}`, async ({ page }) => {
      await page.emulateMedia({ reducedMotion: 'reduce' })
      await page.goto(`${PAGE}#/${view}?lang=${lang}&theme=${theme}&t=40&part=z`)
      await expect(page.locator('h2').first()).toBeVisible()
      for (const summary of await page.locator('details > summary').all()) await summary.click()
      if (view === 'tour') {
        await page.getByRole('radio').first().check()
        await page.getByRole('button', { name: { en, pt }[lang].tour.reveal, exact: true }).click()
      }
      expect(await faults(page)).toEqual([])
    })
  }
}

test.describe('360 pixels', () => {
  test.use({ viewport: { width: 360, height: 740 } })
  for (const view of VIEWS) {
    test(`${view} does not run out of the side`, async ({ page }) => {
      await page.goto(`${PAGE}#/${view}?lang=pt&t=40`)
      await expect(page.locator('h2').first()).toBeVisible()
      await page.waitForTimeout(300)
      const width = await page.evaluate(() => document.documentElement.scrollWidth)
      expect(width).toBeLessThanOrEqual(360)
    })
  }
})

test('the keyboard reaches the views, the gates, the tables and the time', async ({ page }) => {
  await page.goto(`${PAGE}#/cell?lang=en&t=40`)
  await expect(page.locator('h2').first()).toBeVisible()
  const seen = new Set<string>()
  for (let k = 0; k < 90; k++) {
    await page.keyboard.press('Tab')
    const name = await page.evaluate(() => {
      const own = document.activeElement
      return own
        ? (own.getAttribute('aria-label') ?? own.textContent.trim().replace(/\s+/g, ' '))
        : ''
    })
    seen.add(name)
  }
  for (const wanted of [
    en.views.memory,
    `zt ${en.names.z}`,
    en.transport.play,
    en.transport.cursor,
    `${en.page.table}: ${en.cell.tableOf(40)}`,
  ]) {
    expect([...seen]).toContain(wanted)
  }
})

test('arrows and space move the time from anywhere', async ({ page }) => {
  await page.goto(`${PAGE}#/tape?lang=en&t=40`)
  await expect(page.locator('h2').first()).toBeVisible()
  await page.locator('body').press('ArrowRight')
  await expect(page.locator('.transport output')).toHaveText(/^41/)
  await page.locator('body').press('End')
  await expect(page.locator('.transport output')).toHaveText(/^399/)
  await page.locator('body').press('Home')
  await page.locator('body').press(' ')
  await expect(page.getByRole('button', { name: en.transport.pause })).toBeVisible()
})

test('who wants little motion sees whole steps at once', async ({ page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await page.goto(`${PAGE}#/cell?lang=en&t=40`)
  await page.getByRole('button', { name: en.transport.forward }).click()
  await expect(page.locator('.phase')).toContainText(en.cell.phases.out)
})

test('the browser’s language and theme are taken where none is said', async ({ browser }) => {
  const context = await browser.newContext({ locale: 'pt-BR', colorScheme: 'dark' })
  const page = await context.newPage()
  await page.goto(`${PAGE}#/cell`)
  await expect(page.locator('h2').first()).toHaveText(pt.cell.title)
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark')
  await page.getByRole('button', { name: 'English' }).click()
  await expect(page.locator('h2').first()).toHaveText(en.cell.title)
  await context.close()
})
