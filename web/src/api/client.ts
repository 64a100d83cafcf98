/** RFC 9457 problem, as every refusal of the server is written. */
export interface Problem {
  type?: string
  title: string
  status: number
  detail: string
  errors?: { pointer: string; detail: string }[]
}

/** The server refused, or could not be reached (`status` 0). */
export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail)
  }
  get status(): number {
    return this.problem.status
  }
  get slug(): string {
    return this.problem.type?.split('/').pop() ?? ''
  }
}

let refreshing: Promise<boolean> | null = null

/** One refresh at a time, however many calls met the expired token. */
export function refreshLogin(): Promise<boolean> {
  refreshing ??= fetch('/api/login/refresh', { method: 'POST' })
    .then((answer) => answer.ok)
    .catch(() => false)
    .finally(() => {
      refreshing = null
    })
  return refreshing
}

export function goToLogin(): void {
  if (location.pathname.startsWith('/login')) return
  const next = location.pathname + location.search + location.hash
  location.assign(`/login?next=${encodeURIComponent(next)}`)
}

async function problemOf(answer: Response): Promise<Problem> {
  const fallback = { title: answer.statusText, status: answer.status, detail: answer.statusText || String(answer.status) }
  if (!answer.headers.get('content-type')?.includes('json')) return fallback
  const body: unknown = await answer.json().catch(() => null)
  return body !== null && typeof body === 'object' ? { ...fallback, ...body } : fallback
}

async function send(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json' }
  const form = body instanceof FormData // the browser names its boundary itself
  const bytes = body instanceof Blob
  if (body !== undefined && !form) headers['content-type'] = bytes ? 'application/octet-stream' : 'application/json'
  try {
    return await fetch(path, {
      method,
      headers,
      signal,
      body: body === undefined || bytes || form ? body : JSON.stringify(body),
    })
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause
    throw new ApiError({ title: 'offline', status: 0, detail: '' })
  }
}

async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  let answer = await send(method, path, body, signal)
  if (answer.status === 401 && path !== '/api/login' && (await refreshLogin())) {
    answer = await send(method, path, body, signal)
  }
  if (!answer.ok) {
    const problem = await problemOf(answer)
    if (answer.status === 401 && path !== '/api/login') goToLogin()
    throw new ApiError(problem)
  }
  if (answer.status === 204) return undefined as T
  return (await answer.json()) as T
}

export const api = {
  get: <T>(path: string, signal?: AbortSignal) => call<T>('GET', path, undefined, signal),
  post: <T>(path: string, body: unknown = {}, signal?: AbortSignal) => call<T>('POST', path, body, signal),
  put: <T = void>(path: string, body: unknown) => call<T>('PUT', path, body),
  patch: <T>(path: string, body: unknown) => call<T>('PATCH', path, body),
}

export function query(values: Record<string, string | number | undefined>): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(values)) if (value !== undefined && value !== '') search.set(key, String(value))
  const text = search.toString()
  return text ? `?${text}` : ''
}
