/** Where models come from: the page itself, or the server that it came from. */

import type { Bundle } from '$lib/engine/bundle'

/** A model as a list has it; `open` fetches all of it. */
export interface Offer {
  id: string
  name: string
  group: string | null
  open: () => Promise<Bundle>
}

/** What the server says went wrong, in both languages. */
export class Told extends Error {
  constructor(readonly words: { en: string; pt: string }) {
    super(words.en)
  }
}

export interface Server {
  get: <T>(path: string) => Promise<T>
  post: <T>(path: string, body?: unknown) => Promise<T>
  upload: <T>(file: File) => Promise<T>
  socket: () => WebSocket
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
    const response = await fetch(withToken(path, token), { ...options, headers })
    const body = (await response.json()) as T & { error?: { en: string; pt: string } }
    if (!response.ok) {
      const status = String(response.status)
      throw new Told(body.error ?? { en: status, pt: status })
    }
    return body
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
    socket: () => {
      const url = new URL(withToken('ws', token), location.href)
      url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
      return new WebSocket(url)
    },
  }
}

function withToken(path: string, token: string): string {
  if (token === '') return path
  return `${path}${path.includes('?') ? '&' : '?'}token=${encodeURIComponent(token)}`
}

interface Listed {
  id: string
  name: string
  group: string | null
}

export async function offers(from: Server | null): Promise<Offer[]> {
  const own = inThePage()
  if (own) {
    return own.map((bundle, k) => ({
      id: `${String(k)}-${bundle.name}`,
      name: bundle.name,
      group: bundle.group ?? null,
      open: () => Promise.resolve(bundle),
    }))
  }
  if (!from) return []
  const listed = await from.get<Listed[] | { bundles: Listed[] }>('api/bundles')
  return (Array.isArray(listed) ? listed : listed.bundles).map(({ id, name, group }) => ({
    id,
    name,
    group,
    open: () => from.get<Bundle>(`api/bundles/${encodeURIComponent(id)}`),
  }))
}
