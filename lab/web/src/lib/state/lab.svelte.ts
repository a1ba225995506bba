/** What the page looks at: one store, one time cursor, for all views. */

import {
  byTimeConstant,
  CELLS,
  decode,
  isNone,
  LONGEST,
  meanKeep,
  NONE,
  ofNumbers,
  ofSample,
  ofTable,
  ofText,
  passOf,
  run,
  sampleOf,
  untrained,
  BundleError,
  type Cell,
  type Edits,
  type GateEdit,
  type Inferred,
  type Model,
  type Part,
  type Pass,
  type Sample,
  type SampleData,
  type Sequence,
} from '$lib/engine'
import { en } from '$lib/words/en'
import { pt } from '$lib/words/pt'
import type { Words } from '$lib/words/words'

import { formats } from './formats'
import { Newest } from './newest'
import { read, write as addressOf, type Language, type Route, type Theme, type View } from './route'
import { inThePage, offers, server, Told, type Offer } from './sources'

export const SPEEDS = [0.25, 0.5, 1, 2, 4] as const

/** How long a step of the Cell view lasts, and of the others, in seconds at speed 1. */
const CELL_STEP = 3.2
const STEP = 0.12

/** Milliseconds between two steps whose numbers are written out while the cursor moves. */
const READABLE = 120

/** How much is computed for a sequence at once, in steps times weights, before the page cuts it. */
const MOST = 4e8

type Trouble =
  | { kind: 'offline' | 'nothing' }
  | { kind: 'broken'; name: string; what: string }
  | { kind: 'refused'; what: string }

export class Lab {
  readonly server = server()
  /** The models stand in the page: no server is asked for anything. */
  readonly alone = inThePage() !== null

  view = $state<View>('cell')
  t = $state(0)
  /** How far the step is played, 0 to 1, in the Cell view. */
  phase = $state(1)
  playing = $state(false)
  speed = $state<number>(1)
  unitSaid = $state<number | null>(null)
  layer = $state(0)
  part = $state<Part | null>(null)
  stop = $state(0)
  sample = $state(0)
  text = $state<string | null>(null)
  table = $state.raw<Sequence | null>(null)
  edits = $state.raw<Edits>(NONE)
  /** Whether the other form of the GRU is shown than the one trained. */
  otherForm = $state(false)

  languageSaid = $state<Language | null>(null)
  themeSaid = $state<Theme | null>(null)
  systemDark = $state(matchMedia('(prefers-color-scheme: dark)').matches)
  calm = $state(matchMedia('(prefers-reduced-motion: reduce)').matches)

  offers = $state.raw<Offer[]>([])
  private opened = $state.raw<ReadonlyMap<string, Model>>(new Map())
  modelId = $state<string | null>(null)
  tab = $state<Cell | null>(null)
  trouble = $state.raw<Trouble | null>(null)
  /** Whether the first picture is drawn, before which nothing is computed that it does not show. */
  drawn = $state(false)
  /** A model that ships is being trained, before it can be opened. */
  making = $state(false)
  /** How much of that is done, 0 to 1. */
  made = $state(0)
  /** What the server computed of a model that the page has no weights of. */
  private inferred = $state.raw<Pass | null>(null)
  private asking = false
  private readonly reading = new Newest()

  readonly lang = $derived<Language>(
    this.languageSaid ?? (navigator.language.toLowerCase().startsWith('pt') ? 'pt' : 'en'),
  )
  readonly words = $derived<Words>(this.lang === 'pt' ? pt : en)
  readonly theme = $derived<Theme>(this.themeSaid ?? (this.systemDark ? 'dark' : 'light'))

  private readonly chosen = $derived(this.modelId === null ? null : this.opened.get(this.modelId))

  /** The models of the chosen one's group that are open, by cell. */
  readonly trio = $derived.by(() => {
    const found = new Map<Cell, Model>()
    const chosen = this.chosen
    if (!chosen) return found
    if (chosen.group !== null) {
      for (const model of this.opened.values()) {
        if (model.group === chosen.group && !found.has(model.cell)) found.set(model.cell, model)
      }
    }
    found.set(chosen.cell, chosen)
    return new Map(CELLS.flatMap((c) => (found.has(c) ? [[c, found.get(c)!]] : [])))
  })

  readonly cell = $derived<Cell>(this.tab ?? this.chosen?.cell ?? 'gru')
  readonly isTrained = $derived(this.trio.has(this.cell))

  /** The sequence that is looked at, as another model of the group reads it. */
  sequenceOf(model: Model): Sequence | null {
    const found = this.read(model)
    if (found === undefined) return this.sequence
    return found && shortened(found, model, this.T)
  }

