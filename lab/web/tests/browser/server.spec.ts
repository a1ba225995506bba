/** The page beside a server: trainings as they go, and what is said when something breaks. */

import { readFileSync } from 'node:fs'

import { expect, test, type Page, type WebSocketRoute } from '@playwright/test'

import type { Bundle, Pass } from '../../src/lib/engine'
import { en } from '../../src/lib/words/en'

import { BUNDLES, pass } from './page'

const HOME = 'http://lab.test/?token=secret&lang=en'

interface Run {
  id: string
  path: string
  state: string
  task: string
  cell: string
  step: number
  steps: number
}

/** A server of ours in the test: what it was asked, and what it answers. */
class Served {
  asked: { path: string; body: string; token: string | null }[] = []
  said: unknown[] = []
  sockets: WebSocketRoute[] = []
  runs: Run[] = [
    {
      id: 'a',
      path: '/runs/a',
      state: 'training',
      task: 'generate',
      cell: 'gru',
      step: 40,
      steps: 500,
    },
    {
      id: 'b',
      path: '/runs/b',
      state: 'stopped',
      task: 'forecast',
      cell: 'lstm',
      step: 90,
      steps: 100,
    },
  ]
  bundles: { id: string; name: string; group: string | null; ready: boolean; recipe?: string }[] =
    BUNDLES.map((b) => ({ id: b.name, name: b.name, group: 'facts', ready: true }))
  models: Partial<Record<string, unknown>> = Object.fromEntries(BUNDLES.map((b) => [b.name, b]))
  alive = true
  /** Whether more than the page itself is answered. */
  answers = true
  /** An answer, with arrays; null where it is to take for ever. */
  answer: ((question: Record<string, unknown>) => object | null) | null = null

  async open(page: Page, hash: string): Promise<void> {
    const index = readFileSync('dist/index.html', 'utf8')
    await page.route('http://lab.test/**', async (route) => {
      const request = route.request()
      const url = new URL(request.url())
      if (!this.alive) return route.abort()
      if (url.pathname === '/') return route.fulfill({ body: index, contentType: 'text/html' })
      if (!this.answers) return route.abort()
      const token = url.searchParams.get('token')
      this.asked.push({ path: url.pathname, body: request.postData() ?? '', token })
      const [, , what, id] = url.pathname.split('/')
      if (what === 'runs' && !id) return route.fulfill({ json: this.runs })
      if (what === 'bundles' && !id) return route.fulfill({ json: this.bundles })
      if (what === 'bundles') {
        const model = this.models[decodeURIComponent(id)]
        const error = { en: 'its weights are cut short', pt: 'os pesos estão cortados' }
        return model
          ? route.fulfill({ json: model })
          : route.fulfill({ status: 400, json: { error } })
      }
      if (what === 'train') return route.fulfill({ status: 201, json: { id: 'a' } })
      if (what === 'upload') return route.fulfill({ json: { upload: '0123456789abcdef.csv' } })
      if (what === 'make') {
        this.bundles = this.bundles.map((b) => ({ ...b, ready: true }))
        return route.fulfill({ status: 202, json: {} })
      }
      return route.fulfill({ json: {} })
    })
    await page.routeWebSocket(/lab\.test\/ws/, (socket) => {
      if (!this.alive) {
        void socket.close()
        return
      }
      this.sockets.push(socket)
      socket.onMessage((message) => {
        const question = JSON.parse(String(message)) as Record<string, unknown>
        this.said.push(question)
        if (typeof question.watch === 'string') {
          const metrics = [
            { step: 0, validation_loss: 4 },
            {
              step: 10,
              loss: 3.5,
              gradient_norm_before_clipping: 2,
              gradient_norm_after_clipping: 1,
              clipped_share: 0.5,
            },
            {
              step: 20,
              loss: 3.1234,
              gradient_norm_before_clipping: 1.5,
              gradient_norm_after_clipping: 1,
              clipped_share: 0.6,
            },
          ]
          socket.send(JSON.stringify({ watch: question.watch, run: this.runs[0], metrics }))
        } else if (this.answer) {
          const answer = this.answer(question)
          if (answer) socket.send(framed({ ask: question.ask, ...answer }))
        }
      })
    })
    await page.goto(HOME + hash)
  }
}

