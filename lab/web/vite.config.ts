import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

import { svelte } from '@sveltejs/vite-plugin-svelte'
import type { Plugin } from 'vite'
import { viteSingleFile } from 'vite-plugin-singlefile'
import { defineConfig } from 'vitest/config'

/** Of KaTeX's fonts the page takes those that its equations use, in the one format that browsers want. */
const KEPT = /KaTeX_(Main-Regular|Math-Italic)/

function fewerFonts(): Plugin {
  return {
    name: 'fewer-fonts',
    enforce: 'pre',
    transform(code, id) {
      if (!/katex.*\.css/.test(id)) return null
      return code.replace(/@font-face\s*\{[^}]*\}/g, (face) =>
        KEPT.test(face) ? face.replace(/,url\([^)]*\.(woff|ttf)\) format\("[a-z]+"\)/g, '') : '',
      )
    },
  }
}

/** KaTeX as text in the page: src/lib/parts/typeset.ts reads it when it is needed. */
function katexAsText(): Plugin {
  const path = createRequire(import.meta.url).resolve('katex/dist/katex.min.js')
  return {
    name: 'katex-as-text',
    transformIndexHtml: () => [
      {
        tag: 'script',
        attrs: { type: 'text/plain', id: 'typesetter' },
        children: readFileSync(path, 'utf8').replaceAll('</script', '<\\/script'),
        injectTo: 'body',
      },
    ],
  }
}

export default defineConfig({
  plugins: [
    fewerFonts(),
    katexAsText(),
    svelte(),
    viteSingleFile({ removeViteModuleLoader: true }),
  ],
  resolve: {
    alias: { $lib: fileURLToPath(new URL('./src/lib', import.meta.url)) },
    ...(process.env.VITEST ? { conditions: ['browser'] } : {}),
  },
  build: { target: 'es2022', assetsInlineLimit: 1e8, chunkSizeWarningLimit: 1500 },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
})