  /** What is chosen, as a model reads it: null where it cannot, undefined where nothing is. */
  private read(model: Model): Sequence | null | undefined {
    if (this.table) return this.table.x.length === this.table.T * model.I ? this.table : null
    if (this.text !== null && model.embedding) return ofText(model, this.text)
    const sample = this.chosenSample(model)
    return sample && ofSample(model, sample)
  }

  private chosenSample(model: Model): Sample | undefined {
    return model.samples[Math.min(this.sample, model.samples.length - 1)]
  }

  /** What the chosen sequence was heard in, where it is a recording. */
  readonly recording = $derived.by(() => {
    if (!this.chosen || this.table || this.text !== null) return null
    return this.chosenSample(this.chosen)?.recording ?? null
  })

  readonly model = $derived.by<Model | null>(() => {
    const chosen = this.chosen
    if (!chosen) return null
    const own = this.trio.get(this.cell) ?? untrained(chosen, this.cell)
    if (!this.otherForm || own.cell !== 'gru') return own
    const layers = own.layers.map((l) => ({ ...l, resetAfter: !l.resetAfter }))
    return { ...own, layers }
  })

  private readonly whole = $derived.by<Sequence | null>(() => {
    const model = this.model
    if (!model) return null
    const found = this.read(model)
    if (found !== undefined) return found
    return model.embedding ? ofText(model, 'gruta') : ofNumbers(model, waves(model.I))
  })

  /** What is to be read: as much of it as is computed at once, by the page or the server. */
  readonly wanted = $derived.by<Sequence | null>(() => {
    const [whole, model] = [this.whole, this.model]
    if (!whole || !model) return null
    const size = model.layers.reduce((sum, l) => sum + l.wHh.length + l.wIh.length, 0)
    const most = model.longest ?? Math.max(16, Math.floor(MOST / size))
    return shortened(whole, model, Math.min(LONGEST, most))
  })
  readonly wasCut = $derived(
    (this.whole?.longer ?? false) || (this.whole?.T ?? 0) > (this.wanted?.T ?? 0),
  )
  /** What the server's last answer is of, where it is this model's. */
  private readonly answered = $derived(this.inferred?.model === this.model ? this.inferred : null)
  /** What is read and shown: of a model that the server computes the last that it did. */
  readonly sequence = $derived((this.model?.remote && this.answered?.sequence) || this.wanted)
  /** Whether the server has yet to answer what is wanted now, while what was before is shown. */
  readonly isBehind = $derived(this.sequence !== this.wanted)

  /** The network's way through the sequence, without and with the what-if changes. */
  readonly untouched = $derived.by<Pass | null>(() => {
    if (!this.model || !this.sequence) return null
    return this.model.remote ? this.answered : run(this.model, this.sequence)
  })
  readonly pass = $derived.by<Pass | null>(() =>
    isNone(this.edits) || !this.untouched || this.untouched.model.remote
      ? this.untouched
      : run(this.untouched.model, this.untouched.sequence, this.edits),
  )

  readonly T = $derived(this.sequence?.T ?? 0)
  readonly at = $derived(Math.max(0, Math.min(this.t, this.T - 1)))
  private lately = $state(0)
  private writtenAt = 0
  /** The step whose numbers are written out: the picture follows the cursor at once, texts follow as
   * fast as they can be read, as they cost as much as the picture. */
  readonly written = $derived(Math.max(0, Math.min(this.lately, this.T - 1)))
  readonly layerAt = $derived(Math.min(this.layer, (this.model?.layers.length ?? 1) - 1))
  readonly trace = $derived(this.pass?.layers[this.layerAt] ?? null)
  /** Of the untouched network, so that rows stay where they are while something is changed. */
  readonly keep = $derived.by(() => {
    const trace = this.untouched?.layers[this.layerAt]
    return trace ? meanKeep(trace) : new Float64Array(0)
  })
  readonly order = $derived(byTimeConstant(this.keep))
  readonly H = $derived(this.trace?.layer.H ?? 0)
  /** The unit looked at: the one said, else one that keeps rather long. */
  readonly unit = $derived.by(() => {
    if (this.unitSaid !== null && this.unitSaid < this.H) return this.unitSaid
    return this.order[Math.floor(this.order.length / 16)] ?? 0
  })

  label(t: number): string {
    if (this.recording) return this.format.number(t * this.recording.step, 2)
    return visible(this.pass?.sequence.labels[t] ?? '')
  }

  /** The address that shows the same again. */
  readonly hash = $derived(
    addressOf({
      view: this.view,
      model: this.modelId,
      tab: this.tab,
      sample: this.sample,
      text: this.text,
      t: this.at,
      unit: this.unitSaid,
      layer: this.layer,
      part: this.part,
      stop: this.stop,
      lang: this.languageSaid,
      theme: this.themeSaid,
    }),
  )

