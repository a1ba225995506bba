/** The page's address: which view, and what is looked at in it. */

import { CELLS, type Cell } from '$lib/engine/bundle'
import type { Part } from '$lib/engine/byHand'

export const VIEWS = [
  'cell',
  'tape',
  'backwards',
  'clipping',
  'memory',
  'training',
  'tour',
] as const
export type View = (typeof VIEWS)[number]
export type Language = 'en' | 'pt'
export type Theme = 'light' | 'dark'

/** What the address holds; null: not said, the usual. */
export interface Route {
  view: View
  model: string | null
  tab: Cell | null
  sample: number
  text: string | null
  t: number
  unit: number | null
  layer: number
  part: Part | null
  stop: number
  lang: Language | null
  theme: Theme | null
}

const PARTS = [
  ...(['r', 'z', 'n', 'q', 'i', 'f', 'g', 'o'] as const),
  ...(['u', 'c', 'h', 'y', 'share'] as const),
] satisfies Part[]

export function read(hash: string, search = ''): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  const said = new URLSearchParams(query)
  const outside = new URLSearchParams(search)
  const one = <V extends string>(name: string, of: readonly V[]): V | null => {
    const value = said.get(name) ?? outside.get(name)
    return of.find((v) => v === value) ?? null
  }
  const count = (name: string): number | null => {
    const value = said.get(name)
    return value !== null && /^\d{1,6}$/.test(value) ? Number(value) : null
  }
  return {
    view: VIEWS.find((v) => v === path) ?? 'cell',
    model: said.get('model'),
    tab: one('tab', CELLS),
    sample: count('sample') ?? 0,
    text: said.get('text'),
    t: count('t') ?? 0,
    unit: count('unit'),
    layer: count('layer') ?? 0,
    part: one('part', PARTS),
    stop: count('stop') ?? 0,
    lang: one('lang', ['en', 'pt'] as const),
    theme: one('theme', ['light', 'dark'] as const),
  }
}

/** The longest text that an address carries. */
const LONGEST_TEXT = 1000

export function write(route: Route): string {
  const said = new URLSearchParams()
  const put = (name: string, value: string | number | null, usual: string | number | null) => {
    if (value !== null && value !== usual) said.set(name, String(value))
  }
  put('model', route.model, null)
  put('tab', route.tab, null)
  put('sample', route.sample, 0)
  put('text', route.text && route.text.length <= LONGEST_TEXT ? route.text : null, null)
  put('t', route.t, 0)
  put('unit', route.unit, null)
  put('layer', route.layer, 0)
  put('part', route.part, null)
  put('stop', route.stop, 0)
  put('lang', route.lang, null)
  put('theme', route.theme, null)
  const query = said.toString()
  return `#/${route.view}${query ? `?${query}` : ''}`
}