test('a training is watched: losses, clipping and advice, as they come', async ({ page }) => {
  const served = new Served()
  await served.open(page, '#/training')
  await page.locator('[data-run=a]').getByRole('button', { name: en.training.watch }).click()
  await expect(page.locator('[data-records]')).toHaveAttribute('data-records', '3')
  expect(served.said).toEqual([{ watch: 'a' }])
  const more = [
    { step: 30, loss: 2.75, gradient_norm_before_clipping: 1, gradient_norm_after_clipping: 1 },
  ]
  const advice = [
    {
      rule: 'clipped',
      confidence: 'high',
      finding: { en: '70% of the steps were clipped', pt: '70 % dos passos' },
      remedy: { en: 'raise the threshold', pt: 'aumente o limite' },
    },
  ]
  served.sockets[0].send(JSON.stringify({ watch: 'a', metrics: more, advice }))
  await expect(page.locator('[data-records]')).toHaveAttribute('data-records', '4')
  await expect(page.getByText('70% of the steps were clipped')).toBeVisible()
  await page.locator('details summary').click()
  await expect(page.locator('tbody')).toContainText('3.1234')
  await expect(page.locator('tbody')).toContainText('2.7500')
  served.sockets[0].send(JSON.stringify({ watch: 'a', anew: true, metrics: more.concat(more) }))
  await expect(page.locator('[data-records]')).toHaveAttribute('data-records', '2')
})

test('buttons stop, go on and start, with the token', async ({ page }) => {
  const served = new Served()
  await served.open(page, '#/training')
  await page.locator('[data-run=a]').getByRole('button', { name: en.training.stop }).click()
  await expect.poll(() => served.asked.map((a) => a.path)).toContain('/api/runs/a/stop')
  await page.locator('[data-run=b]').getByRole('button', { name: en.training.resume }).click()
  await expect.poll(() => served.asked.map((a) => a.path)).toContain('/api/runs/b/resume')
  await page.locator('form').getByRole('combobox', { name: en.training.cell }).selectOption('lstm')
  await page.locator('form').getByRole('spinbutton').fill('120')
  await page.getByRole('button', { name: en.training.begin, exact: true }).click()
  await expect.poll(() => served.asked.map((a) => a.path)).toContain('/api/train')
  const begun = served.asked.find((a) => a.path === '/api/train')!
  expect(JSON.parse(begun.body)).toEqual({
    source: 'sample:english',
    task: 'generate',
    cell: 'lstm',
    steps: 120,
  })
  expect(served.asked.every((a) => a.token === 'secret')).toBe(true)
})

test('a file of the reader’s is handed in, then learned from', async ({ page }) => {
  const served = new Served()
  await served.open(page, '#/training')
  await page.getByLabel(en.training.source).selectOption('file')
  await page
    .locator('form input[type=file]')
    .setInputFiles({ name: 'mine.csv', mimeType: 'text/csv', buffer: Buffer.from('ds,y\n1,2\n') })
  await page.getByRole('combobox', { name: en.training.task }).selectOption('forecast')
  await page.getByRole('button', { name: en.training.begin, exact: true }).click()
  await expect.poll(() => served.asked.map((a) => a.path)).toContain('/api/train')
  expect(served.asked.find((a) => a.path === '/api/upload')?.body).toBe('ds,y\n1,2\n')
  expect(served.asked.find((a) => a.path === '/api/train')?.body).toContain('0123456789abcdef.csv')
})

test('a dropped socket is opened again, and watches on', async ({ page }) => {
  const served = new Served()
  await served.open(page, '#/training')
  await page.locator('[data-run=a]').getByRole('button', { name: en.training.watch }).click()
  await expect(page.locator('[data-records]')).toBeVisible()
  await served.sockets[0].close()
  await expect(page.getByText(en.training.lost)).toBeVisible()
  await expect.poll(() => served.sockets.length).toBe(2)
  await expect(page.getByText(en.training.lost)).toHaveCount(0)
  await expect(page.locator('[data-records]')).toHaveAttribute('data-records', '3')
})