  go(route: Route): void {
    this.view = route.view
    this.tab = route.tab
    this.sample = route.sample
    this.text = route.text
    if (route.t !== this.t) this.phase = 1
    this.t = route.t
    this.unitSaid = route.unit
    this.layer = route.layer
    this.part = route.part
    this.stop = route.stop
    this.languageSaid = route.lang
    this.themeSaid = route.theme
    if (route.model !== null && route.model !== this.modelId) void this.choose(route.model)
  }

  async start(): Promise<void> {
    const route = read(location.hash, location.search)
    this.go({ ...route, model: null })
    try {
      this.offers = await offers(this.server)
    } catch {
      this.trouble = { kind: 'offline' }
      return
    }
    if (this.offers.length === 0) {
      this.trouble = { kind: 'nothing' }
      return
    }
    const wanted = this.offers.find((o) => o.id === route.model || o.name === route.model)
    const ready = this.offers.filter((o) => o.ready)
    const known = ready.length > 0 ? ready : this.offers
    await this.choose((wanted ?? known.find((o) => /gru/i.test(o.name)) ?? known[0]).id)
  }

  /** Open a model, and those of its group. */
  async choose(id: string): Promise<void> {
    const offer = this.offers.find((o) => o.id === id || o.name === id)
    if (!offer) return
    if (!offer.ready) {
      await this.make(offer)
      return
    }
    const group = this.offers.filter((o) => o.group !== null && o.group === offer.group)
    this.trouble = null
    const open = async (one: Offer): Promise<void> => {
      if (this.opened.has(one.id)) return
      const model = decode(await one.open())
      this.opened = new Map([...this.opened, [one.id, model]])
    }
    const others = Promise.allSettled(group.filter((o) => o !== offer).map(open))
    try {
      await open(offer)
    } catch (error) {
      this.trouble = this.troubleOf(error, offer.name)
      return
    }
    await others
    if (this.modelId !== null && this.modelId !== offer.id) {
      this.edits = NONE
      this.table = null
      this.tab = null
    }
    this.modelId = offer.id
    if (this.model?.remote) void this.infer() // once more, where the last answer was lost
  }

  /** Have a model that ships be trained, wait for it, and open it. */
  private async make({ id, name, recipe }: Offer): Promise<void> {
    if (!this.server || this.making) return
    this.making = true
    this.made = 0
    this.trouble = null
    try {
      await this.server.post('api/make', { recipe })
      for (;;) {
        await new Promise((resolve) => setTimeout(resolve, 1000))
        this.offers = await offers(this.server)
        const now = this.offers.find((o) => o.id === id)
        this.made = now?.share ?? this.made
        if (now?.error) throw new Told(now.error)
        if (!now || now.ready) break
      }
    } catch (error) {
      this.trouble = this.troubleOf(error, name)
      return
    } finally {
      this.making = false
    }
    await this.choose(id)
  }

  private troubleOf(error: unknown, name: string): Trouble {
    if (error instanceof TypeError) return { kind: 'offline' }
    const what = error instanceof Told ? error.words[this.lang] : said(error)
    return { kind: 'broken', name, what }
  }

  /** Ask the server for what the page cannot compute; called whenever model or sequence change. One
   * question at a time: what was typed meanwhile is the next one. */
  async infer(): Promise<void> {
    const from = this.server
    if (!from || this.alone || this.asking) return
    this.asking = true
    for (let last: Sequence | null = null; ;) {
      const { model, wanted, modelId } = this
      if (!model?.remote || !wanted || wanted === last || wanted === this.answered?.sequence) break
      last = wanted
      try {
        const found = await from.ask<Inferred>({
          infer: { bundle: modelId, ...steps(model, wanted) },
        })
        this.inferred = passOf(model, wanted, found)
        this.trouble = null
      } catch (error) {
        const what = error instanceof Told && error.words[this.lang]
        this.trouble = what ? { kind: 'refused', what } : this.troubleOf(error, model.name)
      }
    }
    this.asking = false
  }

  /** What only the server can read: a text of words, or a file; InputErrors of its are thrown. What
   * is chosen meanwhile stays. */
  async readThere(what: { text: string } | File): Promise<void> {
    const { model, server: from, modelId } = this
    if (!model || !from) return
    const found = await this.reading.of(async () => {
      const asked =
        what instanceof File
          ? { upload: (await from.upload<{ upload: string }>(what)).upload }
          : { text: what.text }
      return from.ask<{ samples: SampleData[] }>({ read: { bundle: modelId, ...asked } })
    })
    const first = found?.samples[0]
    if (!first || model !== this.model) return
    this.table = ofSample(model, sampleOf(first, model.I))
    this.text = null
    this.seek(0)
  }

