/** Where an axis of powers of ten has its marks, and what is written there. */

import { superscript, type Formats } from '$lib/state/formats'

/** A mark: where, as a power of ten, and what it says. */
export interface Tick {
  at: number
  label: string
}

/** How many decimals tell multiples of a step apart: two of 0.25. */
export function digits(step: number): number {
  for (let k = 0; k < 9; k++) {
    const whole = step * 10 ** k
    if (Math.abs(whole - Math.round(whole)) < 1e-6 * whole) return k
  }
  return 9
}

/** At least so many numbers make a scale readable. */
const FEWEST = 3

/**
 * From 10^low to 10^high at most so many: powers of ten; where these are few, 1, 2 and 5 of each;
 * and where the axis spans less than that, even steps between its ends.
 */
export function logTicks(low: number, high: number, most: number, format: Formats): Tick[] {
  const powers = inside(low, high, [1])
  if (powers.length >= FEWEST) {
    const every = Math.ceil((powers.length - 1) / Math.max(1, most - 1))
    return powers
      .map(([, power]) => power)
      .filter((power) => power % every === 0)
      .map((power) => ({ at: power, label: written(1, power, format) }))
  }
  const found = inside(low, high, [1, 2, 5])
  if (found.length >= FEWEST) {
    return found.map(([digit, power]) => ({
      at: Math.log10(digit) + power,
      label: written(digit, power, format),
    }))
  }
  return even(10 ** low, 10 ** high, most, format)
}

/** Digits times powers of ten within the ends. */
function inside(low: number, high: number, of: number[]): [digit: number, power: number][] {
  const found: [number, number][] = []
  for (let power = Math.floor(low); power <= Math.floor(high); power++) {
    for (const digit of of) {
      const at = Math.log10(digit) + power
      if (at >= low - 1e-9 && at <= high + 1e-9) found.push([digit, power])
    }
  }
  return found
}

function even(from: number, to: number, most: number, format: Formats): Tick[] {
  const power = Math.floor(Math.log10(to - from))
  const steps = [10, 5, 2, 1, 0.5, 0.2, 0.1].map((k) => k * 10 ** power)
  const many = (step: number) => Math.floor(to / step + 1e-9) - Math.ceil(from / step - 1e-9) + 1
  const room = steps.filter((step) => many(step) >= FEWEST)
  const step = room.findLast((own) => many(own) <= most) ?? room[0]
  const first = Math.ceil(from / step - 1e-9)
  return Array.from({ length: many(step) }, (_, k) => ({
    at: Math.log10((first + k) * step),
    label: evenly((first + k) * step, step, format),
  }))
}

function evenly(value: number, step: number, format: Formats): string {
  const power = Math.floor(Math.log10(value) + 1e-9)
  if (power >= -3) return format.number(value, digits(step))
  return `${format.number(value / 10 ** power, digits(step / 10 ** power))} · ${ten(power)}`
}

function written(digit: number, power: number, format: Formats): string {
  if (Math.abs(power) <= 3) return format.number(digit * 10 ** power, Math.max(0, -power))
  return digit === 1 ? ten(power) : `${String(digit)} · ${ten(power)}`
}

const ten = (power: number): string => `10${superscript(power)}`
