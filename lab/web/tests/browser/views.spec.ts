/** Each view does what it says, in both languages, checked on values. */

import { expect, test, type Page } from '@playwright/test'

import {
  byHand,
  byLag,
  horizon,
  influence,
  lastWithLoss,
  lossGradient,
  meanKeep,
  halfLife,
  NONE,
  ofText,
  rowNorms,
  run,
  softmax,
  surprises,
  throughNetwork,
  timeConstant,
  unitName,
} from '../../src/lib/engine'
import { scene, WIDTH } from '../../src/lib/draw/scene'
import { descend, angle, clip } from '../../src/lib/engine/cliff'
import { en } from '../../src/lib/words/en'
import { pt } from '../../src/lib/words/pt'
import { stopsEn, stopsPt } from '../../src/lib/words/tour'

import { BUNDLES, heardPage, PAGE, pass, written } from './page'

const WORDS = { en, pt }

async function open(page: Page, hash: string): Promise<void> {
  await page.goto(`${PAGE}#/${hash}`)
  await expect(page.locator('h2').first()).toBeVisible()
}

test.beforeEach(({ page }) => {
  page.on('pageerror', (error) => {
    throw error
  })
  page.on('request', (request) => {
    if (!/^(file|data|blob):/.test(request.url())) throw new Error(`a request: ${request.url()}`)
  })
})