  chooseCell(cell: Cell): void {
    this.tab = cell
    this.part = null
    this.layer = 0
    this.edits = { ...this.edits, gates: [] }
    this.otherForm = false
  }

  readText(text: string): void {
    this.reading.drop()
    this.table = null
    this.text = text
    this.seek(0)
  }

  readTable(csv: string): void {
    if (!this.model) return
    this.reading.drop()
    this.table = ofTable(this.model, csv)
    this.seek(0)
  }

  toSample(k: number): void {
    this.reading.drop()
    this.table = null
    this.text = null
    this.sample = k
    this.edits = { ...this.edits, inputs: [] }
    this.seek(0)
  }

  seek(t: number): void {
    this.t = Math.max(0, Math.min(Math.round(t), this.T - 1))
    this.phase = 1
  }

  /** A step on or back; forward, the Cell view plays it. */
  move(by: number): void {
    const next = this.at + by
    if (next < 0 || next >= this.T) return
    this.t = next
    this.phase = 1
    if (by > 0 && this.view === 'cell' && !this.calm && !this.playing) this.once = true
    if (this.once) this.phase = 0
  }

  /** One step is being played, after which it stops. */
  once = $state(false)

  toggle(): void {
    this.playing = !this.playing
    this.once = false
    if (this.playing && this.view === 'backwards') this.t = this.at > 0 ? this.at : this.T - 1
    else if (this.playing && this.at >= this.T - 1) this.t = 0
    if (this.playing) this.phase = 0
    else this.phase = 1
  }

  private waited = 0

  /** Once a frame: let what is written catch up with the cursor. */
  write(now: number): void {
    if (this.lately === this.t || now - this.writtenAt < READABLE) return
    this.lately = this.t
    this.writtenAt = now
  }

  /** So many seconds have passed. */
  advance(seconds: number): void {
    if (!this.playing && !this.once) return
    const passed = seconds * this.speed
    if (this.view === 'cell' && !this.calm) {
      const phase = this.phase + passed / CELL_STEP
      if (phase < 1) this.phase = phase
      else if (this.once || this.at >= this.T - 1) {
        this.phase = 1
        this.once = this.playing = false
      } else {
        this.t = this.at + 1
        this.phase = phase % 1
      }
      return
    }
    this.phase = 1
    this.once = false
    this.waited += passed
    const step = this.view === 'cell' ? CELL_STEP / 3 : STEP
    const back = this.view === 'backwards'
    while (this.waited >= step) {
      this.waited -= step
      const next = this.at + (back ? -1 : 1)
      if (next < 0 || next >= this.T) {
        this.playing = false
        this.waited = 0
        return
      }
      this.t = next
    }
  }

  holdGate(edit: Omit<GateEdit, 'value'>, value: number | null): void {
    const same = (e: GateEdit) =>
      e.layer === edit.layer && e.gate === edit.gate && e.unit === edit.unit
    const gates = this.edits.gates.filter((e) => !same(e))
    if (value !== null) gates.push({ ...edit, value })
    this.edits = { ...this.edits, gates }
  }

  /** How many changes are on. */
  readonly changes = $derived(
    this.edits.gates.length +
      this.edits.inputs.length +
      Number(this.edits.recurrent !== 1) +
      Number(this.edits.keepBias !== 0),
  )

  undoAll(): void {
    this.edits = NONE
    this.otherForm = false
  }

  readonly format = $derived(formats(this.lang))
}

/** A space or line end as a sign that can be seen. */
export function visible(label: string): string {
  return label === ' ' ? '␣' : label === '\n' ? '⏎' : label === '\t' ? '⇥' : label
}

/** A sequence as a server is asked about it. */
function steps({ I }: Model, { ids, x, T }: Sequence): { units: number[] } | { x: number[][] } {
  if (ids) return { units: [...ids] }
  return { x: Array.from({ length: T }, (_, t) => [...x.subarray(t * I, (t + 1) * I)]) }
}

/** What is read where a model of numbers came without a sample. */
function waves(I: number): Float32Array {
  return Float32Array.from({ length: 60 * I }, (_, k) =>
    Math.sin((2 * Math.PI * (Math.floor(k / I) + 5 * (k % I))) / 24),
  )
}

function shortened(whole: Sequence, model: Model, T: number): Sequence {
  if (whole.T <= T) return whole
  return {
    T,
    x: whole.x.subarray(0, T * model.I),
    labels: whole.labels.slice(0, T),
    ids: whole.ids?.subarray(0, T) ?? null,
    targets: whole.targets?.subarray(0, T) ?? null,
  }
}

function said(error: unknown): string {
  if (error instanceof BundleError) return error.what
  return error instanceof Error ? error.message : String(error)
}

export const lab = new Lab()
