/**
 * KaTeX stands in the page as text (vite.config.ts), which is read when the first equation is shown:
 * no picture waits for it.
 */

import type KaTeX from 'katex'

declare global {
  interface Window {
    katex?: typeof KaTeX
  }
}

/** What was typeset: each equation once, as its numbers stand beside it, not in it. */
const known = new Map<string, string>()
const MOST = 500

function katex(): typeof KaTeX {
  if (!window.katex) {
    const script = document.createElement('script')
    script.textContent = document.getElementById('typesetter')!.textContent
    document.head.append(script)
  }
  return window.katex!
}

/** An equation as HTML. */
export function typeset(tex: string): string {
  let html = known.get(tex)
  if (html === undefined) {
    html = katex().renderToString(tex, { throwOnError: false, strict: false })
    if (known.size >= MOST) known.clear()
    known.set(tex, html)
  }
  return html
}