for (const lang of ['en', 'pt'] as const) {
  const words = WORDS[lang]
  const number = (value: number, digits: number) => written(value, lang, digits)

  test.describe(lang, () => {
    test('Cell: a gate’s equation has this step’s numbers, and ends at the layer’s own', async ({
      page,
    }) => {
      await open(page, `cell?lang=${lang}&t=57&unit=9&tab=gru`)
      await page.getByTitle(words.cell.open(words.names.z), { exact: true }).click()
      const own = byHand(pass('gru'), { layer: 0, unit: 9, t: 57 }, NONE, String)
      const z = own.stages.flatMap((s) => s.lines).find((line) => line.part === 'z')!
      const line = page.locator('#line-z')
      await expect(line.locator('button.name b')).toHaveText(number(z.value, 4))
      await expect(line.locator('dd.num')).toContainText(number(z.products[0].sum, 4))
      await expect(line.locator('.katex').first()).toBeVisible()
      await expect(line).toContainText('gate_update')
      await expect(page.locator('.verdict')).toHaveText(
        words.cell.verdict(number(own.byLayer, 6), number(own.byLayer, 6)),
      )
      await expect(page).toHaveURL(/part=z/)
    })

    test('Cell: a click on a wire opens the equation that it goes into', async ({ page }) => {
      await open(page, `cell?lang=${lang}&t=57&tab=gru`)
      const own = scene(pass('gru').layers[0], 57)
      const canvas = page.locator('.drawing canvas')
      for (const to of ['z', 'r'] as const) {
        const [[x0, y0], [x1, y1]] = own.wires
          .find((wire) => wire.to === to && wire.of === 'x')!
          .points.slice(-2)
        const box = (await canvas.boundingBox())!
        const scale = box.width / WIDTH
        const position = { x: ((x0 + x1) / 2) * scale, y: ((y0 + y1) / 2) * scale }
        await canvas.click({ position })
        await expect(page.locator(`#line-${to} dl`)).toBeVisible()
      }
    })

    test('Cell: what comes out is the model’s own foresight', async ({ page }) => {
      await open(page, `cell?lang=${lang}&t=57&tab=lstm`)
      const { model, y } = pass('lstm')
      const K = model.output!.K
      const shares = softmax(y!, 57 * K, K)
      const best = shares.indexOf(Math.max(...shares))
      const first = page.locator('section[aria-labelledby=comes-out] li button').first()
      await expect(first).toContainText(number(100 * shares[best], 1))
      await expect(first).toContainText(unitName(model, best).trim() || /␣|⏎/)
    })

    test('Cell: tabs, steps, the other form of the GRU', async ({ page }) => {
      await open(page, `cell?lang=${lang}&t=3&unit=4`)
      await page.getByRole('tab', { name: 'RNN' }).click()
      await expect(page.locator('#line-h button.name b')).toHaveText(
        number(pass('rnn').layers[0].h[3 * 64 + 4], 4),
      )
      await page.getByRole('button', { name: words.transport.forward }).click()
      await expect(page.locator('#line-h button.name b')).toHaveText(
        number(pass('rnn').layers[0].h[4 * 64 + 4], 4),
      )
      await page.getByRole('tab', { name: 'GRU' }).click()
      await page.getByRole('button', { name: words.cell.before, exact: true }).click()
      await expect(page.getByText(words.cell.formNote)).toBeVisible()
      const { model, sequence } = pass('gru')
      const other = { ...model, layers: model.layers.map((l) => ({ ...l, resetAfter: false })) }
      await expect(page.locator('#line-h button.name b')).toHaveText(
        number(run(other, sequence).layers[0].h[4 * 64 + 4], 4),
      )
    })

    test('Cell: playing moves the cursor', async ({ page }) => {
      await open(page, `cell?lang=${lang}`)
      await page.getByLabel(words.transport.speed).selectOption('4')
      await page.getByRole('button', { name: words.transport.play }).click()
      await expect
        .poll(() => page.getByRole('slider', { name: words.transport.cursor }).inputValue())
        .not.toBe('0')
      await page.getByRole('button', { name: words.transport.pause }).click()
    })

    test('What if: a gate held, an input changed, a matrix scaled, the outputs change at once', async ({
      page,
    }) => {
      await open(page, `cell?lang=${lang}&t=57&unit=9&tab=gru`)
      const moved = page.locator('[data-moved]')
      const { model, sequence, y } = pass('gru')
      const expected = (edits: object) => {
        const is = run(model, sequence, { ...NONE, ...edits }).y!
        return is.reduce((sum, v, k) => sum + Math.abs(v - y![k]), 0) / is.length
      }
      const shows = async (edits: object) => {
        await expect
          .poll(async () => Number(await moved.getAttribute('data-moved')))
          .toBeCloseTo(expected(edits), 5)
      }
      const what = page.locator('section[aria-labelledby=what-if]')
      const gates = [{ layer: 0, gate: 'z', unit: 9, value: 1, at: null }]
      await what
        .getByRole('group', { name: `${words.names.z} z` })
        .getByRole('button', { name: '1', exact: true })
        .click()
      await shows({ gates })
      await expect(page.locator('#line-z')).toContainText(words.cell.held)
      await what.getByLabel(words.whatIf.input).selectOption({ index: 5 })
      const inputs = [{ at: 57, id: 5 + model.units!.first }]
      await shows({ gates, inputs })
      await what.getByLabel(words.whatIf.recurrent).fill('0.5')
      await shows({ gates, inputs, recurrent: 0.5 })
      await what.getByRole('button', { name: words.page.undoAll }).click()
      await expect(moved).toHaveCount(0)
    })

    test('Tape: a typed text is read, its states and surprise are the network’s', async ({
      page,
    }) => {
      await open(page, `tape?lang=${lang}&tab=gru&unit=9`)
      await page.locator('textarea').fill('The quick brown fox')
      const { model } = pass('gru')
      const own = run(model, ofText(model, 'The quick brown fox'))
      const T = own.sequence.T
      await expect(page.locator('.transport output')).toContainText(String(T - 1))
      const table = page.locator('details').last()
      await table.locator('summary').click()
      const cells = table.locator('tbody tr').nth(6).locator('td')
      await expect(cells.nth(0)).toHaveText('u')
      await expect(cells.nth(1)).toHaveText(number(own.layers[0].gates.z![6 * 64 + 9], 3))
      await expect(cells.last()).toHaveText(number(surprises(own)![6], 2))
      const tau = timeConstant(meanKeep(own.layers[0])[9])
      expect(Number(await page.locator('[data-tau]').getAttribute('data-tau'))).toBeCloseTo(tau, 5)
      await expect(page).toHaveURL(/text=The/)
    })

    test('Tape: arrows move through time and units', async ({ page }) => {
      await open(page, `tape?lang=${lang}&tab=gru&t=5&unit=9`)
      const tape = page.getByRole('group', { name: words.tape.title })
      await tape.focus()
      await page.keyboard.press('ArrowRight')
      await expect(page.locator('.transport output')).toHaveText(/^6/)
      await page.keyboard.press('ArrowDown')
      await expect(page.getByLabel(words.page.unit, { exact: true })).not.toHaveValue('9')
    })

    test('Tape: a recording is seen and heard, and the cursor is where the sound is', async ({
      page,
    }) => {
      const { address, T, step } = heardPage(`dist/heard-${lang}.html`)
      await page.goto(`${address}#/tape?lang=${lang}&t=3`)
      const panel = page.locator('.panel', { hasText: words.tape.heardHelp })
      await expect(panel.getByRole('heading')).toHaveText(words.tape.heard)
      const player = panel.locator('audio')
      const time = () => player.evaluate((a: HTMLAudioElement) => a.currentTime)
      await expect.poll(time).toBeCloseTo(3 * step, 3)
      const box = (await panel.locator('canvas').boundingBox())!
      await page.mouse.click(box.x + (box.width * (T / 2 + 0.5)) / T, box.y + 20)
      await expect(page.locator('.transport output')).toHaveText(new RegExp(`^${String(T / 2)}\\b`))
      await expect.poll(time).toBeCloseTo((T / 2) * step, 3)
      await player.evaluate((a: HTMLAudioElement) => a.play())
      await expect(page.locator('.transport output')).toHaveText(new RegExp(`^${String(T - 1)}\\b`))
      await panel.locator('summary').click()
      await expect(panel.locator('tbody tr')).toHaveCount(T)
      await expect(panel.locator('tbody tr').nth(4).locator('td').first()).toHaveText(
        number(4 * step, 2),
      )
    })

    test('Backwards: the gradients of the three cells, and the half-life that the bias moves', async ({
      page,
    }) => {
      await open(page, `backwards?lang=${lang}&tab=gru&t=370`)
      for (const cell of ['rnn', 'lstm', 'gru'] as const) {
        const own = pass(cell)
        const last = lastWithLoss(own)
        const { h, c } = throughNetwork(own, lossGradient(own, 'last'))[0]
        const [ofH, ofC] = [rowNorms(h, own.sequence.T), c ? rowNorms(c, own.sequence.T) : null]
        const size = (t: number) => Math.hypot(ofH[t], ofC?.[t] ?? 0)
        const share = size(370) / size(last)
        if (share > 1e-3) {
          await expect(page.locator(`[data-cell=${cell}]`)).toContainText(number(100 * share, 1))
        } else await expect(page.locator(`[data-cell=${cell}]`)).toContainText('· 10')
      }
      const life = page.locator('[data-life=gru]')
      const before = Number(await life.getAttribute('data-half'))
      const keep = meanKeep(pass('gru').layers[0]).sort()
      expect(before).toBeCloseTo(halfLife(keep[Math.floor(keep.length * 0.9)]), 5)
      await page.getByLabel(words.backwards.bias).fill('2')
      await expect
        .poll(async () => Number(await life.getAttribute('data-half')))
        .toBeGreaterThan(before)
      await expect(page.locator('[data-life=rnn]')).toHaveText(words.backwards.keepsNone('RNN'))
    })

    test('Backwards: played, the cursor goes from right to left', async ({ page }) => {
      await open(page, `backwards?lang=${lang}&t=370`)
      await page.getByRole('button', { name: words.transport.play }).click()
      const cursor = page.getByRole('slider', { name: words.transport.cursor })
      await expect.poll(async () => Number(await cursor.inputValue())).toBeLessThan(366)
    })

    test('Clipping: who is thrown out, and the angle in numbers', async ({ page }) => {
      await page.emulateMedia({ reducedMotion: 'reduce' })
      await open(page, `clipping?lang=${lang}`)
      for (const way of ['none', 'value', 'norm'] as const) {
        const end = descend([5, -2.45], way, 0.15, 1, 60)[60]
        const shown = page.locator(`[data-way=${way}]`)
        expect(Number(await shown.getAttribute('data-loss'))).toBeCloseTo(end.loss, 6)
      }
      await expect(page.locator('[data-way=none]')).toHaveAttribute('data-out', 'true')
      await expect(page.locator('[data-way=norm]')).toHaveAttribute('data-out', 'false')
      await page.getByRole('button', { name: words.clipping.hardest }).click()
      const path = descend([5, -2.45], 'none', 0.15, 1, 60)
      const hardest = path.reduce((a, b) =>
        Math.hypot(...a.before) >= Math.hypot(...b.before) ? a : b,
      ).before
      const turned = angle(hardest, clip(hardest, 'value', 0.15))
      const byValue = page.locator('[data-angle-value]')
      expect(Number(await byValue.getAttribute('data-angle-value'))).toBeCloseTo(turned, 4)
      await expect(byValue).toContainText(words.clipping.turned(number(turned, 1)))
      const byNorm = page.locator('[data-angle-norm]')
      expect(Number(await byNorm.getAttribute('data-angle-norm'))).toBeCloseTo(0, 6)
    })

    test('Clipping: the threshold is dragged', async ({ page }) => {
      await open(page, `clipping?lang=${lang}`)
      const canvas = page.locator('.arrows canvas')
      const box = (await canvas.boundingBox())!
      const middle = [box.x + box.width / 2, box.y + box.height / 2]
      await page.mouse.move(middle[0] + 20, middle[1])
      await page.mouse.down()
      await page.mouse.move(middle[0] + 0.3 * (box.width * 0.46) * 2, middle[1])
      await page.mouse.up()
      await expect(page.getByRole('slider', { name: words.clipping.threshold })).toHaveValue('0.3')
    })

    test('Memory: the horizon is the network’s, and the loss falls with context', async ({
      page,
    }) => {
      await open(page, `memory?lang=${lang}&tab=gru`)
      await expect(page.getByText(words.memory.computing)).toHaveCount(0, { timeout: 30_000 })
      const own = pass('gru')
      const T = 160
      const short = {
        ...own,
        sequence: { ...own.sequence, T },
        layers: own.layers.map((l) => ({ ...l, T })),
      }
      const expected = horizon(byLag([...influence(short)].at(-1)!))
      await expect(page.locator('[data-horizon]')).toHaveAttribute('data-horizon', String(expected))
      await expect(page.locator('[data-horizon]')).toHaveText(words.memory.horizonIs(expected))
      const table = page.locator('details').first()
      await table.locator('summary').click()
      const bits = await table.locator('tbody td').allTextContents()
      const values = bits.map((b) => Number(b.replace(',', '.')))
      expect(values[0]).toBeGreaterThan(values.at(-1)! + 0.5)
    })

    test('Training: without a server, the records that came with the model', async ({ page }) => {
      await open(page, `training?lang=${lang}&tab=gru`)
      await expect(page.getByText(words.training.noServer)).toBeVisible()
      const gru = BUNDLES.find((b) => b.cell === 'gru')!
      await expect(page.locator('[data-records]')).toHaveAttribute(
        'data-records',
        String(gru.metrics!.length),
      )
      await page.locator('details summary').click()
      const first = gru.metrics!.find((m) => typeof m.loss === 'number')!
      await expect(page.locator('tbody')).toContainText(number(Number(first.loss), 4))
    })

    test('Tour: a question before each reveal, to the end', async ({ page }) => {
      await page.emulateMedia({ reducedMotion: 'reduce' })
      await open(page, `tour?lang=${lang}`)
      const stops = Object.values(lang === 'pt' ? stopsPt : stopsEn)
      for (const [k, stop] of stops.entries()) {
        await expect(page.getByRole('heading', { name: stop.title, exact: true })).toBeVisible()
        await expect(page.getByText(stop.answer)).toHaveCount(0)
        const reveal = page.getByRole('button', { name: words.tour.reveal, exact: true })
        await expect(reveal).toBeDisabled()
        await page.getByRole('radio', { name: stop.options[stop.right] }).check()
        await reveal.click()
        await expect(page.getByText(stop.answer)).toBeVisible()
        await expect(page.getByText(words.tour.right, { exact: true })).toBeVisible()
        await expect(page.locator('.picture canvas').first()).toBeVisible()
        if (k < stops.length - 1) {
          await page.getByRole('button', { name: words.tour.next, exact: true }).click()
        }
      }
      await expect(page.getByText(words.tour.finish)).toBeVisible()
    })

    test('a link shows the same again', async ({ page }) => {
      await open(page, `tape?lang=${lang}&theme=dark&tab=lstm&t=33&unit=7`)
      await expect(page.locator('.transport output')).toHaveText(/^33/)
      await page.getByRole('link', { name: words.views.cell, exact: true }).click()
      await expect(page.getByRole('tab', { name: 'LSTM' })).toHaveAttribute('aria-selected', 'true')
      const url = page.url()
      await page.goto('about:blank')
      await page.goto(url)
      await expect(page.locator('.transport output')).toHaveText(/^33/)
      await expect(page.getByLabel(words.page.unit, { exact: true })).toHaveValue('7')
      await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark')
      await expect(page.locator('html')).toHaveAttribute('lang', lang === 'pt' ? 'pt-BR' : 'en')
    })
  })
}
