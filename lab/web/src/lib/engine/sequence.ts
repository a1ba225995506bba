/** What a network reads: units of a text, or rows of numbers. */

import type { Model, Sample } from './bundle'

export interface Sequence {
  T: number
  /** [T, I], what layer 0 reads */
  x: Float32Array
  /** What stands at each step, for people. */
  labels: string[]
  /** [T], the unit's number at each step, where units are read. */
  ids: Int32Array | null
  /** [T], the unit that is to be foretold at each step, −1 where none is known. */
  targets: Int32Array | null
  /** Whether more was there than the page takes. */
  longer?: boolean
}

/** The longest sequence that the page takes; what is longer is cut, and the page says so. */
export const LONGEST = 2000

export function ofText(model: Model, text: string): Sequence {
  const { units, embedding } = model
  if (!units || !embedding) throw new Error('the model reads no text')
  const places = new Map(units.list.map((unit, k) => [unit, k + units.first]))
  const read = split(units.lower ? text.toLowerCase() : text, units.kind, places)
  const labels = read.slice(0, LONGEST)
  const ids = labels.map((unit) => places.get(unit) ?? units.unknown)
  if (units.before !== null) {
    ids.unshift(units.before)
    labels.unshift(unitName(model, units.before))
  }
  if (units.after !== null) {
    ids.push(units.after)
    labels.push(unitName(model, units.after))
  }
  return { ...ofIds(model, Int32Array.from(ids), labels), longer: read.length > LONGEST }
}

function ofIds(model: Model, ids: Int32Array, labels: string[]): Sequence {
  const targets = ids.map((_, t) => ids[t + 1] ?? -1)
  return { T: ids.length, x: embed(model, ids), labels, ids, targets }
}

/** How a unit is written, by its number. */
export function unitName({ units }: Model, id: number): string {
  return units?.list[id - units.first] ?? '�'
}

export function ofNumbers(model: Model, x: Float32Array, labels?: string[]): Sequence {
  const whole = Math.floor(x.length / model.I)
  const T = Math.min(whole, LONGEST)
  return {
    T,
    x: x.slice(0, T * model.I),
    labels: Array.from({ length: T }, (_, t) => labels?.[t] ?? String(t)),
    ids: null,
    targets: null,
    longer: whole > LONGEST,
  }
}

export function ofSample(model: Model, sample: Sample): Sequence {
  const { x, ids, labels, text } = sample
  if (x) return ofNumbers(model, x, labels ?? undefined)
  if (ids) return ofIds(model, ids, labels ?? Array.from(ids, (id) => unitName(model, id)))
  return ofText(model, text ?? '')
}

/** Rows of the embedding, [T, I]. */
export function embed(model: Model, ids: Int32Array): Float32Array {
  const { embedding, I, V } = model
  const x = new Float32Array(ids.length * I)
  if (!embedding) return x
  ids.forEach((id, t) => {
    const row = Math.min(Math.max(id, 0), V - 1)
    x.set(embedding.subarray(row * I, (row + 1) * I), t * I)
  })
  return x
}

/** A text's units; pieces of words are found greedily, the longest that the model knows first. */
function split(text: string, kind: string, places: ReadonlyMap<string, number>): string[] {
  if (kind === 'words') return text.match(/[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]|\n/gu) ?? []
  if (kind === 'bytes') {
    return Array.from(new TextEncoder().encode(text), (b) => String.fromCharCode(b))
  }
  if (kind !== 'subwords') return Array.from(text)
  const longest = Math.max(1, ...Array.from(places.keys(), (unit) => unit.length))
  const found: string[] = []
  for (let at = 0; at < text.length;) {
    let size = Math.min(longest, text.length - at)
    while (size > 1 && !places.has(text.slice(at, at + size))) size--
    found.push(text.slice(at, at + size))
    at += size
  }
  return found
}

/** Rows of a CSV file whose columns the model knows by name; all must be there. */
export function ofTable(model: Model, csv: string): Sequence {
  const lines = csv.split(/\r?\n/).filter((line) => line.trim() !== '')
  const semicolons = (lines[0] ?? '').split(';').length > (lines[0] ?? '').split(',').length
  const mark = semicolons ? ';' : ','
  const cells = (line: string) => line.split(mark).map((c) => c.trim().replace(/^"|"$/g, ''))
  const header = cells(lines[0] ?? '')
  const known = model.columns.length === model.I
  const wanted = known ? model.columns.map((name) => name.en) : header.slice(-model.I)
  const places = wanted.map((name, k) => {
    const at = header.indexOf(name)
    return at === -1 && known ? header.indexOf(model.columns[k].pt) : at
  })
  const missing = wanted.filter((_, k) => places[k] === -1)
  if (missing.length > 0 || wanted.length !== model.I) throw new TableError(missing, wanted)
  const rows = lines.slice(1, LONGEST + 1).map(cells)
  const number = (s: string) => Number(semicolons ? s.replace(',', '.') : s)
  const x = Float32Array.from(rows.flatMap((row) => places.map((k) => number(row[k] ?? ''))))
  const bad = x.findIndex((v) => !Number.isFinite(v))
  if (bad >= 0) throw new TableError([], wanted, Math.floor(bad / model.I) + 2)
  const stamps = places.includes(0) ? undefined : rows.map((row) => row[0] ?? '')
  return { ...ofNumbers(model, x, stamps), longer: lines.length - 1 > LONGEST }
}

/** A table that the model cannot read: columns that it lacks, or a line without a number. */
export class TableError extends Error {
  constructor(
    readonly missing: string[],
    readonly wanted: string[],
    readonly line = 0,
  ) {
    super(line > 0 ? `line ${String(line)}` : missing.join(', '))
  }
}
