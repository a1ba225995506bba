/** Where models come from: the page itself, or the server that it came from. */

import { framed, type Bundle, type Titles } from '$lib/engine'

/** A model as a list has it; `open` fetches all of it. */
export interface Offer {
  id: string
  name: string
  title: Titles | null
  group: string | null
  /** One that ships is made when it is first asked for, in under a minute. */
  ready: boolean
  recipe: string | null
  /** How much of its making is done, 0 to 1, while it is made. */
  share: number | null
  error: Titles | null
  open: () => Promise<Bundle>
}

/** What the server says went wrong, in both languages. */
export class Told extends Error {
  constructor(readonly words: Titles) {
    super(words.en)
  }
}

export interface Server {
  get: <T>(path: string) => Promise<T>
  post: <T>(path: string, body?: unknown) => Promise<T>
  upload: <T>(file: File) => Promise<T>
  socket: () => WebSocket
  /** A question over a WebSocket that is opened when it is needed. */
  ask: <T>(question: { read: object } | { infer: object }) => Promise<T>
}

declare global {
  interface Window {
    /** What was asked for while the page was read (index.html), by its path; each is taken once. */
    asked?: Map<string, Promise<Response>>
  }
}

/** The bundles that stand in the page itself, or null. */
export function inThePage(): Bundle[] | null {
  const element = document.getElementById('gruta-bundles')
  const text = element?.textContent.trim() ?? ''
  if (text === '') return null
  const found = JSON.parse(text) as Bundle[] | { bundles: Bundle[] } | Bundle
  if (Array.isArray(found)) return found
  return 'bundles' in found ? found.bundles : [found]
}

/** The server that the page came from; null where it was opened as a file. */
export function server(): Server | null {
  if (location.protocol === 'file:') return null
  const token = new URLSearchParams(location.search).get('token') ?? ''
  const ask = async <T>(path: string, options: RequestInit = {}): Promise<T> => {
    const headers = new Headers(options.headers)
    headers.set('X-Gruta-Token', token)
    const early = window.asked?.get(path)
    window.asked?.delete(path)
    const response = await (early ?? fetch(withToken(path, token), { ...options, headers }))
    const body = (await response.json()) as T & { error?: { en: string; pt: string } }
    if (!response.ok) {
      const status = String(response.status)
      throw new Told(body.error ?? { en: status, pt: status })
    }
    return body
  }
  const socket = () => {
    const url = new URL(withToken('ws', token), location.href)
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    return new WebSocket(url)
  }
  return {
    get: (path) => ask(path),
    post: (path, body) =>
      ask(path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body ?? {}),
      }),
    upload: (file) =>
      ask(`api/upload?name=${encodeURIComponent(file.name)}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/octet-stream' },
        body: file,
      }),
    socket,
    ask: questions(socket),
  }
}

/** Asks over one connection, as many questions at once as there are; lost with the connection. */
function questions(open: () => WebSocket): Server['ask'] {
  interface Answer {
    ask?: number
    result?: unknown
    error?: Titles
  }
  let line: Promise<WebSocket> | null = null
  let count = 0
  const waiting = new Map<number, { take: (result: unknown) => void; fail: (e: Error) => void }>()
  const failAll = (error: Error): void => {
    for (const { fail } of waiting.values()) fail(error)
    waiting.clear()
  }

  function hear(event: MessageEvent): void {
    const found: unknown =
      typeof event.data === 'string' ? JSON.parse(event.data) : framed(event.data as ArrayBuffer)
    const answer = found as Answer
    if (answer.ask === undefined) {
      if (answer.error) failAll(new Told(answer.error)) // of the connection, not of a question
      return
    }
    const who = waiting.get(answer.ask)
    waiting.delete(answer.ask)
    if (answer.error) who?.fail(new Told(answer.error))
    else who?.take(answer.result)
  }

  /** One connection for all questions; after one that is lost, another. */
  function connected(): Promise<WebSocket> {
    line ??= new Promise((resolve, reject) => {
      const own = open()
      own.binaryType = 'arraybuffer'
      own.addEventListener('message', hear)
      own.addEventListener('open', () => resolve(own))
      own.addEventListener('close', () => {
        line = null
        const lost = new TypeError('the connection was lost')
        failAll(lost)
        reject(lost)
      })
    })
    return line
  }

  return async <T>(question: object): Promise<T> => {
    const own = await connected()
    const n = ++count
    return new Promise<T>((resolve, reject) => {
      waiting.set(n, { take: (result) => resolve(result as T), fail: reject })
      own.send(JSON.stringify({ ask: n, ...question }))
    })
  }
}

function withToken(path: string, token: string): string {
  if (token === '') return path
  return `${path}${path.includes('?') ? '&' : '?'}token=${encodeURIComponent(token)}`
}

interface Listed {
  id: string
  name: string
  title?: Titles
  group: string | null
  ready?: boolean
  recipe?: string
  share?: number | null
  error?: Titles | null
}

export async function offers(from: Server | null): Promise<Offer[]> {
  const own = inThePage()
  if (own) {
    return own.map((bundle, k) => ({
      id: `${String(k)}-${bundle.name}`,
      name: bundle.name,
      title: null,
      group: bundle.group ?? null,
      ready: true,
      recipe: null,
      share: null,
      error: null,
      open: () => Promise.resolve(bundle),
    }))
  }
  if (!from) return []
  const listed = await from.get<Listed[] | { bundles: Listed[] }>('api/bundles')
  return (Array.isArray(listed) ? listed : listed.bundles).map((one) => ({
    id: one.id,
    name: one.name,
    title: one.title ?? null,
    group: one.group,
    ready: one.ready ?? true,
    recipe: one.recipe ?? null,
    share: one.share ?? null,
    error: one.error ?? null,
    open: () => from.get<Bundle>(`api/bundles/${encodeURIComponent(one.id)}`),
  }))
}
