import { api } from '@/api/client'
import type { NetworkVersion, NetworkVersionDetail, Page } from '@/api/types'
import { useListed } from '@/useListed'

/** While a worker reads or publishes, and otherwise: colleagues work here too. */
const BUSY_MS = 1000
const IDLE_MS = 15_000

export type VersionAction = 'publish' | 'go-back' | 'discard' | 'take-up' | 'compare'

/** The list of versions and the one that is open, kept fresh while something is under way. */
export function useVersions() {
  const underWay = (one: NetworkVersion) => one.state === 'reading' || one.is_publishing
  const { items, act, ...listed } = useListed<NetworkVersion, NetworkVersionDetail, number>({
    keyOf: (one) => one.number,
    keyOfDetail: (detail) => detail.number,
    list: async () => (await api.get<Page<NetworkVersion>>('/api/network/versions')).items,
    read: (number) => api.get(`/api/network/versions/${number}`),
    idleMs: (versions) => (versions.some(underWay) ? BUSY_MS : IDLE_MS),
    first: Number(new URLSearchParams(location.search).get('version')) || null,
    remembered: 'version',
    isMoved: (before, after) => before?.state !== after?.state || before?.is_publishing !== after?.is_publishing,
  })

  const take = (action: VersionAction) => act((number) => api.post(`/api/network/versions/${number}/${action}`))
  return { ...listed, versions: items, act: take }
}
