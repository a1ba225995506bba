/** The bundle, as Python writes it, and the model that the page computes with. */

export type Cell = 'rnn' | 'lstm' | 'gru'
export const CELLS: readonly Cell[] = ['rnn', 'lstm', 'gru']

/** What a layer computes besides its state, in the order in which its weights hold it. */
export const GATES = {
  gru: ['r', 'z', 'n'],
  lstm: ['i', 'f', 'g', 'o'],
  rnn: ['n'],
} as const satisfies Record<Cell, readonly string[]>

/** r, z, n, q of a GRU; i, f, g, o of an LSTM; n of an RNN. */
export type Gate = 'r' | 'z' | 'n' | 'q' | 'i' | 'f' | 'g' | 'o'

/** The gate that holds the old state back from being replaced, where a cell has one. */
export const KEEP: Readonly<Record<Cell, Gate | null>> = { gru: 'z', lstm: 'f', rnn: null }

/** data: little-endian 32-bit numbers in base64, or bytes where that is said; null where the server keeps
 * the weights. */
export interface ArrayData {
  shape: number[]
  data: string | null
}

export interface Titles {
  en: string
  pt: string
}

export interface SampleData {
  title: Titles
  text?: string
  /** The text's units as numbers, [T], with what it is read after. */
  units?: number[]
  x?: ArrayData
  labels?: string[]
  recording?: RecordingData
}

/** bands: [T, M], bytes from soft to loud, the lowest band first; wav: a file in base64, which begins with
 * the first step; step: how many seconds one lasts. */
export interface RecordingData {
  bands: ArrayData
  wav: string
  step: number
}

export interface Units {
  kind: string
  /** list[k] has the number first + k. */
  list: string[]
  first: number
  /** The number of all other units. */
  unknown: number
  /** What a text is read after, and what behind it, if anything. */
  before: number | null
  after: number | null
  /** Whether letters are made small. */
  lower: boolean
}

export interface AdviceData {
  rule?: string
  layer?: string
  confidence?: string
  finding: string | Titles
  remedy: string | Titles
  code?: string
}

export type MetricLine = Record<string, number | string | boolean | null>

export interface Bundle {
  format: 1
  name: string
  task: string
  cell: Cell
  group?: string | null
  /** The weights stay with the server, which computes. */
  remote?: boolean
  /** So many steps it computes at once. */
  longest?: number | null
  resetAfter?: boolean
  nonlinearity?: 'tanh' | 'relu'
  layers: {
    name: string
    inputSize: number
    hiddenSize: number
    reverse?: boolean
    wIh: ArrayData
    wHh: ArrayData
    bIh: ArrayData | null
    bHh: ArrayData | null
  }[]
  embedding: ArrayData | null
  output: { weight: ArrayData; bias: ArrayData | null } | null
  units: (Partial<Units> & Pick<Units, 'kind' | 'list'>) | null
  columns?: Titles[]
  answers?: string[]
  samples: SampleData[]
  advice?: AdviceData[]
  metrics?: MetricLine[]
}

/** One direction of one layer. Rows of the weights: a gate after the other, in torch.nn's order. */
export interface Layer {
  name: string
  cell: Cell
  I: number
  H: number
  resetAfter: boolean
  relu: boolean
  reverse: boolean
  /** Layers of one depth read the same input: one, or two where the network reads both ways. */
  depth: number
  /** [G*H, I] */
  wIh: Float32Array
  /** [G*H, H] */
  wHh: Float32Array
  /** [G*H]; zeros in a layer without. */
  bIh: Float32Array
  bHh: Float32Array
}

export interface Sample {
  title: Titles
  text: string | null
  ids: Int32Array | null
  x: Float32Array | null
  labels: string[] | null
  recording: Recording | null
}

/** What a sequence was heard in. bands: [T, M]; sound: an address of what can be played. */
export interface Recording {
  T: number
  M: number
  bands: Uint8Array
  sound: string
  step: number
}

export interface Model {
  name: string
  task: string
  cell: Cell
  group: string | null
  layers: Layer[]
  /** What layer 0 reads, a number a column. */
  I: number
  /** [V, I] */
  embedding: Float32Array | null
  V: number
  /** weight [K, H of the last depth, both directions side by side] */
  output: { weight: Float32Array; bias: Float32Array; K: number } | null
  units: Units | null
  columns: Titles[]
  /** What the outputs are called, where they are not units. */
  answers: string[]
  samples: Sample[]
  advice: AdviceData[]
  metrics: MetricLine[]
  remote: boolean
  longest: number | null
}