test('a server that is gone: said, and how to go on', async ({ page }) => {
  test.setTimeout(90_000)
  const served = new Served()
  await served.open(page, '#/training')
  await page.locator('[data-run=a]').getByRole('button', { name: en.training.watch }).click()
  await expect(page.locator('[data-records]')).toBeVisible()
  served.alive = false
  await served.sockets[0].close()
  await expect(page.getByText(en.training.gone)).toBeVisible({ timeout: 60_000 })
  served.alive = true
  await page.getByRole('button', { name: en.page.retry }).click()
  await expect(page.locator('[data-records]')).toHaveAttribute('data-records', '3')
})

test('no server from the start', async ({ page }) => {
  const served = new Served()
  served.answers = false
  await served.open(page, '#/cell')
  await expect(page.getByRole('alert')).toContainText(en.page.offline)
})

test('a broken run: what is wrong with it, and the others open', async ({ page }) => {
  const served = new Served()
  served.bundles.push({ id: 'broken', name: 'broken', group: null, ready: true })
  await served.open(page, '#/cell?model=broken')
  await expect(page.getByRole('alert')).toContainText('its weights are cut short')
  await page.getByLabel(en.page.model).selectOption('topics-gru')
  await expect(page.getByRole('tab', { name: 'GRU' })).toHaveAttribute('aria-selected', 'true')
  await expect(page.getByRole('alert')).toHaveCount(0)
})

test('a bundle whose arrays do not fit is named by its part', async ({ page }) => {
  const served = new Served()
  const gru = structuredClone(BUNDLES.find((b) => b.cell === 'gru')!) as Bundle
  gru.layers[0].wHh.shape = [3, 4]
  served.models['topics-gru'] = gru
  await served.open(page, '#/cell')
  await expect(page.getByRole('alert')).toContainText('wHh: [3, 4] ≠ [192, 64]')
})

test('a model that ships is made when it is first asked for', async ({ page }) => {
  const served = new Served()
  served.bundles = served.bundles.map((b) => ({ ...b, ready: false, recipe: 'facts' }))
  await served.open(page, '#/cell')
  await expect(page.getByRole('tab', { name: 'GRU' })).toBeVisible({ timeout: 10_000 })
  const made = served.asked.find((a) => a.path === '/api/make')!
  expect(JSON.parse(made.body)).toEqual({ recipe: 'facts' })
})

test('a model of torch.nn reads the columns of a table that is dropped, in the page', async ({
  page,
}) => {
  const served = new Served()
  const [I, H] = [2, 3]
  const array = (...shape: number[]) => ({
    shape,
    data: Buffer.from(new Float32Array(shape.reduce((a, b) => a * b, 1)).buffer).toString('base64'),
  })
  const layer = { name: 'l0', inputSize: I, hiddenSize: H, reverse: false }
  const weights = { wIh: array(3 * H, I), wHh: array(3 * H, H), bIh: null, bHh: null }
  served.models['own'] = {
    ...{ format: 1, name: 'own', task: 'layers', cell: 'gru', layers: [{ ...layer, ...weights }] },
    ...{ embedding: null, output: null, units: null, samples: [] },
    columns: ['x1', 'x2'].map((name) => ({ en: name, pt: name })),
  }
  served.bundles = [{ id: 'own', name: 'own', group: null, ready: true }]
  await served.open(page, '#/tape')
  const table = {
    name: 'a.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from('x2,x1\n1,2\n3,4\n5,6\n'),
  }
  await page.locator('input[type=file]').setInputFiles(table)
  await expect(page.locator('.transport .of')).toHaveText(/2$/)
  const read = page.locator('figure', { hasText: en.tape.inputs })
  await expect(read.locator('li')).toHaveText(['x1', 'x2'])
  await page
    .locator('input[type=file]')
    .setInputFiles({ ...table, buffer: Buffer.from('x1,y\n1,2\n') })
  await expect(page.getByText(en.tape.columnsMissing('x1, x2', 'x2'))).toBeVisible()
  expect(served.asked.map((a) => a.path)).not.toContain('/api/upload')
})

