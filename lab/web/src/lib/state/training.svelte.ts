/** Trainings: those of the server, as they go, or the one that came with a model. */

import type { AdviceData, MetricLine } from '$lib/engine'

import { Told, type Server } from './sources'

export type RunState = 'starting' | 'training' | 'finishing' | 'finished' | 'stopped' | 'failed'

export interface RunInfo {
  id: string
  path: string
  state: RunState
  task?: string
  cell?: string
  step?: number
  steps?: number
  error?: { en: string; pt: string }
}

/** Statistics of gates that a training writes and the page draws. */
export const MEASURES = [
  'keep_mean',
  'keep_open',
  'keep_shut',
  'reset_mean',
  'time_constant_median',
  'time_constant_90',
] as const
export type Measure = (typeof MEASURES)[number]

/** A record of a training: numbers, and statistics of layers by "layer/measure". */
export type Record_ = Record<string, MetricLine[string] | Record<string, number | null>>

export interface Curve {
  steps: number[]
  values: number[]
}

/** A measure over the steps of a training. */
export function curve(records: readonly Record_[], name: string): Curve {
  const found: Curve = { steps: [], values: [] }
  for (const record of records) {
    const [step, value] = [record.step, record[name]]
    if (typeof step !== 'number' || typeof value !== 'number') continue
    found.steps.push(step)
    found.values.push(value)
  }
  return found
}

/** The same of a statistic of the layers: its mean over them. */
export function ofLayers(records: readonly Record_[], measure: string): Curve {
  const found: Curve = { steps: [], values: [] }
  for (const { step, health } of records) {
    if (typeof step !== 'number' || typeof health !== 'object' || health === null) continue
    const own = Object.entries(health).filter(
      ([name, v]) => typeof v === 'number' && (name.split('/').at(-1) ?? name).endsWith(measure),
    )
    if (own.length === 0) continue
    found.steps.push(step)
    found.values.push(own.reduce((sum, [, v]) => sum + (v ?? 0), 0) / own.length)
  }
  return found
}

/** Several curves on the steps of all, with gaps where one has nothing. */
export function aligned(curves: readonly Curve[]): { x: number[]; lines: (number | null)[][] } {
  const x = [...new Set(curves.flatMap((c) => c.steps))].sort((a, b) => a - b)
  const lines = curves.map(({ steps, values }) => {
    const at = new Map(steps.map((step, k) => [step, values[k]]))
    return x.map((step) => at.get(step) ?? null)
  })
  return { x, lines }
}

interface Message {
  metrics?: Record_[]
  /** All before is void: the training was cut back. */
  anew?: boolean
  advice?: AdviceData[]
  run?: RunInfo
  error?: { en: string; pt: string }
}

/** How often a lost connection is tried again, and after how many seconds the first time. */
const TRIES = 6
const WAIT = 0.5

/** What the server has in training; one of them watched. */
export class Trainings {
  runs = $state.raw<RunInfo[]>([])
  watched = $state<string | null>(null)
  records = $state.raw<Record_[]>([])
  advice = $state.raw<AdviceData[]>([])
  line = $state<'off' | 'connecting' | 'on' | 'lost' | 'gone'>('off')
  trouble = $state.raw<{ en: string; pt: string } | null>(null)

  private socket: WebSocket | null = null
  private tries = 0
  private timer: ReturnType<typeof setTimeout> | undefined
  private polling: ReturnType<typeof setInterval> | undefined

  constructor(private readonly server: Server) {}

  /** Look at the runs again and again; call what comes back to end it. */
  follow(): () => void {
    void this.list()
    this.polling = setInterval(() => void this.list(), 3000)
    return () => {
      clearInterval(this.polling)
      this.leave()
    }
  }

  async list(): Promise<void> {
    try {
      const found = await this.server.get<RunInfo[] | { runs: RunInfo[] }>('api/runs')
      this.runs = Array.isArray(found) ? found : found.runs
      if (this.line === 'gone') this.line = 'off'
    } catch (error) {
      if (error instanceof Told) this.trouble = error.words
      else if (this.line !== 'lost') this.line = 'gone'
    }
  }

  watch(id: string): void {
    this.leave()
    this.watched = id
    this.records = []
    this.advice = []
    this.tries = 0
    this.connect()
  }

  private leave(): void {
    clearTimeout(this.timer)
    const old = this.socket
    this.socket = null
    old?.close()
    this.line = 'off'
  }

  private connect(): void {
    this.line = this.tries === 0 ? 'connecting' : 'lost'
    const socket = this.server.socket()
    this.socket = socket
    socket.addEventListener('open', () => {
      if (socket !== this.socket) return
      this.records = []
      socket.send(JSON.stringify({ watch: this.watched }))
    })
    socket.addEventListener('message', (event) => {
      if (socket !== this.socket) return
      this.line = 'on'
      this.tries = 0
      this.take(JSON.parse(String(event.data)) as Message)
    })
    socket.addEventListener('close', () => {
      if (socket !== this.socket) return
      if (++this.tries > TRIES) {
        this.line = 'gone'
        return
      }
      this.line = 'lost'
      this.timer = setTimeout(() => this.connect(), 1000 * WAIT * 2 ** (this.tries - 1))
    })
  }

  private take(message: Message): void {
    if (message.anew) this.records = []
    if (message.metrics) this.records = [...this.records, ...message.metrics]
    if (message.advice) this.advice = message.advice
    if (message.error) this.trouble = message.error
    const { run } = message
    if (run) this.runs = this.runs.map((r) => (r.id === run.id ? run : r))
  }

  /** Something asked of the server; what it refuses is shown. */
  async ask(what: () => Promise<unknown>): Promise<void> {
    this.trouble = null
    try {
      await what()
      await this.list()
    } catch (error) {
      if (error instanceof Told) this.trouble = error.words
      else this.line = 'gone'
    }
  }

  stop(id: string): Promise<void> {
    return this.ask(() => this.server.post(`api/runs/${encodeURIComponent(id)}/stop`))
  }

  resume(id: string): Promise<void> {
    return this.ask(async () => {
      await this.server.post(`api/runs/${encodeURIComponent(id)}/resume`)
      this.watch(id)
    })
  }

  /** On a sample, or on a file of the reader's, which is handed in first. */
  begin(source: string | File, how: { task: string; cell: string; steps: number }): Promise<void> {
    return this.ask(async () => {
      const from =
        typeof source === 'string'
          ? source
          : (await this.server.upload<{ upload: string }>(source)).upload
      const { id } = await this.server.post<{ id: string }>('api/train', { source: from, ...how })
      this.watch(id)
    })
  }
}
