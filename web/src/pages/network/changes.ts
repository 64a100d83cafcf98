import type { NetworkVersion } from '@/api/types'
import type { Tone } from '@/map/palette'

export const CHANGES = ['added', 'changed', 'removed'] as const
export type Change = (typeof CHANGES)[number]

/** What becomes of an asset, by colour; a sign of its own and the line's pattern say the same. */
export const CHANGE_COLOURS: Record<Change, string> = { added: '#009e73', changed: '#e69f00', removed: '#d55e00' }

export function toneOf(version: NetworkVersion): Tone {
  if (version.is_publishing) return 'under_way'
  switch (version.state) {
    case 'reading':
      return 'under_way'
    case 'draft':
      return version.refusal ? 'late' : 'new'
    case 'refused':
      return 'late'
    case 'published':
      return 'done'
    default:
      return 'unknown'
  }
}

export function stateKey(version: NetworkVersion): string {
  return version.is_publishing ? 'publishing' : version.state
}