/** The trained GRU as a model whose weights the server keeps, and the server's answer to its sample. */
function enormous(served: Served): { gru: Bundle; own: Pass } {
  const gru = structuredClone(BUNDLES.find((b) => b.cell === 'gru')!) as Bundle
  gru.remote = true
  const own = pass('gru')
  gru.longest = own.sequence.T
  gru.group = null
  for (const layer of gru.layers) {
    for (const array of [layer.wIh, layer.wHh, layer.bIh!, layer.bHh!]) array.data = null
  }
  gru.embedding!.data = null
  gru.output!.weight.data = null
  gru.output!.bias!.data = null
  served.models['topics-gru'] = gru
  served.bundles = [{ id: 'topics-gru', name: 'topics-gru', group: null, ready: true }]
  const halves = (values: Float32Array) => Uint16Array.from(values, half)
  const { gates, h } = own.layers[0]
  const states = Object.entries({ ...gates, h }).map(([name, values]) => [name, halves(values)])
  served.answer = (question) => {
    expect(question.infer).toMatchObject({ bundle: 'topics-gru', units: [...own.sequence.ids!] })
    return { result: { layers: [Object.fromEntries(states)], y: halves(own.y!) } }
  }
  return { gru, own }
}

test('a connection that is lost in the middle of an answer: said, and asked again', async ({
  page,
}) => {
  const served = new Served()
  enormous(served)
  const { answer } = served
  served.answer = () => null
  await served.open(page, '#/cell?t=20')
  await expect.poll(() => served.said.length).toBe(1)
  await served.sockets[0].close()
  await expect(page.getByRole('alert')).toContainText(en.page.offline)
  served.answer = answer
  await page.getByRole('button', { name: en.page.retry }).click()
  await expect(page.locator('.transport output')).toHaveText(/^20/)
  await expect(page.getByRole('alert')).toHaveCount(0)
  expect(served.sockets.length).toBe(2)
})

test('what the server says of the connection itself is shown', async ({ page }) => {
  const served = new Served()
  enormous(served)
  served.answer = () => null
  await served.open(page, '#/cell')
  await expect.poll(() => served.said.length).toBe(1)
  const error = { en: 'too many pages are open', pt: 'há páginas demais abertas' }
  served.sockets[0].send(JSON.stringify({ error }))
  await expect(page.getByRole('alert')).toContainText(error.en)
})

test('an enormous model is computed by the server, and shown', async ({ page }) => {
  const served = new Served()
  const { gru, own } = enormous(served)
  const { h } = own.layers[0]
  await served.open(page, '#/cell?t=20&unit=5')
  await expect(page.getByText(en.page.remote).first()).toBeVisible()
  await page.locator('details summary').click()
  const row = page.locator('tbody tr', { has: page.locator('th', { hasText: /^5$/ }) })
  const shown = await row.locator('td').last().textContent()
  expect(Number(shown!.replace('−', '-'))).toBeCloseTo(h[20 * 64 + 5], 2)
  await page.getByRole('link', { name: en.views.memory }).click()
  await expect(page.getByText(en.page.needsWeights)).toBeVisible()

  // While it computes what is typed, the picture of before stays, and so does the place to type in.
  await page.getByRole('link', { name: en.views.tape }).click()
  const lengths: number[] = []
  served.answer = (question) => {
    lengths.push((question.infer as { units: number[] }).units.length)
    return null
  }
  const area = page.locator('textarea')
  await area.fill('a long text '.repeat(100))
  await expect(page.getByText(en.page.computing)).toBeVisible()
  await expect(area).toBeFocused()
  await expect(page.locator('.transport')).toBeVisible()
  expect(lengths).toEqual([gru.longest])
})

/** An answer with its arrays as bytes behind the JSON, as the server sends it. */
function framed(content: object): Buffer {
  const parts: Buffer[] = []
  let at = 0
  const json = JSON.stringify(content, (_key, value: unknown) => {
    if (!(value instanceof Uint16Array)) return value
    parts.push(Buffer.from(value.buffer))
    at += value.byteLength
    return { shape: [value.length], at: at - value.byteLength }
  })
  const told = Buffer.from(json + ' '.repeat((4 - (Buffer.byteLength(json) % 4)) % 4))
  const size = Buffer.alloc(4)
  size.writeUInt32LE(told.length)
  return Buffer.concat([size, told, ...parts])
}

/** The nearest number of 16 bits, for numbers of a network's size. */
function half(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
  const size = Math.abs(value)
  if (size < 2 ** -14) return sign | Math.round(size * 2 ** 24)
  let power = Math.floor(Math.log2(size))
  let rest = Math.round((size / 2 ** power - 1) * 1024)
  if (rest === 1024) {
    rest = 0
    power++
  }
  return sign | ((power + 15) << 10) | rest
}
