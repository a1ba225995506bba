/** The page's colours for numbers, safe for colour-blind readers, in both themes. */

import type { Theme } from '$lib/state/route'

type Rgb = readonly [number, number, number]

export interface Palette {
  paper: string
  ink: string
  muted: string
  line: string
  accent: string
  /** From −1 by 0 to 1: blue, paper, orange; 256 colours, as one number each and as CSS. */
  signed: Scale
  /** From 0 to 1: paper to green, for gates. */
  share: Scale
  /** From 0 to 1: paper to violet, for gradients and influence. */
  size: Scale
  cells: Readonly<Record<'rnn' | 'lstm' | 'gru', string>>
  ways: Readonly<Record<'none' | 'value' | 'norm', string>>
}

export interface Scale {
  css: readonly string[]
  /** As ImageData holds it on little-endian machines: ABGR. */
  packed: Uint32Array
}

const STEPS = 256

function scale(stops: readonly Rgb[]): Scale {
  const css: string[] = []
  const packed = new Uint32Array(STEPS)
  for (let k = 0; k < STEPS; k++) {
    const at = (k / (STEPS - 1)) * (stops.length - 1)
    const low = Math.min(Math.floor(at), stops.length - 2)
    const [r, g, b] = [0, 1, 2].map((c) =>
      Math.round(stops[low][c] + (at - low) * (stops[low + 1][c] - stops[low][c])),
    )
    css.push(`rgb(${String(r)},${String(g)},${String(b)})`)
    packed[k] = (255 << 24) | (b << 16) | (g << 8) | r
  }
  return { css, packed }
}

const LIGHT: Palette = {
  paper: '#fffdf8',
  ink: '#211d18',
  muted: '#655e53',
  line: '#d9d2c4',
  accent: '#7a2e8e',
  signed: scale([
    [10, 62, 130],
    [74, 138, 196],
    [244, 240, 230],
    [224, 132, 46],
    [140, 62, 0],
  ]),
  share: scale([
    [244, 240, 230],
    [122, 186, 164],
    [0, 104, 88],
  ]),
  size: scale([
    [250, 247, 240],
    [186, 140, 196],
    [84, 16, 104],
  ]),
  cells: { rnn: '#b0520a', lstm: '#1f66a8', gru: '#00705f' },
  ways: { none: '#b0261e', value: '#96580a', norm: '#00705f' },
}

const DARK: Palette = {
  paper: '#1a1c22',
  ink: '#ece7dc',
  muted: '#a8a195',
  line: '#3a3d47',
  accent: '#d99bea',
  signed: scale([
    [140, 196, 255],
    [54, 116, 184],
    [38, 40, 48],
    [190, 96, 22],
    [255, 178, 92],
  ]),
  share: scale([
    [38, 40, 48],
    [28, 120, 104],
    [112, 232, 200],
  ]),
  size: scale([
    [30, 32, 39],
    [122, 66, 142],
    [240, 190, 255],
  ]),
  cells: { rnn: '#f2a25c', lstm: '#7db8f5', gru: '#5fd6b8' },
  ways: { none: '#ff8a7d', value: '#f0b45a', norm: '#5fd6b8' },
}

export const palette = (theme: Theme): Palette => (theme === 'dark' ? DARK : LIGHT)

/** Which of a scale's colours stands for a value from −most to most. */
export function signedAt(value: number, most: number): number {
  const at = (value / most + 1) / 2
  return Math.max(0, Math.min(STEPS - 1, Math.round(at * (STEPS - 1))))
}

/** Which stands for a value from 0 to most. */
export function shareAt(value: number, most = 1): number {
  return Math.max(0, Math.min(STEPS - 1, Math.round((value / most) * (STEPS - 1))))
}
