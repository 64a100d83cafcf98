import type { Escalation, EscalationState } from '@/api/types'
import type { Tone } from '@/map/palette'

export const FILTERS = ['mine', 'open', 'overdue', 'closed'] as const
export type Filter = (typeof FILTERS)[number]

export type Deed = 'report' | 'acknowledge' | 'close'

const TONES: Record<EscalationState, Tone> = {
  pending: 'assigned',
  due: 'new',
  overdue: 'late',
  climbed: 'late',
  reported: 'under_way',
  acknowledged: 'done',
  joined: 'unknown',
  closed: 'unknown',
}
export const STATES = Object.keys(TONES) as EscalationState[]

export function toneOf(state: EscalationState): Tone {
  return TONES[state]
}

/** Nobody was told yet, and somebody still has to be. */
export function isWaiting(one: Pick<Escalation, 'state' | 'reported_at'>): boolean {
  return one.reported_at === null && one.state !== 'closed' && one.state !== 'joined'
}