/** A bundle that cannot be read: `what` is the part that is wrong. */
export class BundleError extends Error {
  constructor(readonly what: string) {
    super(what)
  }
}

export function decode(bundle: Bundle): Model {
  if (bundle.format !== 1) throw new BundleError(`format ${String(bundle.format)}`)
  if (!(bundle.cell in GATES)) throw new BundleError(`cell ${String(bundle.cell)}`)
  const G = GATES[bundle.cell].length
  let depth = -1
  const layers = bundle.layers.map((own, k): Layer => {
    const { name, inputSize: I, hiddenSize: H } = own
    if (!own.reverse || k === 0) depth++
    return {
      name,
      cell: bundle.cell,
      I,
      H,
      resetAfter: bundle.resetAfter ?? true,
      relu: bundle.nonlinearity === 'relu',
      reverse: own.reverse ?? false,
      depth,
      wIh: numbers(own.wIh, [G * H, I], `${name}.wIh`),
      wHh: numbers(own.wHh, [G * H, H], `${name}.wHh`),
      bIh: own.bIh ? numbers(own.bIh, [G * H], `${name}.bIh`) : new Float32Array(G * H),
      bHh: own.bHh ? numbers(own.bHh, [G * H], `${name}.bHh`) : new Float32Array(G * H),
    }
  })
  if (layers.length === 0) throw new BundleError('layers')
  const I = layers[0].I
  const last = layers.filter((l) => l.depth === depth).reduce((sum, l) => sum + l.H, 0)
  const K = bundle.output?.weight.shape[0] ?? 0
  return {
    name: bundle.name,
    task: bundle.task,
    cell: bundle.cell,
    group: bundle.group ?? null,
    layers,
    I,
    embedding: bundle.embedding
      ? numbers(bundle.embedding, [bundle.embedding.shape[0], I], 'embedding')
      : null,
    V: bundle.embedding?.shape[0] ?? 0,
    output: bundle.output
      ? {
          weight: numbers(bundle.output.weight, [K, last], 'output.weight'),
          bias: bundle.output.bias
            ? numbers(bundle.output.bias, [K], 'output.bias')
            : new Float32Array(K),
          K,
        }
      : null,
    units: bundle.units
      ? { first: 1, unknown: 0, before: null, after: null, lower: false, ...bundle.units }
      : null,
    columns: bundle.columns ?? [],
    answers: bundle.answers ?? [],
    samples: bundle.samples.map((s) => sampleOf(s, I)),
    remote: bundle.remote ?? false,
    longest: bundle.longest ?? null,
    advice: bundle.advice ?? [],
    metrics: bundle.metrics ?? [],
  }
}

/** A sequence for a network whose layer 0 reads I numbers. */
export function sampleOf(s: SampleData, I: number): Sample {
  return {
    title: s.title,
    text: s.text ?? null,
    ids: s.units ? Int32Array.from(s.units) : null,
    x: s.x ? numbers(s.x, [s.x.shape[0], I], 'samples.x') : null,
    labels: s.labels ?? null,
    recording: s.recording ? recordingOf(s.recording) : null,
  }
}

function recordingOf({ bands, wav, step }: RecordingData): Recording {
  const [T, M] = bands.shape
  const read = bytes(bands.data ?? '')
  if (read.length !== T * M || !(step > 0)) throw new BundleError('samples.recording')
  return { T, M, bands: read, sound: `data:audio/wav;base64,${wav}`, step }
}

/** The numbers of an array whose shape must be the one named. */
export function numbers(array: ArrayData, shape: number[], name: string): Float32Array {
  const same = array.shape.length === shape.length && array.shape.every((n, k) => n === shape[k])
  if (!same) throw new BundleError(`${name}: [${array.shape.join(', ')}] ≠ [${shape.join(', ')}]`)
  const count = shape.reduce((a, b) => a * b, 1)
  if (array.data === null) return new Float32Array(0)
  const read = bytes(array.data)
  if (read.length !== 4 * count) throw new BundleError(`${name}: ${String(read.length)} bytes`)
  return new Float32Array(read.buffer) // the low byte first, as every machine with a browser has it
}

function bytes(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64)
  const found = new Uint8Array(text.length)
  for (let k = 0; k < found.length; k++) found[k] = text.charCodeAt(k)
  return found
}
