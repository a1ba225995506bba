/** Everything that a reader reads, by place. A language that lacks a word does not compile. */

import type { Part, StageName } from '$lib/engine/byHand'
import type { Cell } from '$lib/engine/bundle'
import type { Way } from '$lib/engine/cliff'
import type { View } from '$lib/state/route'
import type { Measure, RunState } from '$lib/state/training.svelte'

export type Phase =
  | 'arrive'
  | 'reset'
  | 'candidate'
  | 'update'
  | 'blend'
  | 'gates'
  | 'forget'
  | 'add'
  | 'show'
  | 'mix'
  | 'out'

type Say<K extends string> = Record<K, string>

export interface Words {
  language: string
  page: Say<
    | 'title'
    | 'tagline'
    | 'skip'
    | 'views'
    | 'model'
    | 'layer'
    | 'sequence'
    | 'switchLanguage'
    | 'dark'
    | 'light'
    | 'theme'
    | 'table'
    | 'unit'
    | 'step'
    | 'loading'
    | 'making'
    | 'needsWeights'
    | 'nothing'
    | 'remote'
    | 'remoteAlone'
    | 'computing'
    | 'offline'
    | 'retry'
    | 'undoAll'
    | 'sortedByKeep'
    | 'sortedByLikeness'
  > & {
    chosenUnit: (unit: number) => string
    cut: (n: string) => string
    broken: (name: string, what: string) => string
    edited: (n: number) => string
    untrained: (cell: string) => string
  }
  views: Record<View, string>
  transport: Say<'label' | 'play' | 'pause' | 'back' | 'forward' | 'start' | 'speed' | 'cursor'> & {
    at: (t: number, T: number, label: string) => string
  }
  names: Record<Part | 'x', string>
  legend: Say<
    'gates' | 'states' | 'gradient' | 'influence' | 'none' | 'strongest' | 'loss' | 'low' | 'high'
  >
  cell: Say<
    | 'title'
    | 'tabs'
    | 'form'
    | 'after'
    | 'before'
    | 'formNote'
    | 'earlier'
    | 'ours'
    | 'theirs'
    | 'numbers'
    | 'byHand'
    | 'held'
    | 'weight'
    | 'value'
    | 'product'
    | 'name'
    | 'output'
    | 'next'
    | 'true'
    | 'kept'
    | 'replaced'
    | 'outputRow'
    | 'noOutput'
  > & {
    lead: Record<Cell, string>
    diagram: (cell: string, t: number, label: string, unit: number) => string
    open: (name: string) => string
    stages: Record<StageName, string>
    phases: Record<Phase, string>
    verdict: (hand: string, layer: string) => string
    terms: (n: number) => string
    meanKept: (share: string) => string
    tableOf: (t: number) => string
  }
  whatIf: Say<
    | 'title'
    | 'lead'
    | 'computed'
    | 'everyStep'
    | 'input'
    | 'column'
    | 'change'
    | 'recurrent'
    | 'keepBias'
    | 'before'
    | 'now'
    | 'surprise'
    | 'stateMoved'
  > & { gateOf: (unit: number) => string; thisStep: (t: number) => string }
  tape: Say<
    | 'title'
    | 'lead'
    | 'show'
    | 'zoom'
    | 'fit'
    | 'wide'
    | 'type'
    | 'typeHint'
    | 'use'
    | 'drop'
    | 'noText'
    | 'tooLarge'
    | 'onlySamples'
    | 'back'
    | 'letsGo'
    | 'neverLetsGo'
    | 'surprise'
    | 'surpriseHelp'
    | 'inputs'
    | 'heard'
    | 'heardHelp'
    | 'loudness'
    | 'seconds'
    | 'outputs'
    | 'keepAxis'
    | 'tau'
    | 'keepMean'
    | 'forever'
  > & {
    map: (name: string) => string
    columnsMissing: (wanted: string, missing: string) => string
    lineBad: (line: number) => string
    follow: (unit: number) => string
    keeps: (life: string) => string
    steps: (n: string) => string
  }
  backwards: Say<
    | 'title'
    | 'lead'
    | 'loss'
    | 'last'
    | 'every'
    | 'chart'
    | 'products'
    | 'bias'
    | 'sumOfStates'
    | 'sumOfOutputs'
    | 'crossEntropy'
    | 'alone'
    | 'cellColumn'
    | 'gradient'
    | 'product'
    | 'steps'
  > & {
    heat: (cell: string) => string
    halfLife: (cell: string, before: string, now: string) => string
    keepsNone: (cell: string) => string
    reach: (share: string, steps: number) => string
    here: (t: number) => string
    estimated: (n: number) => string
  }
  clipping: Say<
    | 'title'
    | 'lead'
    | 'map'
    | Way
    | 'threshold'
    | 'rate'
    | 'walkStep'
    | 'startW'
    | 'startB'
    | 'arrows'
    | 'arrowsOf'
    | 'before'
    | 'after'
    | 'angle'
    | 'loss'
    | 'lost'
    | 'valueHelp'
    | 'normHelp'
    | 'play'
    | 'pause'
    | 'drag'
    | 'w'
    | 'b'
    | 'walker'
    | 'farthest'
    | 'hardest'
  > & { length: (x: string) => string; turned: (x: string) => string }
  memory: Say<
    | 'title'
    | 'lead'
    | 'triangle'
    | 'horizon'
    | 'lagChart'
    | 'lossChart'
    | 'lossHelp'
    | 'computing'
    | 'lag'
    | 'share'
    | 'context'
    | 'bits'
    | 'noText'
    | 'halfLives'
    | 'halfLife'
    | 'units'
  > & {
    horizonIs: (n: number) => string
    window: (first: number, last: number, end: number) => string
    budget: (outputs: number, probes: number) => string
    at: (s: number, t: number, share: string) => string
    ofThis: (label: string) => string
  }
  training: Say<
    | 'title'
    | 'lead'
    | 'noServer'
    | 'noMetrics'
    | 'runs'
    | 'watch'
    | 'start'
    | 'source'
    | 'upload'
    | 'cell'
    | 'steps'
    | 'task'
    | 'begin'
    | 'stop'
    | 'resume'
    | 'stopHelp'
    | 'loss'
    | 'trainLoss'
    | 'validationLoss'
    | 'norms'
    | 'before'
    | 'after'
    | 'clipped'
    | 'gates'
    | 'advice'
    | 'noAdvice'
    | 'connecting'
    | 'lost'
    | 'gone'
    | 'step'
    | 'timeConstants'
    | 'gradientReach'
  > & {
    states: Record<RunState, string>
    measures: Record<Measure, string>
    of: (step: string, steps: string) => string
    sure: Say<'low' | 'medium' | 'high'>
    samples: Say<'demand' | 'english' | 'portuguese'>
    tasks: Say<'forecast' | 'generate' | 'classify'>
  }
  tour: Say<
    | 'title'
    | 'next'
    | 'previous'
    | 'reveal'
    | 'right'
    | 'notQuite'
    | 'question'
    | 'see'
    | 'finish'
    | 'again'
    | 'progress'
  > & { stop: (k: number, n: number) => string }
}
