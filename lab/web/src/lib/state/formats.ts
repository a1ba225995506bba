/** Numbers as people write them, in either language. */

import type { Language } from './route'

export interface Formats {
  number: (value: number, digits?: number) => string
  /** Few digits, whatever the size. */
  brief: (value: number) => string
  percent: (share: number, digits?: number) => string
}

/** Numbers as readers of the language write them. */
export function formats(lang: Language): Formats {
  const locale = lang === 'pt' ? 'pt-BR' : 'en-US'
  const cache = new Map<number, Intl.NumberFormat>()
  const number = (value: number, digits = 3): string => {
    if (!Number.isFinite(value)) return Number.isNaN(value) ? '–' : value > 0 ? '∞' : '−∞'
    if (!cache.has(digits)) {
      const options = { minimumFractionDigits: digits, maximumFractionDigits: digits }
      cache.set(digits, new Intl.NumberFormat(locale, options))
    }
    return cache.get(digits)!.format(value).replace('-', '−')
  }
  const brief = (value: number): string => {
    const size = Math.abs(value)
    if (value === 0 || !Number.isFinite(value)) return number(value, 0)
    if (size >= 1e5 || size < 1e-3) {
      const power = Math.floor(Math.log10(size))
      return `${number(value / 10 ** power, 1)}\u00a0·\u00a010${superscript(power)}`
    }
    return number(value, size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3)
  }
  const percent = (share: number, digits = 0): string =>
    `${share > 0 && share < 0.0005 ? brief(100 * share) : number(100 * share, digits)}%`
  return { number, brief, percent }
}

export function superscript(power: number): string {
  return Array.from(String(power), (c) => (c === '-' ? '⁻' : '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(c)])).join('')
}
