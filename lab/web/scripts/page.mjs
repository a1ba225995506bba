/** Puts bundles into the built page, as `gruta lab --export` does: node scripts/page.mjs OUT BUNDLES… */

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export function pageWith(out, ...files) {
  const bundles = files.flatMap((file) => {
    const found = JSON.parse(readFileSync(file, 'utf8'))
    return Array.isArray(found) ? found : [found.bundle ?? found]
  })
  const json = JSON.stringify(bundles).replaceAll('<', '\\u003c')
  const element = `<script type="application/json" id="gruta-bundles">${json}</script>`
  const page = readFileSync('dist/index.html', 'utf8')
  const end = page.lastIndexOf('</body>')
  writeFileSync(out, page.slice(0, end) + element + page.slice(end))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [out = 'dist/demo.html', ...files] = process.argv.slice(2)
  pageWith(out, ...(files.length > 0 ? files : ['tests/fixtures/trio.json']))
}
